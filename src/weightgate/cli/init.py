"""Make a policy repository for a team: the policy tree, its checks in CI, who reviews, a README.

A README, a LICENSE, .gitignore and .gitattributes that are there already stay as they are.

Exit codes: 0 made, 2 wrong usage or a directory that holds something else, 3 the shipped tree could not be used.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "directory",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="a new one or a new repository (default: this one)",
    )
    parser.add_argument(
        "--environments",
        default="dev,staging,prod",
        metavar="A,B,C",
        help="their names, the laxest first (default: dev,staging,prod)",
    )


def run(args: argparse.Namespace) -> int:
    """Write the repository; return the exit code."""
    from weightgate.errors import UsageError
    from weightgate.formats.escape import lines
    from weightgate.policy import repository
    from weightgate.policy.tree import shipped

    names = [name.strip() for name in args.environments.split(",")]
    try:
        kept = repository.make(shipped(), args.directory, names)
    except OSError as exc:
        raise UsageError(f"{args.directory}: cannot be written: {exc.strerror}") from exc
    print(lines(f"{args.directory}: a policy repository with the environments {', '.join(names)}, the laxest first"))
    if kept:
        print(lines(f"weightgate: kept as they were: {', '.join(kept)}"), file=sys.stderr)
    print(
        "weightgate: next: put your teams into .github/CODEOWNERS, run `weightgate policy test`, commit",
        file=sys.stderr,
    )
    return 0
