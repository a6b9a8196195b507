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


@pytest.mark.parametrize("topic", ["teams", "severity_maps", "gates"])
def test_data_that_nothing_reads_is_found(root: Path, topic: str) -> None:
    trees.write(root, DATA.format(topic), "red: [a]\n")
    (problem,) = lint(root)
    assert (problem.file, problem.line, problem.rule) == (DATA.format(topic), 1, "unread-data")
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


GATE = "policies/weightgate/gate/gate.rego"
REVISION = "policies/weightgate/rules/revision/revision.rego"


@pytest.mark.parametrize("id_", ["model.pinned_revision", "threats.forbidden"])
def test_a_rule_that_the_gate_does_not_list_is_found(root: Path, id_: str) -> None:
    trees.edit(root, GATE, f'\t"{id_}",\n', "")
    (problem,) = lint(root)
    assert (problem.file.split("/")[:3], problem.rule) == (["policies", "weightgate", "rules"], "unlisted-rule")
    assert id_ in problem.message


def test_a_rule_that_the_gate_lists_misspelt_is_found_with_the_right_word(root: Path) -> None:
    trees.edit(root, GATE, '"scans.fresh"', '"scans.frsh"')
    problems = {item.rule: item for item in lint(root)}
    assert set(problems) == {"unlisted-rule", "unknown-word"}
    assert "scans.fresh" in problems["unlisted-rule"].message


@pytest.mark.parametrize(
    "value",
    [
        pytest.param('{id | some id in data.weightgate.own} | {"scans.fresh"}', id="comprehension"),
        pytest.param('_all | {"scans.fresh"}', id="another rule"),
    ],
)
def test_a_list_of_rules_that_is_not_written_out_is_not_guessed(root: Path, value: str) -> None:
    text = (root / GATE).read_text("utf-8")
    begin = text.index("rule_ids := ")
    end = text.index("}\n", begin) + 2
    trees.write(root, GATE, f"{text[:begin]}rule_ids := {value}\n\n_all := data.weightgate.own\n{text[end:]}")
    assert lint(root) == []


ONCE = [
    pytest.param(GATE, 'levels.of(violation.rule) == "warn"', "levels.off_(violation.rule)", '"off"', id="function"),
    pytest.param(
        GATE,
        "import data.weightgate.rules.scanners\n",
        "import data.weightgate.rules.scaners\n",
        '"scanners"',
        id="import",
    ),
    pytest.param(
        REVISION, 'object.get(input, ["model", "source"]', 'object.get(input.modle, ["source"]', '"model"', id="field"
    ),
]


@pytest.mark.parametrize(("path", "old", "new", "word"), ONCE)
def test_a_mistake_that_opa_finds_too_is_told_once(root: Path, path: str, old: str, new: str, word: str) -> None:
    line = trees.edit(root, path, old, new)
    (problem,) = [item for item in lint(root) if (item.file, item.line) == (path, line)]
    assert f"did you mean {word}?" in problem.message


def test_what_opa_alone_finds_in_the_same_line_is_told(root: Path) -> None:
    text = "package environments.prod\n\nx if input.modle == strng(input)\n"
    trees.write(root, OWN, text)
    assert {item.rule for item in lint(root)} == {"unknown-field", "opa-check"}


def test_what_depends_on_a_file_that_is_no_rego_is_not_guessed(root: Path) -> None:
    trees.edit(root, REVISION, "_pinned if {", "_pinned if {{{")
    assert {(item.file, item.rule) for item in lint(root)} == {(REVISION, "opa-check")}
