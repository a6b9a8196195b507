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
from typing import TYPE_CHECKING

from weightgate.cli import common
from weightgate.errors import UsageError

if TYPE_CHECKING:
    from weightgate.policy.ledger.forecast import Failure, Forecast

_MOST = 5
"""Violations of a model that are shown."""


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
    from weightgate.formats.escape import json_text, lines
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
            print(lines(_told(each)))
    said = f"{_models(found)} would start to fail by {found.until}"
    what = f"{_counted(len(documents), 'findings document')} decided as of {_counted(found.moments, 'moment')} to come"
    print(lines(f"weightgate: {tree.root} ({tree.origin}): {said}; {what}"), file=sys.stderr)
    return 1 if found.failures else 0


def _told(failure: Failure) -> str:
    from weightgate.formats.escape import printable

    told = [f"from {failure.at} on {failure.environment} refuses {printable(failure.model)} ({failure.verdict})"]
    if failure.exceptions:
        verb = "ends" if len(failure.exceptions) == 1 else "end"
        told.append(f"  because {printable(' and '.join(failure.exceptions))} {verb}")
    told += [f"  {each.rule}: {printable(each.msg)}" for each in failure.violations[:_MOST]]
    if len(failure.violations) > _MOST:
        told.append(f"  and {len(failure.violations) - _MOST} more (--format json has all)")
    told += [f"  renew {printable(each.id)} too: it ends at {each.expires}" for each in failure.ending]
    return "\n".join(told)


def _models(found: Forecast) -> str:
    """Return how many models there are and where, each counted once although several environments refuse it."""
    models = {(each.model, each.digest) for each in found.failures}
    environments = dict.fromkeys(each.environment for each in found.failures)
    return f"{_counted(len(models), 'model')} in {', '.join(environments)}" if models else "no model"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
