"""Run a policy tree's tests, and say what they leave out.

Fails when there is no test, a file without tests, a skipped or failing test, a line that no test runs, an acceptance
case with another verdict, or an environment that is not ordered as it declares. `--mutate` then plants small mistakes
into a copy of the tree and counts how many of them the tests find.

Exit codes: 0 nothing is left out, 1 something is, 2 wrong usage, 3 the tools or the tree could not be used.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weightgate.cli import common
from weightgate.errors import UsageError
from weightgate.policy.tree import locate

if TYPE_CHECKING:
    from weightgate.policy.mutate import Score
    from weightgate.policy.testing import Report


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    common.add_policy(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="what is printed on standard output")
    parser.add_argument(
        "--cases", type=Path, metavar="DIR", help="acceptance cases (default: tests/acceptance beside the tree)"
    )
    group = parser.add_argument_group("mutation testing")
    group.add_argument(
        "--mutate", action="store_true", help="plant mistakes into a copy of the tree; show the survivors"
    )
    group.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATH",
        help="plant into this file or folder of the tree alone, given below its root (repeatable)",
    )
    group.add_argument(
        "--sample", type=_positive, metavar="N", help="plant only N of the mistakes, always the same ones"
    )
    group.add_argument("--budget", type=_positive, metavar="SECONDS", help="stop planting after so many seconds")
    group.add_argument(
        "--min-score", type=float, default=95.0, metavar="PERCENT", help="fail when fewer are found (default: 95)"
    )
    group.add_argument(
        "--equivalent",
        type=Path,
        metavar="FILE",
        help="mistakes that change nothing, each with its reason (default: tests/mutants.yaml beside the tree)",
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"found {number}; expected at least 1")
    return number


def run(args: argparse.Namespace) -> int:
    """Print what the tests leave out; return the exit code."""
    from weightgate.policy import testing

    if not args.mutate and (args.only or args.sample or args.budget or args.equivalent):
        raise UsageError("--only, --sample, --budget and --equivalent are for --mutate")
    if not 0 <= args.min_score <= 100:
        raise UsageError(f"--min-score is {args.min_score:g}; expected a percentage from 0 to 100")
    tree = locate(args.policy)
    report = testing.run(tree, args.cases)
    score = None
    if args.mutate and not report.gaps:
        from weightgate.policy.mutate import run as mutate

        score = mutate(tree, args.cases, args.equivalent, args.sample, args.budget, args.only)
    weak = score is not None and (score.percent < args.min_score or bool(score.stale) or not score.compiled)
    if args.format == "json":
        json.dump(_json(report, score), sys.stdout, indent=2)
        print()
    else:
        _print(report, score)
    print(f"weightgate: {tree.root} ({tree.origin}): {_summary(args, report, score)}", file=sys.stderr)
    return 1 if report.gaps or weak else 0


def _json(report: Report, score: Score | None) -> dict[str, Any]:
    gaps = [{"kind": gap.kind, "where": gap.where, "message": gap.message} for gap in report.gaps]
    found: dict[str, Any] = {
        "schema": "weightgate.policy-test/v1",
        "tests": report.tests,
        "cases": report.cases,
        "coverage": None if report.coverage is None else round(report.coverage, 2),
        "gaps": gaps,
    }
    if score is not None:
        found["mutation"] = {
            "score": round(score.percent, 2),
            "killed": score.killed,
            "compiled": score.compiled,
            "not_run": score.not_run,
            "survivors": [{"mistake": one.what, "diff": one.diff} for one in score.survivors],
            "equivalent": [{"mistake": one.what, "reason": reason} for one, reason in score.equivalent],
            "stale": list(score.stale),
        }
    return found


def _print(report: Report, score: Score | None) -> None:
    from weightgate.formats.escape import lines

    for gap in report.gaps:
        print(lines(f"{gap.where}: {gap.kind}: {gap.message}"))
    if score is None:
        return
    for survivor in score.survivors:
        print(lines(f"survived: {survivor.what}\n{survivor.diff}"))
    for stale in score.stale:
        print(lines(f"stale: {stale}"))


def _summary(args: argparse.Namespace, report: Report, score: Score | None) -> str:
    said = f"{report.tests} tests, {report.cases} acceptance cases"
    said += "" if report.coverage is None else f", coverage {report.coverage:.1f} %"
    if report.gaps:
        said += f", {len(report.gaps)} gap{'s' * (len(report.gaps) != 1)}"
        return said + ("; nothing was mutated" if args.mutate else "")
    if score is None:
        return said
    said += f"; {score.killed} of {score.compiled} planted mistakes found ({score.percent:.1f} %)"
    said += f", {len(score.equivalent)} known to change nothing" if score.equivalent else ""
    return said + (f", {score.not_run} not tried" if score.not_run else "")
