"""Work on a policy tree: check it, test it, compare it."""

from __future__ import annotations

import argparse

COMMANDS = {
    "lint": "find what is wrong with the tree without evaluating it",
    "test": "run the tree's tests, and say what they leave out",
    "order": "prove that the environments are ordered as the tree declares",
    "diff": "show what a change of the tree changes for stored findings documents",
}
"""Each command's module is `weightgate.cli.policy_<name>`: `configure(parser)` and `run(args) -> exit code`."""


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

    return run_command(f"policy_{args.command}", args.words)
