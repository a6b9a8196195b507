"""Test files of a policy tree: paths that lead nowhere are found, and wrong words that a test is about are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import trees
from weightgate.policy.lint import Problem, check
from weightgate.policy.tree import PolicyTree

TEST = "policies/weightgate/rules/severity/more_test.rego"
SHARED = "policies/weightgate/lib/shared_test.rego"
HEAD = """\
package weightgate.rules.more_test

import data.prod
import data.weightgate.lib.shared_test as shared
import data.weightgate.rules.severity

"""


def lint(root: Path, text: str, head: str = HEAD) -> list[Problem]:
    """Return what the linter says of a test file."""
    trees.copy(root)
    trees.write(root, SHARED, 'package weightgate.lib.shared_test\n\nsettings := {"fail_on": []}\n\nnone(_) := set()\n')
    trees.write(root, TEST, f"{head}{text}\n\nused := [prod.settings, shared.settings, severity.deny]\n")
    return [item for item in check(PolicyTree(root, "--policy")) if item.rule != "opa-fmt"]


DEAD = [
    pytest.param("test_x if count(severity.dny) == 0", '"deny"', id="rule"),
    pytest.param("test_x if not severity.dny.x", '"deny"', id="below a rule"),
    pytest.param("test_x if count(data.weightgate.rules.severty.deny) == 0", '"severity"', id="package"),
    pytest.param("test_x if severity.deny == set() with data.weightgate.setings as {}", '"settings"', id="with"),
    pytest.param("test_x if severity.deny == set() with data.prd.settings as {}", '"prod"', id="environment"),
    pytest.param("test_x if prod.settings.fail_onn == []", '"fail_on"', id="setting"),
    pytest.param('test_x if data.prod.settings.rules["model.digest"].levl == "deny"', '"level"', id="brackets"),
    pytest.param(
        "test_x if severity.deny == set() with data.weightgate.settings as shared.setings", '"settings"', id="fixture"
    ),
    pytest.param(
        "test_x if severity.deny == set() with data.weightgate.settings as data.weightgate.lib.shared_tst.settings",
        '"shared_test"',
        id="package of fixtures",
    ),
]


@pytest.mark.parametrize(("text", "word"), DEAD)
def test_a_dead_path_in_a_test_is_found(tmp_path: Path, text: str, word: str) -> None:
    (problem,) = lint(tmp_path, text)
    assert (problem.file, problem.line, problem.rule) == (TEST, HEAD.count("\n") + 1, "dead-path")
    assert f"did you mean {word}?" in problem.message


def test_an_import_of_nothing_in_a_test_is_found(tmp_path: Path) -> None:
    head = HEAD.replace("rules.severity\n", "rules.severty as severity\n")
    assert {(item.line, item.rule) for item in lint(tmp_path, "", head)} == {(5, "dead-path"), (9, "dead-path")}


SOUND = [
    pytest.param('test_x if severity.deny == set() with input as {"findings": [{"severity": "HIHG"}]}', id="word"),
    pytest.param('test_x if severity.deny == set() with data.weightgate.settings as {"fail_onn": 1}', id="key"),
    pytest.param('test_x if severity.deny == set() with data.prod.settings.fail_on as ["HIHG"]', id="setting"),
    pytest.param('test_x if input.modle == 1 with input as {"modle": 1}', id="field of the input"),
    pytest.param("test_x if severity.deny == shared.none(1) with data.prod as {}", id="fixtures"),
    pytest.param('# severity.dny\ntest_x if severity.deny != "severity.dny"', id="only text"),
    pytest.param(
        "test_x if severity.counts.LOW == data.weightgate.rules.more_test.word\n\nword := 1", id="its own package"
    ),
    pytest.param(
        "test_x if {\n\tsome severity in data.weightgate.own\n\tseverity.dny == 1\n}",
        id="variable named like an import",
    ),
    pytest.param("test_x if {\n\tsome shared in data.weightgate.own\n\tshared.dny == 1\n}", id="like a fixture"),
]


@pytest.mark.parametrize("text", SOUND)
def test_what_a_test_may_say_is_no_problem(tmp_path: Path, text: str) -> None:
    assert lint(tmp_path, text) == []


def test_a_test_in_the_package_that_it_tests_is_no_problem(tmp_path: Path) -> None:
    head = HEAD.replace("more_test", "severity").replace("import data.weightgate.rules.severity\n", "")
    text = "test_x if data.weightgate.rules.severity.deny == data.weightgate.rules.severity.more\n\nmore := set()\n\n"
    assert lint(tmp_path, text + 'severity := {"deny": deny}', head) == []
    (problem,) = lint(tmp_path / "other", text.replace("more\n", "mre\n") + 'severity := {"deny": deny}', head)
    assert (problem.line, problem.rule) == (head.count("\n") + 1, "dead-path")
    assert 'did you mean "more"?' in problem.message


def test_what_a_test_file_without_sense_holds_is_not_guessed(tmp_path: Path) -> None:
    trees.copy(tmp_path)
    trees.write(tmp_path, SHARED, "package weightgate.lib.shared_test\n\nsettings := {{\n")
    trees.write(tmp_path, TEST, f"{HEAD}test_x if severity.deny == prod.settings.fail_on with input as shared.other\n")
    (tmp_path / "environments/prod/lost_test.rego").symlink_to("nowhere")
    assert {item.rule for item in check(PolicyTree(tmp_path, "--policy"))} == {"opa-check"}


def test_data_of_an_environment_is_known_beside_a_package_below_its_name(tmp_path: Path) -> None:
    head = HEAD.replace("weightgate.rules.more_test", "prod.more_test")
    (problem,) = lint(tmp_path, "test_x if data.prod.settings.fail_on == [severity.dny]", head)
    assert 'did you mean "deny"?' in problem.message
