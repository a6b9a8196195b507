"""Show what a change of the policy tree does to stored findings documents, and what it loosens.

Exit codes: 0 nothing is loosened, 1 something is (or may be), 2 wrong usage, 3 a tree or OPA could not be used.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path

from weightgate.cli import common
from weightgate.policy.tree import locate


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("base", metavar="BASE", help="a git revision of the policy repository, or a directory")
    parser.add_argument(
        "head", metavar="HEAD", nargs="?", help="a git revision or a directory (default: the policy tree in use)"
    )
    parser.add_argument(
        "--corpus",
        nargs="+",
        type=Path,
        default=[],
        metavar="PATH",
        help="stored findings documents, or directories of them",
    )
    parser.add_argument("--allow-loosening", action="store_true", help="exit 0 also when something is loosened")
    common.add_policy(parser)
    parser.add_argument("--at", metavar="TIME", help="decide as of this RFC 3339 time, not now")
    parser.add_argument(
        "--format", choices=("text", "markdown", "json"), default="text", help="what is printed on standard output"
    )


def run(args: argparse.Namespace) -> int:
    """Print what changes; return the exit code."""
    from weightgate.formats.escape import json_text
    from weightgate.policy.diff import compare, report
    from weightgate.policy.diff.revisions import tree_at

    at = common.moment(args.at)
    own = locate(args.policy)
    if not args.corpus:
        print("weightgate: no --corpus, so no stored document is decided again", file=sys.stderr)
    with ExitStack() as stack:
        base = stack.enter_context(tree_at(args.base, own.root))
        head = own if args.head is None else stack.enter_context(tree_at(args.head, own.root))
        impact = compare(base, head, args.corpus, at)
    names = (args.base, args.head or f"{own.root} ({own.origin})")
    if args.format == "json":
        value = report.json_value(impact, *names)
        print(json_text(json.dumps(value, indent=2, ensure_ascii=False)))
    else:
        sys.stdout.write((report.markdown if args.format == "markdown" else report.text)(impact, *names))
    return 1 if impact.loosens and not args.allow_loosening else 0
