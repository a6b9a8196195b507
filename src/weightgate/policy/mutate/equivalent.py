"""Planted mistakes that change nothing, each with its reason, in a YAML file beside the tree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from weightgate import strict
from weightgate.errors import PolicyError
from weightgate.policy import yamlfile
from weightgate.policy.mutate.mutant import Mutant

DEFAULT = Path("tests") / "mutants.yaml"
"""Where the list is, below the root of a tree that has one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One mistake that changes nothing."""

    file: str
    change: str
    """The lines taken out (`- …`) and put in (`+ …`), without their indentation."""
    reason: str


@dataclass(frozen=True, slots=True)
class Equivalent:
    """The list."""

    name: str
    entries: tuple[Entry, ...]

    def match(self, mutant: Mutant) -> Entry | None:
        """Return the entry about this mistake."""
        for entry in self.entries:
            if entry.file == mutant.path and entry.change.strip() == mutant.lines:
                return entry
        return None

    def about(self, files: Iterable[str]) -> Equivalent:
        """Return the list without what it says about files other than `files`."""
        kept = set(files)
        return Equivalent(self.name, tuple(entry for entry in self.entries if entry.file in kept))

    def stale(self, excused: Iterable[Mutant]) -> list[str]:
        """Return one line for each entry that excuses none of the mistakes that survived."""
        used = [self.match(mutant) for mutant in excused]
        return [
            f"{self.name}: {entry.file}: {entry.change.splitlines()[0]}: no such mistake survives; remove the entry"
            for entry in self.entries
            if entry not in used
        ]


def read(named: Path | None, root: Path) -> Equivalent:
    """Read the list `named`, or the one beside the tree at `root` if there is one; raises `PolicyError`."""
    path = named if named is not None else root / DEFAULT
    if named is None and not path.is_file():
        return Equivalent(str(path), ())
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise PolicyError(f"{path}: cannot be read: {exc.strerror}") from exc
    return Equivalent(str(path), yamlfile.load(raw, str(path)).read(_ENTRIES))


_ENTRIES = strict.array(strict.record(Entry, {"file": strict.text, "change": strict.text, "reason": strict.text}))
