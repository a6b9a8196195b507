"""Make a findings document smaller while it still shows what it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from weightgate.engine.evaluate import Evidence
from weightgate.findings import FindingsDocument

Shows = Callable[[Sequence[Evidence]], list[bool]]
"""Which of the documents show it."""


def size(evidence: Evidence) -> tuple[int, int, int, bytes]:
    """Return what documents are compared by, the smaller first: findings, scans, bytes, and the bytes themselves."""
    document = evidence.document
    return len(document.findings), len(document.scans), len(evidence.raw), evidence.raw


def smallest(evidence: Evidence, shows: Shows) -> Evidence:
    """Return `evidence` without all findings, scans and files that it can do without, one after the other.

    `shows` is asked for many documents at a time. What is left shows it, and no longer does so without any one item.
    """
    for part in ("findings", "scans", "files"):
        step = max(1, len(_items(evidence.document, part)) // 2)
        while step:
            items = _items(evidence.document, part)
            tries = [
                Evidence.of(_with(evidence.document, part, items[:start] + items[start + step :]))
                for start in range(0, len(items), step)
            ]
            fit = [item for item, shown in zip(tries, shows(tries), strict=True) if shown] if tries else []
            if fit:
                evidence = fit[0]
                step = min(step, max(1, len(_items(evidence.document, part))))
            else:
                step //= 2
    return evidence


def _items(document: FindingsDocument, part: str) -> tuple[object, ...]:
    items: tuple[object, ...] = document.model.files if part == "files" else getattr(document, part)
    return items


def _with(document: FindingsDocument, part: str, items: tuple[object, ...]) -> FindingsDocument:
    if part == "files":
        return replace(document, model=replace(document.model, files=items))  # type: ignore[arg-type]
    return replace(document, **{part: items})  # type: ignore[arg-type]
