"""From decisions to the exit code that a CI job acts on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weightgate.decision import Decision

ALLOW, DENY, USAGE, NO_DECISION, INDETERMINATE = range(5)
_RANK = (NO_DECISION, USAGE, DENY, INDETERMINATE, ALLOW)


def exit_code(decisions: Iterable[Decision]) -> int:
    """Return 0 only when there is a decision and every one is allow; else 1 (deny) before 4 (indeterminate).

    No decision at all is 3.
    """
    return worst(_code(decision) for decision in decisions)


def worst(codes: Iterable[int]) -> int:
    """Return the exit code that wins of several: 3, then 2, 1, 4, and 0 only when nothing else is there.

    No code at all, or one that none of ours is, is 3.
    """
    seen = set(codes)
    if not seen <= set(_RANK):
        return NO_DECISION
    return next((code for code in _RANK if code in seen), NO_DECISION)


def _code(decision: Decision) -> int:
    if decision.verdict == "allow" and decision.allow and not decision.violations:
        return ALLOW
    if decision.verdict == "indeterminate":
        return INDETERMINATE
    return DENY
