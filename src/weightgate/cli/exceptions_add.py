"""Write an exception for one finding into the policy tree, to be reviewed in a pull request.

Comments and the order of the entries stay. It is tried on a copy of the tree first, and refused when an environment
would not accept it. What a stricter environment lets pass, the laxer ones must too: give each with --env.

Exit codes: 0 written, 2 refused or wrong usage, 3 the policy tree or OPA could not be used. Nothing is written then.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from weightgate.cli import common
from weightgate.cli.exceptions import add_permission, one_document
from weightgate.errors import InvalidDocument, UsageError

if TYPE_CHECKING:
    from weightgate.policy.tree import PolicyTree

_DAY = 86400
_MOST_DAYS = 3660


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--env",
        required=True,
        action="append",
        metavar="ENV",
        help="where to add it; may be given several times",
    )
    parser.add_argument("--finding", required=True, metavar="ID", help="the id of the finding to excuse")
    parser.add_argument(
        "--findings", required=True, type=Path, metavar="FILE", help="the findings document that has the finding"
    )
    add_permission(parser, "EXC", "who answers for it", "why the finding may pass")
    ends = parser.add_mutually_exclusive_group(required=True)
    ends.add_argument("--days", type=int, metavar="N", help="how long it lasts")
    ends.add_argument("--expires", metavar="TIME", help="an RFC 3339 time or a date: from this second on it is over")
    parser.add_argument("--bind-digest", action="store_true", help="only for the model with this digest")
    parser.add_argument(
        "--rule-scope", action="store_true", help="for the finding's rule, file and model instead of the finding's id"
    )


def run(args: argparse.Namespace) -> int:
    """Write the exception; return the exit code."""
    from weightgate.formats.escape import lines
    from weightgate.policy.ledger.adding import Wish, add

    created = common.moment(args.at)
    tree = common.own_tree(args.policy)
    environments = tuple(tree.select(args.env, False))
    expires = _expires(args, created)
    people = (args.owner, args.approver, args.reason, args.ticket)
    wish = Wish(environments, args.id, args.finding, *people, created, expires, args.bind_digest, args.rule_scope)
    added = add(tree, one_document(args.findings), wish)
    for each in added:
        count = "excuses nothing now"
        if each.hides:
            count = f"excuses {len(each.hides)} finding{'s' * (len(each.hides) != 1)}"
        print(lines(f"{each.path}:{each.line}: {args.id} {count} ({each.severity}) until {expires}"))
    idle = [each.environment for each in added if not each.hides]
    if idle:
        does = "does" if len(idle) == 1 else "do"
        print(f"weightgate: {', '.join(idle)} {does} not refuse this finding anyway", file=sys.stderr)
    print(
        "weightgate: this opens no gate by itself; the pull request that merges it does, once it is reviewed",
        file=sys.stderr,
    )
    for note in _order(tree, args.id, created):
        print(lines(f"weightgate: {note}"), file=sys.stderr)
    return 0


def _expires(args: argparse.Namespace, created: str) -> str:
    from weightgate.policy.moments import seconds, stamp
    from weightgate.policy.permissions import moment

    if args.expires is not None:
        try:
            return moment(args.expires, "")
        except InvalidDocument as exc:
            raise UsageError(f"--expires: {exc.problem}") from None
    if not 1 <= args.days <= _MOST_DAYS:
        raise UsageError(f"--days is {args.days}; expected 1 to {_MOST_DAYS}")
    return stamp((seconds(created) or 0) + args.days * _DAY)


def _order(tree: PolicyTree, id_: str, at: str) -> list[str]:
    """Return what the new exception does to the order of the environments, which `policy test` proves."""
    from weightgate.policy import order

    loaded, _ = tree.load(tree.select([], True))
    found = [str(problem) for problem in order.compared(loaded, at) if f"exception {id_} " in problem.message]
    names = order.chain(loaded)
    have = [name for name in names if id_ in loaded[name].exceptions]
    there = [f"--env {name}" for name in names[: names.index(have[-1])] if name not in have]
    if found and there:
        found.append(f"the same command with {' '.join(there)} adds it there too")
    return found
