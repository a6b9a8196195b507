"""Find what is wrong with a policy tree without evaluating it: unknown words, dead paths, rules that nothing uses.

Exit codes: 0 no problem, 1 problems, 2 wrong usage, 3 the tools or the tree could not be used.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

from weightgate.cli import common
from weightgate.policy.tree import PolicyTree, locate


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    common.add_policy(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="what is printed on standard output")


def run(args: argparse.Namespace) -> int:
    """Print every problem with its file and line; return the exit code."""
    from weightgate.formats.escape import lines
    from weightgate.policy.lint import check

    tree = locate(args.policy)
    problems = check(tree)
    if args.format == "json":
        rows = [
            {"file": problem.file, "line": problem.line, "rule": problem.rule, "message": problem.message}
            for problem in problems
        ]
        json.dump({"schema": "weightgate.lint/v1", "problems": rows}, sys.stdout, indent=2)
        print()
    else:
        for problem in problems:
            print(lines(f"{_shown(tree, problem.file)}:{problem.line}: {problem.rule}: {problem.message}"))
    said = f"{len(problems)} problem{'s' * (len(problems) != 1)}" if problems else "no problems"
    print(f"weightgate: {tree.root} ({tree.origin}): {said}", file=sys.stderr)
    return 1 if problems else 0


def _shown(tree: PolicyTree, file: str) -> str:
    return os.path.normpath(tree.root / file)
