"""Show each exception and break-glass grant: its state, its people, and what it hides of stored findings documents.

Exit codes: 0 listed, 2 wrong usage, 3 the policy tree or OPA could not be used.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weightgate.cli import common
from weightgate.errors import UsageError

if TYPE_CHECKING:
    from weightgate.policy.ledger.listing import Entry


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    common.add_environments(parser)
    common.add_policy(parser)
    parser.add_argument(
        "--corpus",
        nargs="+",
        type=Path,
        default=[],
        metavar="PATH",
        help="stored findings documents, or directories of them",
    )
    parser.add_argument(
        "--broad", type=int, default=20, metavar="N", help="over-broad: hides more findings or models (default: 20)"
    )
    parser.add_argument("--at", metavar="TIME", help="as of this RFC 3339 time, not now")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="what is printed on standard output")


def run(args: argparse.Namespace) -> int:
    """Print the exceptions; return the exit code."""
    from weightgate.formats.escape import json_text, lines
    from weightgate.policy import corpus
    from weightgate.policy.ledger.listing import entries

    if args.broad < 1:
        raise UsageError(f"--broad is {args.broad}; expected at least 1")
    at = common.moment(args.at)
    tree, environments = common.policy_setup(args)
    documents = corpus.load_all(args.corpus)
    found = entries(tree, environments, documents, at, args.broad)
    if args.format == "json":
        value = {
            "schema": "weightgate.exceptions/v1",
            "evaluated_at": at,
            "documents": len(documents) if args.corpus else None,
            "exceptions": [_json(entry) for entry in found],
        }
        print(json_text(json.dumps(value, indent=2, ensure_ascii=False)))
    else:
        for entry in found:
            print(lines(_text(entry)))
    said = f"{len(documents)} findings documents" if args.corpus else "no --corpus, so what they hide is not known"
    grants = sum(entry.kind == "break-glass" for entry in found)
    count = _number(len(found) - grants, "exception") + (
        f" and {_number(grants, 'break-glass grant')}" if grants else ""
    )
    count += f" in {', '.join(environments)}"
    print(lines(f"weightgate: {tree.root} ({tree.origin}): {count}; {said}"), file=sys.stderr)
    return 0


def _text(entry: Entry) -> str:
    from weightgate.policy.permissions import Grant

    loud = "BREAK-GLASS " if entry.kind == "break-glass" else ""
    rows = [f"{entry.environment} {loud}{entry.id}: {_state(entry)}"]
    if entry.remarks:
        rows[0] += f" [{', '.join(entry.remarks)}]"
    told = entry.permission
    scope = {"digest": told.digest, "rules": ", ".join(told.rules)} if isinstance(told, Grant) else told.scope
    rows.append(f"  owner {told.owner}, approver {told.approver}, ticket {_one_line(told.ticket)}")
    rows.append(f"  scope: {', '.join(f'{key} {_one_line(value)}' for key, value in scope.items())}")
    rows.append(f"  reason: {_one_line(told.reason)}")
    rows.append(f"  hides: {_hides(entry)}")
    rows.append(f"  at {entry.where}")
    return "\n".join(rows)


def _state(entry: Entry) -> str:
    ends = entry.permission.expires
    if entry.state == "rejected":
        return f"rejected: {_one_line(entry.reason)}"
    if entry.state == "expired":
        return f"expired at {ends}"
    left = _left(entry.seconds_left or 0, entry.kind)
    if entry.state == "expiring":
        return f"expires in {left}, at {ends}"
    return f"in force, {left} left, until {ends}"


def _left(left: int, kind: str) -> str:
    unit, name = (3600, "hour") if kind == "break-glass" else (86400, "day")
    article = "an" if name == "hour" else "a"
    return f"less than {article} {name}" if left < unit else _number(left // unit, name)


def _hides(entry: Entry) -> str:
    if entry.hides is None:
        return "not known without --corpus"
    if not entry.hides:
        return "nothing"
    models = sorted({model for model, _ in entry.hides})
    shown = ", ".join(map(_one_line, models[:5])) + (f" and {len(models) - 5} more" if len(models) > 5 else "")
    return f"{_number(len(entry.hides), _hidden(entry))} of {_number(len(models), 'model')}: {shown}"


def _hidden(entry: Entry) -> str:
    """Return what the entry excuses, in one word."""
    return "finding" if entry.kind == "exception" else "rule"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _one_line(text: str) -> str:
    from weightgate.formats.escape import printable

    return printable(text)


def _json(entry: Entry) -> dict[str, Any]:
    value = {
        "environment": entry.environment,
        "kind": entry.kind,
        "id": entry.id,
        "state": entry.state,
        "reason_rejected": entry.reason or None,
        "days_left": None if entry.seconds_left is None else entry.seconds_left // 86400,
        "hours_left": None if entry.seconds_left is None else entry.seconds_left // 3600,
        **dataclasses.asdict(entry.permission),
        "where": entry.where,
        "hides": None,
        "remarks": list(entry.remarks),
    }
    if entry.hides is not None:
        what = _hidden(entry)
        value["hides"] = {
            f"{what}s": [{"model": model, what: name} for model, name in entry.hides],
            "models": sorted({model for model, _ in entry.hides}),
        }
    return value
