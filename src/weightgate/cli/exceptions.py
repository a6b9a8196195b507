"""Reviewed, dated permissions: list them, add one, see what fails when they end; and grants for an emergency."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from weightgate.cli import common
from weightgate.errors import UsageError

if TYPE_CHECKING:
    from weightgate.engine.evaluate import Evidence

COMMANDS = {
    "list": "show each exception and grant, its state and what it hides",
    "add": "write an exception for a finding into the policy tree, for a pull request",
    "break-glass": "write an emergency grant for one model into the policy tree, for some hours",
    "forecast": "show which models would start to fail, when, and why",
}
"""Each command's module is `weightgate.cli.exceptions_<name>`, with _ for -: `configure(parser)` and
`run(args) -> exit code`."""


def add_permission(parser: argparse.ArgumentParser, example: str, owner: str, reason: str) -> None:
    """Declare what an exception and a grant have in common; `owner` and `reason` say who and why that is."""
    parser.add_argument("--id", required=True, metavar=f"{example}-…", help="its own id")
    parser.add_argument("--owner", required=True, metavar="PERSON", help=owner)
    parser.add_argument("--approver", required=True, metavar="PERSON", help="who approves it; never the owner")
    parser.add_argument("--reason", required=True, metavar="WORDS", help=reason)
    parser.add_argument("--ticket", required=True, metavar="TICKET", help="where it is tracked")
    common.add_policy(parser)
    parser.add_argument("--at", metavar="TIME", help="it begins at this RFC 3339 time, not now")


def one_document(path: Path) -> Evidence:
    """Return the one findings document that `path` names; raises `UsageError` for none, several or a directory."""
    from weightgate.policy import corpus

    evidence = corpus.load_all([path])
    if len(evidence) != 1 or path.is_dir():
        raise UsageError(f"{path}: expected one findings document")
    return evidence[0]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments; those of the named command are read by its own parser."""
    width = max(map(len, COMMANDS))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "commands:\n" + "\n".join(f"  {name:<{width}}  {said}" for name, said in COMMANDS.items())
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of " + ", ".join(COMMANDS))
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="…", help="the command's own arguments")


def run(args: argparse.Namespace) -> int:
    """Run the named command and return its exit code."""
    from weightgate.cli.run import run_command

    return run_command(f"exceptions_{args.command.replace('-', '_')}", args.words)
