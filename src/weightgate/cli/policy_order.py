"""Prove that environments are ordered as the policy tree declares: what prod allows staging allows, and so on.

Exit codes: 0 the order holds, 1 it does not, 2 wrong usage, 3 the tree or OPA could not be used.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weightgate.cli import common
from weightgate.policy.tree import PolicyTree, locate

if TYPE_CHECKING:
    from weightgate.policy.inversions import Inversion
    from weightgate.policy.order import Problem


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    common.add_policy(parser)
    parser.add_argument(
        "--corpus",
        nargs="+",
        type=Path,
        default=[],
        metavar="PATH",
        help="stored findings documents, or directories of them (default: the acceptance cases beside the tree)",
    )
    parser.add_argument("--at", metavar="TIME", help="decide as of this RFC 3339 time, not now")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="what is printed on standard output")


def run(args: argparse.Namespace) -> int:
    """Print every problem, and the smallest document that shows it; return the exit code."""
    from weightgate.formats.escape import json_text, lines
    from weightgate.policy import cases, corpus
    from weightgate.policy.order import grants, problems

    tree = locate(args.policy)
    evidence = corpus.load_all(args.corpus) or [case.evidence() for case in cases.find(tree, None)[0]]
    at = common.moment(args.at)
    found = problems(tree, evidence, at)
    for note in grants(tree.load(tree.select([], True))[0], at):
        print(lines(f"weightgate: {note}"), file=sys.stderr)
    if args.format == "json":
        report = {"schema": "weightgate.order/v1", "problems": [_json(problem) for problem in found]}
        print(json_text(json.dumps(report, indent=2, ensure_ascii=False)))
    else:
        for problem in found:
            print(lines(str(problem)))
            if problem.counterexample is not None:
                print(_shown(tree, problem.counterexample))
    said = f"{len(found)} problem{'s' * (len(found) != 1)}" if found else "the declared order holds"
    said += f"; {len(evidence)} stored document{' was' if len(evidence) == 1 else 's were'} tried"
    print(f"weightgate: {tree.root} ({tree.origin}): {said}", file=sys.stderr)
    return 1 if found else 0


def _json(problem: Problem) -> dict[str, Any]:
    from weightgate.findings import to_json

    shown = problem.counterexample
    row: dict[str, Any] = {"where": problem.where, "message": problem.message, "counterexample": None}
    if shown is None:
        return row
    return row | {
        "counterexample": to_json(shown.document),
        "environments": [shown.pair.stricter, shown.pair.laxer],
        "exceptions": dict(shown.exceptions),
        "evaluated_at": shown.evaluated_at,
    }


def _shown(tree: PolicyTree, shown: Inversion) -> str:
    """Return the document, the exceptions that it takes, and the command that decides it."""
    from weightgate.findings import to_json
    from weightgate.formats.escape import json_text, lines
    from weightgate.policy.ledger.text import rendered

    pair = shown.pair
    text = json_text(json.dumps(to_json(shown.document), indent=2, ensure_ascii=False)) + "\n"
    if shown.exceptions:
        files = [f"environments/{name}/exceptions/data.yaml" for name in (pair.stricter, pair.laxer)]
        text += f"with these exceptions in {' and '.join(files)}:\n"
        text += "".join(lines(rendered(id_, dict(entry), "a trial")) for id_, entry in shown.exceptions.items())
    words = ["--env", pair.stricter, "--env", pair.laxer, "--at", shown.evaluated_at, "--policy", str(tree.root)]
    return text + lines(f"to see it: weightgate check FINDINGS {shlex.join(words)}")
