"""Regal is asked when it is installed; here a program stands in for it that prints what Regal prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import trees
from weightgate.errors import EngineError
from weightgate.policy.lint import Problem, check, opachecks
from weightgate.policy.tree import PolicyTree

VIOLATION = {
    "title": "prefer-snake-case",
    "description": "Prefer snake_case for names",
    "category": "style",
    "level": "error",
    "location": {"file": "policies/weightgate/gate/gate.rego", "row": 7, "col": 1, "text": "package weightgate.gate"},
}
SUMMARY = {"files_scanned": 30, "files_failed": 1, "rules_skipped": 0, "num_violations": 1}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def stand_in(folder: Path, printed: str, code: int) -> Path:
    """Write a `regal` that keeps its folder and its arguments, says `printed` and ends with `code`."""
    asked = folder / "asked"
    program = folder / "regal"
    program.write_text(
        f'#!/bin/sh\nprintf \'%s\\n\' "$PWD" "$@" > "{asked}"\n/bin/cat <<"END"\n{printed}\nEND\nexit {code}\n', "utf-8"
    )
    program.chmod(0o755)
    return asked


def test_what_regal_finds_is_a_problem(folder: Path, tmp_path: Path) -> None:
    asked = stand_in(folder, json.dumps({"violations": [VIOLATION], "summary": SUMMARY}), 3)
    root = trees.copy(tmp_path / "tree")
    found = check(PolicyTree(root, "--policy"))
    where = "policies/weightgate/gate/gate.rego"
    assert found == [Problem(where, 7, "regal-prefer-snake-case", "Prefer snake_case for names")]
    assert asked.read_text("utf-8").splitlines() == [
        str(root),
        *("lint", "--format", "json", "policies", "environments"),
    ]


@pytest.mark.parametrize("violations", [[], None], ids=["empty", "null"])
def test_regal_may_find_nothing(folder: Path, tmp_path: Path, violations: list[object] | None) -> None:
    stand_in(folder, json.dumps({"violations": violations, "summary": SUMMARY}), 0)
    assert opachecks.regal(tmp_path) == []


def test_without_regal_nothing_is_asked(folder: Path, tmp_path: Path) -> None:
    assert opachecks.regal(tmp_path) == []


@pytest.mark.parametrize("printed", ["regal: no such command", "[]", '{"violations": [{"title": "x"}]}', ""])
def test_an_answer_that_is_not_regals_is_an_error(folder: Path, tmp_path: Path, printed: str) -> None:
    stand_in(folder, printed, 1)
    with pytest.raises(EngineError, match="regal gave no answer"):
        opachecks.regal(tmp_path)


def test_a_regal_that_never_ends_is_an_error(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "regal").write_text("#!/bin/sh\nexec /bin/sleep 30\n", "utf-8")
    (folder / "regal").chmod(0o755)
    monkeypatch.setattr(opachecks, "REGAL_TIMEOUT_S", 0.2)
    with pytest.raises(EngineError, match="regal gave no answer"):
        opachecks.regal(tmp_path)
