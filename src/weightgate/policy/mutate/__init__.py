"""Mutation testing of a policy tree: plant small mistakes, one at a time, and count those that its tests find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from weightgate.errors import UsageError
from weightgate.policy.mutate import data, rego
from weightgate.policy.mutate.equivalent import read as read_equivalent
from weightgate.policy.mutate.mutant import Mutant
from weightgate.policy.mutate.trial import Fate, try_all
from weightgate.policy.tree import PolicyTree

__all__ = ["Mutant", "Score", "run"]


@dataclass(frozen=True, slots=True)
class Score:
    """How many of the planted mistakes the tests found."""

    killed: int
    compiled: int
    """Mistakes that were tried and that OPA and the schemas of the data files accept; those known to change nothing are
    left out."""
    survivors: tuple[Mutant, ...]
    equivalent: tuple[tuple[Mutant, str], ...]
    """Survivors that are known to change nothing, each with the reason."""
    not_run: int
    """Mistakes left out by the sample or the time limit."""
    stale: tuple[str, ...]
    """Entries of the list of equivalent mistakes that are wrong: the mistake does not exist, or a test finds it."""

    @property
    def percent(self) -> float:
        """Return the share of the mistakes that were found."""
        return 100.0 * self.killed / self.compiled if self.compiled else 0.0


def run(
    tree: PolicyTree,
    cases: Path | None,
    equivalent: Path | None,
    sample: int | None,
    budget: float | None,
    only: Sequence[str] = (),
) -> Score:
    """Plant every mistake, or a `sample` of so many, into copies of `tree`, and run its tests and acceptance cases.

    With `budget`, no mistake is begun after so many seconds. Which ones are tried first depends on the tree alone. With
    `only`, mistakes are planted into these files and folders alone, each given below the tree's root.

    Raises `PolicyError` for a bad list of equivalent mistakes, and `UsageError` for a path of `only` that has no place
    for a mistake.
    """
    known = read_equivalent(equivalent, tree.root)
    planted = _planted(tree, only)
    if only:
        known = known.about({mutant.path for mutant in planted})
    chosen = sorted(planted, key=lambda mutant: mutant.key)[: sample or len(planted)]
    fates = dict(zip(chosen, try_all(tree, cases, chosen, budget), strict=True))
    survivors, excused = [], []
    for mutant in planted:
        if fates.get(mutant) is Fate.SURVIVED:
            entry = known.match(mutant)
            if entry is None:
                survivors.append(mutant)
            else:
                excused.append((mutant, entry.reason))
    counts = [fate for fate in fates.values() if fate in (Fate.KILLED, Fate.SURVIVED)]
    whole = len(chosen) == len(planted) and Fate.NOT_RUN not in fates.values()
    return Score(
        killed=counts.count(Fate.KILLED),
        compiled=len(counts) - len(excused),
        survivors=tuple(survivors),
        equivalent=tuple(excused),
        not_run=len(planted) - len(chosen) + list(fates.values()).count(Fate.NOT_RUN),
        stale=tuple(known.stale([mutant for mutant, _ in excused])) if whole else (),
    )


def _planted(tree: PolicyTree, only: Sequence[str]) -> list[Mutant]:
    planted = [*rego.mutants(tree.root), *data.mutants(tree.root)]
    if not only:
        return planted
    folders = [PurePosixPath(Path(path).as_posix()) for path in only]
    for path in folders:
        if not any(PurePosixPath(mutant.path).is_relative_to(path) for mutant in planted):
            there = "holds nothing to plant a mistake into" if (tree.root / path).exists() else "does not exist"
            raise UsageError(
                f"{path}: {there} in the policy tree {tree.root}; expected a file or folder below its root, "
                "such as policies/weightgate/rules"
            )
    return [mutant for mutant in planted if any(PurePosixPath(mutant.path).is_relative_to(path) for path in folders)]
