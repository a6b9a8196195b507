"""Print the JSON Schema of a document: findings or decision."""

from __future__ import annotations

import argparse
import sys
from importlib import resources

NAMES = ("findings", "input", "decision")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", choices=NAMES, help="which document's schema; `input` is findings plus its `context`")


def run(args: argparse.Namespace) -> int:
    """Print the schema and return 0."""
    sys.stdout.write(resources.files("weightgate.schemas").joinpath(f"{args.name}.schema.json").read_text("utf-8"))
    return 0
