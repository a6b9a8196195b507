"""Show which models of stored findings documents would start to fail, when, and why.

The policy decides them anew at each moment at which an exception begins or ends or a rule takes effect, and at the last
moment of the time looked at.

Exit codes: 0 nothing would start to fail, 1 something would, 2 wrong usage, 3 the policy tree or OPA could not be used.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from weightgate.cli import common
from weightgate.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    common.add_environments(parser)
    common.add_policy(parser)
    parser.add_argument(
        "--corpus",
        nargs="+",
        type=Path,
        required=True,
        metavar="PATH",
        help="stored findings documents, or directories of them",
    )
    parser.add_argument("--days", type=int, default=30, metavar="N", help="how far to look (default: 30)")
    parser.add_argument("--at", metavar="TIME", help="from this RFC 3339 time on, not from now on")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="what is printed on standard output")


def run(args: argparse.Namespace) -> int:
    """Print what would start to fail; return the exit code."""
    from weightgate.formats.escape import json_text, lines, printable
    from weightgate.policy import corpus
    from weightgate.policy.ledger.forecast import forecast

    if not 1 <= args.days <= 3660:
        raise UsageError(f"--days is {args.days}; expected 1 to 3660")
    at = common.moment(args.at)
    tree, environments = common.policy_setup(args)
    documents = corpus.load_all(args.corpus)
    found = forecast(tree, environments, documents, at, args.days)
    if args.format == "json":
        value = {
            "schema": "weightgate.forecast/v1",
            "evaluated_at": at,
            "until": found.until,
            "failures": [dataclasses.asdict(each) for each in found.failures],
        }
        print(json_text(json.dumps(value, indent=2, ensure_ascii=False)))
    else:
        for each in found.failures:
            print(lines(f"{each.at} {each.environment}: {printable(each.model)} would be refused ({each.verdict})"))
            for id_ in each.exceptions:
                print(lines(f"  exception {printable(id_)} ends"))
            for violation in each.violations[:5]:
                print(lines(f"  {violation.rule}: {printable(violation.msg)}"))
            if len(each.violations) > 5:
                print(f"  and {len(each.violations) - 5} more")
    count = len(found.failures)
    said = f"{count} model{'s' * (count != 1)} would start to fail until {found.until}"
    what = f"{len(documents)} findings documents, {found.moments} moments looked at"
    print(lines(f"weightgate: {tree.root} ({tree.origin}): {said}; {what}"), file=sys.stderr)
    return 1 if found.failures else 0
