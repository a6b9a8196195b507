"""The words that a policy may use, by their kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from weightgate import strict
from weightgate.filetypes import FORMATS
from weightgate.findings import Enforcement, Severity, Source, Status
from weightgate.scanners.registry import LOCAL

OUTCOMES = ("PASS", "CLEAN", "SUCCESS", "ALLOWED", "BLOCKED", "WARNING", "FAILURE", "ERROR", "PENDING")
"""The verdict words that the rules are written for; any other word refuses by itself, so no rule need name one."""

SCANNERS = (*LOCAL, "prisma-airs")
"""Every scanner whose scans can stand in a document."""

FIELDS = {
    "severity": "severity",
    "status": "status",
    "outcome": "outcome",
    "source": "source",
    "format": "format",
    "scanner": "scanner",
    "enforcement": "enforcement",
    "level": "level",
    "verdict": "verdict",
}
"""Name of a field → the kind of word it holds, for whatever the linter knows no better."""


@dataclass(frozen=True, slots=True)
class Words:
    """The known words of every kind."""

    kinds: dict[str, frozenset[str]]

    def flaw(self, kind: str, word: str) -> str | None:
        """Return what is wrong with `word` as a word of `kind`, `None` when it is one."""
        known = self.kinds[kind]
        if word in known or (kind == "rule" and word.startswith("local.")):
            return None
        listed = f"; expected one of {', '.join(sorted(known))}" if len(known) <= 40 else ""
        return f"{strict.show(word)} is no {kind}{strict.nearest(word, sorted(known))}{listed}"

    def typo(self, kind: str, word: str) -> str | None:
        """Return what is wrong with `word` when it is nearly a word of `kind`, for places that take other words too."""
        flaw = self.flaw(kind, word)
        return flaw if flaw and strict.nearest(word, sorted(self.kinds[kind])) else None

    def misspelt(self, words: Iterable[str]) -> list[tuple[str, str]]:
        """Return (kind, word) for each of `words` that is nearly a word of the kind that most of them are of."""
        from difflib import get_close_matches

        listed = list(words)
        for kind, known in sorted(self.kinds.items()):
            strange = [word for word in listed if word not in known]
            if strange and 2 * len(strange) <= len(listed) and len(listed) > 1:
                return [(kind, word) for word in strange if get_close_matches(word, list(known), 1, 0.65)]
        return []


def words(environments: list[str], rules: Iterable[str], threat_kinds: Iterable[str] = ()) -> Words:
    """Return the words of a tree with these environments, rule ids and kinds of threat."""
    return Words(
        {
            "severity": frozenset(word.value for word in Severity),
            "status": frozenset(word.value for word in Status),
            "outcome": frozenset(OUTCOMES),
            "source": frozenset(word.value for word in Source),
            "format": frozenset(FORMATS),
            "scanner": frozenset(SCANNERS),
            "enforcement": frozenset(word.value for word in Enforcement),
            "level": frozenset({"deny", "warn", "off"}),
            "verdict": frozenset({"allow", "deny", "indeterminate"}),
            "environment": frozenset(environments),
            "rule": frozenset(rules),
            "kind of threat": frozenset(threat_kinds),
        }
    )
