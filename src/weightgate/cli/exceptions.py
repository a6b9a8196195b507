"""Reviewed, dated permissions: list them, add one, see what fails when they end; and grants for an emergency."""

from __future__ import annotations

import argparse

COMMANDS = {
    "list": "show each exception and grant, its state and what it hides",
    "add": "write an exception for a finding into the policy tree, for a pull request",
    "break-glass": "write an emergency grant for one model into the policy tree, for some hours",
    "forecast": "show which models would start to fail, when, and why",
}
"""Each command's module is `weightgate.cli.exceptions_<name>`, with _ for -: `configure(parser)` and
`run(args) -> exit code`."""


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
