"""The smallest set of findings without which a document may pass, found by deciding again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import combinations, islice

from weightgate.findings import FindingsDocument
from weightgate.policy.settings import SEVERITIES

Allows = Callable[[Sequence[FindingsDocument]], list[bool]]
"""Which of the documents may pass."""

MOST_TRIES = 2000
"""Sets that are tried before a set is taken that need not be the smallest."""


@dataclass(frozen=True, slots=True)
class Way:
    """Findings without which the document may pass; that they suffice was found by deciding without them."""

    findings: tuple[str, ...]
    """Their ids, in the document's order."""
    smallest: bool
    """Whether no smaller set suffices, for a policy that never refuses less because of one finding more."""


def find(document: FindingsDocument, named: Set[str], allows: Allows) -> Way:
    """Return the smallest set; `named` are the findings that violations are about. Without any finding it must pass."""
    necessary = _necessary(document, named, allows) if len(named) <= MOST_TRIES else set(named)
    if allows([without(document, necessary)])[0]:
        return _way(document, necessary, len(named) <= MOST_TRIES)
    others = sorted((each for each in document.findings if each.id not in necessary), key=_rank)
    ids = [each.id for each in others]
    tries = list(islice(_sets(ids), MOST_TRIES + 1))
    answers = allows([without(document, necessary | chosen) for chosen in tries[:MOST_TRIES]])
    for chosen, allowed in zip(tries, answers, strict=False):
        if allowed:
            return _way(document, necessary | chosen, True)
    return _way(document, necessary | _prefix(document, necessary, ids, allows), False)


def without(document: FindingsDocument, ids: Set[str]) -> FindingsDocument:
    """Return the document without the findings `ids`."""
    return replace(document, findings=tuple(each for each in document.findings if each.id not in ids))


def _necessary(document: FindingsDocument, named: Set[str], allows: Allows) -> set[str]:
    """Return the findings that refuse the document all by themselves: every way is without them."""
    alone = [each for each in document.findings if each.id in named]
    answers = allows([replace(document, findings=(each,)) for each in alone])
    return {each.id for each, allowed in zip(alone, answers, strict=True) if not allowed}


def _sets(ids: list[str]) -> Iterator[set[str]]:
    """Yield every set of `ids`, the smaller first."""
    for size in range(1, len(ids) + 1):
        yield from map(set, combinations(ids, size))


def _prefix(document: FindingsDocument, necessary: set[str], ids: list[str], allows: Allows) -> set[str]:
    """Return the first of `ids`, the worst first, as many as it takes; found by halving, since more never refuses."""
    low, high = 0, len(ids)
    while high - low > 1:
        middle = (low + high) // 2
        if allows([without(document, necessary | set(ids[:middle]))])[0]:
            high = middle
        else:
            low = middle
    return set(ids[:high])


def _rank(finding: object) -> int:
    severity = getattr(finding, "severity", None)
    word = getattr(severity, "value", "UNKNOWN")
    return SEVERITIES.index(word) if word in SEVERITIES else 0


def _way(document: FindingsDocument, ids: set[str], smallest: bool) -> Way:
    return Way(tuple(each.id for each in document.findings if each.id in ids), smallest)
