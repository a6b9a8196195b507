"""From decisions to exit codes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.answers import decision
from weightgate.verdict import exit_code, worst


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        pytest.param([0, 0], 0, id="only allow"),
        pytest.param([0, 1], 1, id="one deny"),
        pytest.param([0, 4], 4, id="one indeterminate"),
        pytest.param([4, 1], 1, id="deny before indeterminate"),
        pytest.param([1, 2], 2, id="usage before deny"),
        pytest.param([4, 1, 2, 3, 0], 3, id="no decision before all"),
        pytest.param([], 3, id="nothing decided"),
        pytest.param([0, 7], 3, id="a code that none of ours is"),
        pytest.param([0, -9], 3, id="a signal"),
    ],
)
def test_the_worst_code_wins(codes: list[int], expected: int) -> None:
    assert worst(codes) == expected
    assert worst(reversed(codes)) == expected


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["allow", "allow"], 0),
        (["allow", "deny"], 1),
        (["allow", "indeterminate"], 4),
        (["deny", "indeterminate", "allow"], 1),
        ([], 3),
    ],
)
def test_exit_code_of_decisions(verdicts: list[str], expected: int) -> None:
    assert exit_code([decision(verdict) for verdict in verdicts]) == expected


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"allow": False}, id="allow is false"),
        pytest.param({"violations": decision("deny").violations}, id="violations"),
        pytest.param({"verdict": "allowed"}, id="unknown word"),
    ],
)
def test_an_allow_that_contradicts_itself_is_no_allow(changes: dict[str, object]) -> None:
    assert exit_code([replace(decision("allow"), **changes)]) == 1
