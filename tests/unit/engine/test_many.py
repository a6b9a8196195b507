"""Many documents in batches: each once, in their order, and spread evenly over the cores."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from weightgate.engine import many


def sizes(number: int) -> list[int]:
    """The sizes of the batches that so many items are worked on in."""

    def work(batch: Sequence[int]) -> Sequence[int]:
        return batch

    parts = list(many.in_batches(range(number), work))
    assert [item for part in parts for item in part] == list(range(number))
    return [len(part) for part in parts]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, []),
        (1, [1]),
        (60, [50, 10]),
        (600, [300, 300]),
        (1380, [345] * 4),
        (10_000, [500] * 20),
        (10_001, [455] * 21 + [446]),
    ],
)
def test_two_cores_have_as_much_to_do(number: int, expected: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert sizes(number) == expected


def test_what_the_work_raises_ends_everything() -> None:
    def work(batch: Sequence[int]) -> None:
        raise ValueError(str(batch[0]))

    with pytest.raises(ValueError, match="^0$"):
        list(many.in_batches(range(2000), work))
