"""What to do about a refusal, as commands that run as they are printed."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterator, Sequence

from weightgate.decision import Decision
from weightgate.policy.environment import Environment
from weightgate.policy.tree import HERE, SHIPPED, PolicyTree

MOST = 5
"""Findings for which a command is shown."""
_DAYS = 30
"""How long an exception is proposed for, where the environment lets it last so long."""


def commands(
    tree: PolicyTree, here: Environment, decision: Decision, excusable: Sequence[str], stored: str
) -> list[tuple[str, str]]:
    """Return what to do next, each with its command; nothing for an allow.

    `excusable` are findings that an exception each would let pass; `stored` is the document's file.
    """
    if decision.allow:
        return []
    shipped = tree.origin == SHIPPED
    named = [] if tree.origin in (SHIPPED, HERE) else ["--policy", str(tree.root)]
    found = []
    if excusable and shipped:
        what = "exceptions stand in a policy tree of your own; make one, and name it with --policy from then on"
        found.append((what, "weightgate init policy"))
    elif excusable:
        what = "if it is a false positive, ask for an exception (replace the words in capitals)"
        for finding, id_ in zip(excusable[:MOST], _new_ids(here, decision), strict=False):
            words = ["--env", here.name, "--finding", finding, "--findings", stored, "--id", id_, *_wish(here), *named]
            found.append((what, f"weightgate exceptions add {shlex.join(words)}"))
    check = shlex.join([stored, "--env", here.name, *named])
    return [*found, ("mend the model, scan it again into the same file, then", f"weightgate check {check}")]


def _new_ids(here: Environment, decision: Decision) -> Iterator[str]:
    """Yield ids that no exception or grant of the environment has."""
    taken = dict(here.permissions())
    ids = (f"EXC-{decision.evaluated_at[:4]}-{number:03}" for number in itertools.count(1))
    return (id_ for id_ in ids if id_ not in taken)


def _wish(here: Environment) -> list[str]:
    limits = here.settings.exceptions
    approver = next(iter(limits.approvers), "APPROVER")
    days = min([_DAYS, *(most for most in limits.max_days.values() if most)])
    words = ["--owner", "OWNER", "--approver", approver, "--reason", "REASON", "--ticket", "TICKET"]
    return [*words, "--days", str(days)]
