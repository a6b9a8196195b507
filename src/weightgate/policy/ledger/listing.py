"""What became of each exception and break-glass grant of an environment, and what it hides now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weightgate import strict
from weightgate.decision import Decision, broken_glass
from weightgate.engine import many
from weightgate.engine.evaluate import Evidence
from weightgate.errors import PolicyError
from weightgate.findings import read
from weightgate.policy import enumeration
from weightgate.policy.environment import Environment
from weightgate.policy.moments import seconds
from weightgate.policy.permissions import Grant, PolicyException
from weightgate.policy.tree import PolicyTree

DAY = 86400
BROAD = 20
"""An exception that hides more findings, or findings of more models, than this is seldom one false positive."""

IN_FORCE, EXPIRING, EXPIRED, REJECTED = "in_force", "expiring", "expired", "rejected"


@dataclass(frozen=True, slots=True)
class Entry:
    """One exception or break-glass grant of one environment, as of one moment."""

    environment: str
    id: str
    permission: PolicyException | Grant
    where: str
    """Its file and line."""
    state: str
    """`in_force`, `expiring` (an exception in force that ends within the environment's `warn_days`), `expired` or
    `rejected`."""
    reason: str
    """Why it is rejected; empty for the other states."""
    seconds_left: int | None
    """Until it ends; `None` when it excuses nothing any more, or never did."""
    hides: tuple[tuple[str, str], ...] | None
    """(model, finding) of the corpus that it excuses, of a grant (model, rule), sorted; `None` without a corpus."""
    remarks: tuple[str, ...]
    """`unused`, `over-broad`, `shadowed by …`: only said of what is in force, and only with a corpus."""

    @property
    def kind(self) -> str:
        """Return `exception` or `break-glass`."""
        return "break-glass" if isinstance(self.permission, Grant) else "exception"


def entries(
    tree: PolicyTree, environments: list[str], corpus: Sequence[Evidence], evaluated_at: str, broad: int = BROAD
) -> list[Entry]:
    """Return the exceptions and grants of `environments`, by environment, kind and id, as of `evaluated_at` (RFC 3339,
    UTC).

    What is in force, and what it excuses, is the policy's own answer about each document of `corpus`. Raises what
    evaluating raises, and `PolicyError` when the policy says nothing of an exception or grant.
    """
    loaded, _ = tree.load(environments)
    # NOTE: a made-up document, so that the policy tells the states of the exceptions without a corpus too.
    probe = Evidence.of(read(strict.canonical(enumeration.document(evaluated_at))))
    decided: dict[str, list[Decision]] = {name: [] for name in environments}
    for batch in many.in_batches([probe, *corpus], lambda part: many.decide(tree, part, environments, evaluated_at)):
        for decision in batch:
            decided[decision.environment].append(decision)
    return [
        entry
        for name in environments
        for entry in _of(loaded[name], decided[name][0], decided[name][1:] if corpus else None, evaluated_at, broad)
    ]


def _of(
    here: Environment, probe: Decision, decisions: list[Decision] | None, evaluated_at: str, broad: int
) -> list[Entry]:
    hidden = _hidden(here, decisions or ())
    rejected: dict[str, list[str]] = {}
    for each in probe.exceptions.rejected:
        rejected.setdefault(each.id, []).append(each.reason)
    live = {*probe.exceptions.unused, *(each.id for each in probe.exceptions.applied)}
    live |= {grant.id for grant in broken_glass(probe)}
    at = seconds(evaluated_at) or 0.0
    found = []
    for id_, permission in here.permissions():
        left = (seconds(permission.expires) or 0.0) - at
        state = _state(here, id_, live, probe.exceptions.expired, rejected, left)
        active = state in (IN_FORCE, EXPIRING)
        remarks = _remarks(here, id_, hidden, broad) if active and decisions is not None else ()
        found.append(
            Entry(
                here.name,
                id_,
                permission,
                here.place(id_),
                state,
                "; ".join(rejected.get(id_, ())),
                int(left) if active else None,
                None if decisions is None else tuple(sorted(hidden.get(id_, ()))),
                remarks,
            )
        )
    return found


def _hidden(here: Environment, decisions: Sequence[Decision]) -> dict[str, set[tuple[str, str]]]:
    hidden: dict[str, set[tuple[str, str]]] = {}
    for decision in decisions:
        for applied in (each for each in decision.exceptions.applied if each.id in here.exceptions):
            hidden.setdefault(applied.id, set()).add((decision.model.uri, applied.finding))
        for grant in broken_glass(decision):
            hidden.setdefault(grant.id, set()).update((decision.model.uri, rule) for rule in grant.rules)
    return hidden


def _state(
    here: Environment, id_: str, live: set[str], expired: Sequence[str], rejected: dict[str, list[str]], left: float
) -> str:
    if id_ in rejected:
        return REJECTED
    if id_ in expired:
        return EXPIRED
    if id_ not in live:
        raise PolicyError(f"{here.place(id_)}: the policy of {here.name} says nothing of {id_}")
    soon = id_ in here.exceptions and left < here.settings.exceptions.warn_days * DAY
    return EXPIRING if soon else IN_FORCE


def _remarks(here: Environment, id_: str, hidden: dict[str, set[tuple[str, str]]], broad: int) -> tuple[str, ...]:
    mine = hidden.get(id_, set())
    if not mine:
        return ("unused",)
    if id_ in here.grants:
        return ()
    remarks = []
    if len(mine) > broad or len({model for model, _ in mine}) > broad:
        remarks.append("over-broad")

    def until(other: str) -> tuple[float, str]:
        return (seconds(here.exceptions[other].expires) or 0.0, other)

    for other in sorted(here.exceptions):
        if other != id_ and mine <= hidden.get(other, set()) and until(other) > until(id_):
            remarks.append(f"shadowed by {other}")
    return tuple(remarks)
