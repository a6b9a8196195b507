"""Data that no policy reads, and rules that the gate does not list."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import trees
from weightgate.policy.lint import Problem, check
from weightgate.policy.tree import PolicyTree

OWN = "environments/prod/own.rego"
DATA = "policies/weightgate/{}/data.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return trees.copy(tmp_path)


def lint(root: Path) -> list[Problem]:
    return [item for item in check(PolicyTree(root, "--policy")) if item.rule != "opa-fmt"]


def test_a_data_folder_with_a_misspelt_name_is_found(root: Path) -> None:
    (root / "policies/weightgate/severity_map").rename(root / "policies/weightgate/severity_mpa")
    problems = {item.rule: item for item in lint(root)}
    assert problems["unread-data"].file == DATA.format("severity_mpa")
    assert 'did you mean "severity_map"?' in problems["unread-data"].message
    assert set(problems) == {"unread-data", "dead-path"}


def test_data_that_nothing_reads_is_found(root: Path) -> None:
    trees.write(root, DATA.format("teams"), "red: [a]\n")
    (problem,) = lint(root)
    assert (problem.file, problem.line, problem.rule) == (DATA.format("teams"), 1, "unread-data")
    assert "did you mean" not in problem.message


READING = [
    pytest.param("x := data.weightgate.teams.red", id="path"),
    pytest.param("import data.weightgate.teams\n\nx := teams", id="import"),
    pytest.param("import data.weightgate\n\nx := weightgate.teams", id="import above"),
    pytest.param("x := data.weightgate[input.model.name]", id="any"),
    pytest.param("x if walk(data.weightgate, [_, 1])", id="all"),
]


@pytest.mark.parametrize("text", READING)
def test_data_that_an_environment_reads_is_no_problem(root: Path, text: str) -> None:
    trees.write(root, DATA.format("teams"), "red: [a]\n")
    trees.write(root, OWN, f"package environments.prod\n\n{text}\n")
    assert [item for item in lint(root) if item.rule != "opa-check"] == []
