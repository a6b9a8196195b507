"""Words that are easily taken for another one, with the other one."""

from __future__ import annotations

from collections.abc import Iterator

from weightgate.policy.settings import SEVERITIES

_SWAPS = {
    "deny": ("warn",),
    "warn": ("off",),
    "off": ("warn",),
    "allow": ("deny",),
    "indeterminate": ("allow",),
    "completed": ("partial",),
    "partial": ("completed",),
    "failed": ("completed",),
    "BLOCKING": ("ALLOWING",),
    "ALLOWING": ("BLOCKING",),
    "local": ("huggingface",),
}


def shifted(word: str) -> Iterator[tuple[str, str]]:
    """Yield the words that could stand in place of `word` by mistake, each with what was done."""
    if word in SEVERITIES:
        place = SEVERITIES.index(word)
        for other in SEVERITIES[max(place - 1, 0) : place + 2]:
            if other != word:
                yield other, f"{word} becomes {other}"
    for other in _SWAPS.get(word, ()):
        yield other, f"{word} becomes {other}"
