"""Turn a stored scanner report into a findings document."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from weightgate.cli.scan import write_document
from weightgate.errors import MalformedReport, UsageError
from weightgate.scanners.interface import Report
from weightgate.scanners.registry import NAMES
from weightgate.scanning import normalize


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("report", metavar="REPORT", help="the raw report; `-` reads standard input")
    parser.add_argument(
        "--scanner", required=True, metavar="S", help=f"what wrote the report: one of {', '.join(NAMES)}"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write the document here (default: standard output)"
    )
    parser.add_argument("--model", metavar="URI", help="what the model is called in the document")
    parser.add_argument(
        "--model-dir", metavar="DIR", help="the model's directory, when it is here: its files are hashed"
    )
    parser.add_argument("--root", metavar="PATH", help="the path that was scanned, as the report writes it")
    parser.add_argument(
        "--exit-code", type=int, metavar="N", help="the exit code that the scanner ended with, if known"
    )


def run(args: argparse.Namespace) -> int:
    """Write the findings document and return 0."""
    if args.output is not None:
        args.output.unlink(missing_ok=True)
    report = Report(content=_bytes(args.report), exit_code=args.exit_code, root=args.root)
    try:
        document = normalize(args.scanner, report, model=args.model, directory=args.model_dir)
    except MalformedReport as exc:
        # NOTE: a scanner that leaves no usable report is a failed scan; a stored file that is none is bad input.
        raise UsageError(f"{args.report}: {exc}") from exc
    write_document(document, args.output)
    return 0


def _bytes(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as exc:
        raise UsageError(f"{name}: cannot be read: {exc.strerror}; expected a scanner's report") from exc
