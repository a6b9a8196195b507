"""Decide the same documents with two policy trees and keep what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from weightgate.decision import Decision, Violation
from weightgate.engine import many
from weightgate.engine.evaluate import Evidence
from weightgate.errors import PolicyError
from weightgate.policy import corpus
from weightgate.policy.tree import PolicyTree

Named = tuple[str, Evidence]
"""A document and the name of the file that it comes from."""


@dataclass(frozen=True, slots=True)
class Flip:
    """One document that two policy trees decide differently in one environment."""

    document: str
    """The file."""
    model: str
    environment: str
    before: str
    """The verdict of the first tree."""
    after: str
    reasons_before: tuple[Violation, ...]
    reasons_after: tuple[Violation, ...]

    @property
    def loosens(self) -> bool:
        """Whether the model may pass only now."""
        return self.after == "allow" and self.before != "allow"

    @property
    def tightens(self) -> bool:
        """Whether the model may pass no longer."""
        return self.before == "allow" and self.after != "allow"


def replay_files(
    base: PolicyTree, head: PolicyTree, paths: Sequence[Path], environments: list[str], at: str
) -> tuple[int, list[Flip]]:
    """Return how many documents the files and directories `paths` hold, and what flips, sorted by file.

    Documents are read as they are needed, so that a large corpus never lies in memory as a whole.
    """
    named = frozenset(paths)

    def batch(files: Sequence[Path]) -> tuple[int, list[Flip]]:
        loaded = [(str(path), corpus.load(path, named)) for path in files]
        items = [(name, item) for name, item in loaded if item is not None]
        return len(items), list(_compare(base, head, items, environments, at))

    parts = list(many.in_batches(corpus.files(list(paths)), batch))
    return sum(count for count, _ in parts), [flip for _, flips in parts for flip in flips]


def replay(base: PolicyTree, head: PolicyTree, items: Sequence[Named], environments: list[str], at: str) -> list[Flip]:
    """Return what flips among documents in memory."""
    parts = many.in_batches(items, lambda batch: list(_compare(base, head, batch, environments, at)))
    return [flip for part in parts for flip in part]


def _compare(
    base: PolicyTree, head: PolicyTree, items: Sequence[Named], environments: list[str], at: str
) -> Iterator[Flip]:
    if not items or not environments:
        return
    evidence = [item for _, item in items]
    before = many.decide(base, evidence, environments, at)
    after = many.decide(head, evidence, environments, at)
    names = [name for name, _ in items for _ in environments]
    for name, first, second in zip(names, before, after, strict=True):
        if (first.environment, first.input_digest) != (second.environment, second.input_digest):
            raise PolicyError(f"{name}: the two trees answered about different things; this is a bug of weightgate")
        if first.verdict != second.verdict or _reasons(first) != _reasons(second):
            yield Flip(
                name,
                first.model.uri,
                first.environment,
                first.verdict,
                second.verdict,
                first.violations,
                second.violations,
            )


def _reasons(decision: Decision) -> set[tuple[str | None, ...]]:
    """Return why a model is refused, whatever the words."""
    return {(each.rule, each.finding, each.severity, each.path) for each in decision.violations}
