"""Find documents that a stricter environment allows and a laxer one refuses, and make each as small as it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from weightgate.engine import many
from weightgate.engine.evaluate import Evidence
from weightgate.findings import FindingsDocument
from weightgate.policy import shrink, trial
from weightgate.policy.tree import PolicyTree

Exceptions = Mapping[str, Mapping[str, Any]]
"""Id → exception, as policy data."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two environments, of which the first is declared stricter than the second."""

    stricter: str
    laxer: str


@dataclass(frozen=True, slots=True)
class Inversion:
    """A document that is allowed by the stricter environment of a pair and refused by the laxer one."""

    pair: Pair
    document: FindingsDocument
    """The smallest one found."""
    exceptions: Exceptions
    """What both environments need beside their own exceptions to decide so."""
    evaluated_at: str
    """When they decide so."""
    rules: tuple[str, ...]
    """By which the laxer one refuses it."""
    shown_by: int
    """How many of the documents tried show it."""


def find(
    tree: PolicyTree, pairs: Sequence[Pair], evidence: Sequence[Evidence], at: str, added: Exceptions
) -> list[Inversion]:
    """Return the smallest inversion of each pair that `evidence` shows, decided with the exceptions `added` to all.

    Raises what evaluating the tree raises.
    """
    names = list(dict.fromkeys(name for pair in pairs for name in (pair.stricter, pair.laxer)))
    found = []
    with trial.with_exceptions(tree, dict.fromkeys(names, added)) as copy:
        allowed = _allowed(copy, evidence, names, at)
        for pair in pairs:
            shown = [item for item, allows in zip(evidence, allowed, strict=True) if _inverted(pair, allows)]
            if shown:
                smallest = shrink.smallest(min(shown, key=shrink.size), partial(_shows, copy, pair, at))
                exceptions = {} if _shows(tree, pair, at, [smallest])[0] else _about(smallest.document, added)
                [refusal] = many.decide(copy, [smallest], [pair.laxer], at)
                rules = tuple(dict.fromkeys(violation.rule for violation in refusal.violations))
                found.append(Inversion(pair, smallest.document, exceptions, at, rules, len(shown)))
    return found


def _about(document: FindingsDocument, added: Exceptions) -> Exceptions:
    """Return the exceptions that are about a finding of the document."""
    ids = {finding.id for finding in document.findings}
    return {id_: exception for id_, exception in added.items() if exception["scope"]["finding"] in ids}


def _inverted(pair: Pair, allows: set[str]) -> bool:
    return pair.stricter in allows and pair.laxer not in allows


def _shows(tree: PolicyTree, pair: Pair, at: str, evidence: Sequence[Evidence]) -> list[bool]:
    return [_inverted(pair, allows) for allows in _allowed(tree, evidence, [pair.stricter, pair.laxer], at)]


def _allowed(tree: PolicyTree, evidence: Sequence[Evidence], names: list[str], at: str) -> list[set[str]]:
    """Return the environments that allow each document."""

    def batch(items: Sequence[Evidence]) -> list[set[str]]:
        decisions = many.decide(tree, items, names, at)
        starts = range(0, len(decisions), len(names))
        return [{each.environment for each in decisions[start : start + len(names)] if each.allow} for start in starts]

    return [allows for part in many.in_batches(evidence, batch) for allows in part]
