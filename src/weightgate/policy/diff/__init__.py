"""What a change of the policy does: to its settings, exceptions and rules, and to stored findings documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from weightgate.engine import many
from weightgate.errors import UsageError
from weightgate.policy import enumeration, severity_map
from weightgate.policy.compare import Effect
from weightgate.policy.diff import changes as changes_module
from weightgate.policy.diff import reach
from weightgate.policy.diff.changes import Change, Kind
from weightgate.policy.diff.replay import Flip, replay, replay_files
from weightgate.policy.tree import PolicyTree


@dataclass(frozen=True, slots=True)
class Impact:
    """Everything that differs between two policy trees."""

    environments: tuple[str, ...]
    """Those that both trees have."""
    changes: tuple[Change, ...]
    documents: int
    """Stored documents that were decided by both trees."""
    flips: tuple[Flip, ...]
    generated: tuple[Flip, ...]
    """What became newly allowed among generated documents; looked for only when Rego changed."""

    @property
    def loosens(self) -> bool:
        """Whether a model may pass that could not before, as far as anything tells; what nobody can tell counts."""
        told = any(change.effect in (Effect.LOOSENED, Effect.UNKNOWN) for change in self.changes)
        return told or any(flip.loosens for flip in (*self.flips, *self.generated))


def compare(base: PolicyTree, head: PolicyTree, corpus: Sequence[Path], evaluated_at: str) -> Impact:
    """Return what changes from `base` to `head`; `corpus` names files and directories, `evaluated_at` is in UTC.

    Raises `UsageError` for a corpus that cannot be used, `PolicyError` and `EngineError` when a tree cannot be
    evaluated: then nothing is known about the change.
    """
    before, before_digest = base.load(base.select([], True))
    after, after_digest = head.load(head.select([], True))
    common = [name for name in before if name in after]
    if before_digest == after_digest:
        return Impact(tuple(common), (), 0, (), ())
    found = changes_module.changes(base, before, head, after, evaluated_at)
    same = reach.unreached(base, head, common)
    for tree in (base, head) if same else ():
        # NOTE: only the canaries: what refuses nothing is an error, also where nothing changes.
        many.decide(tree, [], same, evaluated_at)
    reached = [name for name in common if name not in same]
    count, flips = replay_files(base, head, corpus, reached, evaluated_at)
    if corpus and not count:
        named = ", ".join(map(str, corpus))
        raise UsageError(f"{named}: no findings document; expected files of schema weightgate.findings/v1")
    generated: list[Flip] = []
    if any(change.kind is Kind.REGO for change in found):
        made = enumeration.documents(after, severity_map.library(head), evaluated_at)
        named_made = [(f"generated document {number}", item) for number, item in enumerate(made, start=1)]
        generated = [flip for flip in replay(base, head, named_made, reached, evaluated_at) if flip.loosens]
    return Impact(tuple(common), tuple(found), count, tuple(flips), tuple(generated))
