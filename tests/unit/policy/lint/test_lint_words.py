"""Words that are misspelt where they are compared indirectly, and words that only look wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import trees
from weightgate.policy.lint import Problem, check
from weightgate.policy.tree import PolicyTree

OWN = "environments/prod/own.rego"
HEAD = 'package environments.prod\n\nimport data.weightgate.lib.levels\n\nlevel := levels.of("local.x")\n\n'


def lint(root: Path, text: str) -> list[Problem]:
    """Return what the linter says of the words in `text`, as Rego of an environment."""
    trees.write(trees.copy(root), OWN, HEAD + text)
    found = check(PolicyTree(root, "--policy"))
    assert [item for item in found if item.rule == "opa-check"] == []
    return [item for item in found if item.rule != "opa-fmt"]


SOUND = [
    pytest.param('x if {\n\tsome f in input.findings\n\tobject.get(f, "severity", "none") == "none"\n}', id="default"),
    pytest.param(
        'x if {\n\tsome f in input.findings\n\tword := object.get(f, "severity", "none")\n\tword == "none"\n}',
        id="default in a variable",
    ),
    pytest.param(
        'x if {\n\tsome f in input.findings\n\t{"LOW": 1, "none": 2}[object.get(f, "severity", "none")] == 2\n}',
        id="default as a key",
    ),
    pytest.param(
        'x if {\n\tsome f in input.findings\n\tobject.get(f, "severity", _none) == "none"\n}\n\n_none := "none"',
        id="default that a rule names",
    ),
    pytest.param(
        'x if {\n\tsome v in data.weightgate.own\n\tobject.get(v, "severity", "none") == "none"\n}',
        id="default of a field that is known by its name",
    ),
    pytest.param(
        'default _from := "nowhere"\n\n_from := input.model.source\n\nx if _from == "nowhere"', id="default of a rule"
    ),
    pytest.param(
        'x if {\n\tsome f in input.findings\n\t_word(f) == "none"\n}\n\n'
        '_word(f) := f.severity if {\n\tf.path\n} else := "none"',
        id="else of a function",
    ),
]


@pytest.mark.parametrize("text", SOUND)
def test_a_word_that_stands_in_for_a_missing_one_is_no_problem(tmp_path: Path, text: str) -> None:
    assert lint(tmp_path, text + "\n") == []


def finds(line: str, more: str = "") -> str:
    """Return Rego with `line` in a rule about a finding `f`, and the rules `more`."""
    return f"x if {{\n\tsome f in input.findings\n\t{line}\n}}\n\n{more}\n"


BEHIND_NAMES = [
    pytest.param(finds('wanted := "CRITCAL"\n\tf.severity == wanted'), id="variable"),
    pytest.param(finds('wanted := {"CRITCAL", "LOW"}\n\tf.severity in wanted'), id="set in a variable"),
    pytest.param(finds('wanted := "CRITCAL"\n\tf.severity in {wanted, "LOW"}'), id="variable in a set"),
    pytest.param(finds("wanted := _wanted\n\tf.severity == wanted", '_wanted := "CRITCAL"'), id="rule in a variable"),
    pytest.param(finds("f.severity == _wanted", '_wanted := "CRITCAL"'), id="rule"),
    pytest.param(finds("_wanted != f.severity", '_wanted := "CRITCAL" if input.model'), id="rule, not equal"),
    pytest.param(finds('f.severity in ({_wanted} | {"LOW"})', '_wanted := "CRITCAL"'), id="rule in a union"),
    pytest.param(finds("_wanted in data.prod.settings.fail_on", '_wanted := "CRITCAL"'), id="rule as a member"),
    pytest.param(finds("_all[f.severity] == 1", '_all := {"CRITCAL": 1, "LOW": 2}'), id="key of a rule"),
    pytest.param(finds('all := {"CRITCAL": 1}\n\tall[f.severity] == 1'), id="key of a variable"),
    pytest.param(finds('all := {"CRITCAL"}\n\tall[f.severity]'), id="set that is looked into"),
    pytest.param(finds('{"CRITCAL": {"a": 1}}[f.severity].a == 1'), id="key of objects"),
    pytest.param(
        finds("f.severity == _said.severity", '_said := {"severity": _wanted}\n\n_wanted := "CRITCAL"'), id="said"
    ),
]


@pytest.mark.parametrize("text", BEHIND_NAMES)
def test_a_misspelt_word_behind_a_name_is_found_where_it_stands(tmp_path: Path, text: str) -> None:
    (problem,) = lint(tmp_path, text)
    where = (HEAD + text).partition("CRITCAL")[0].count("\n") + 1
    assert (problem.file, problem.line, problem.rule) == (OWN, where, "unknown-word")
    assert 'did you mean "CRITICAL"?' in problem.message


def test_a_misspelt_rule_id_in_a_variable_is_found(tmp_path: Path) -> None:
    (problem,) = lint(tmp_path, finds('rule := "coverage.complet"\n\tlevels.off(rule)'))
    assert 'did you mean "coverage.complete"?' in problem.message


def test_a_misspelt_word_of_another_package_is_found_there(tmp_path: Path) -> None:
    root = trees.copy(tmp_path)
    severities = "policies/weightgate/lib/severities/severities.rego"
    line = trees.edit(root, severities, 'highest := "CRITICAL"', 'highest := "CRITCAL"')
    found = check(PolicyTree(root, "--policy"))
    assert [(problem.file, problem.line) for problem in found] == [(severities, line)]


VARYING = [
    pytest.param(
        finds('a := {v | some v in f.references; f.severity == v}\n\tb := {v | v := "none"}\n\ta != b'),
        id="two variables",
    ),
    pytest.param(
        finds("f.severity == _wanted", 'default _wanted := "none"\n\n_wanted := "LOW" if input.model'), id="default"
    ),
    pytest.param(finds("f.severity == _wanted", '_wanted := "LOW" if {\n\tinput.model\n} else := "none"'), id="else"),
    pytest.param(finds("f.severity == all.none", 'all := {"none": "LOW"}'), id="object below a name"),
    pytest.param(finds("all[f.severity].none == 1", 'all["CRITICAL"] := {"none": 1}'), id="part of an object"),
    pytest.param(
        finds("f.severity == word(f)", 'word(_) := "none" if input.model.name\n\nword(_) := "LOW" if input.model.uri'),
        id="function",
    ),
    pytest.param(finds("some wanted in f.references\n\tf.severity == wanted", 'wanted := "none"'), id="hidden rule"),
    pytest.param(
        finds("[wanted, other] := f.references\n\tf.severity == wanted\n\tother", 'wanted := "none"'),
        id="hidden by a list",
    ),
    pytest.param(
        finds("every wanted in f.references {\n\t\tf.severity == wanted\n\t}", 'wanted := "none"'), id="hidden by every"
    ),
    pytest.param(
        finds("_is(f, f.title)", '_is(f, wanted) if f.severity == wanted\n\nwanted := "none"'),
        id="hidden by a parameter",
    ),
]


@pytest.mark.parametrize("text", VARYING)
def test_a_name_that_can_stand_for_more_is_no_problem(tmp_path: Path, text: str) -> None:
    assert lint(tmp_path, text) == []


LOOKED_UP = [
    pytest.param(finds('object.get({"CRITCAL": 1}, f.severity, 0) == 1'), id="object.get"),
    pytest.param(finds("object.get(_all, f.severity, 0) == 1", '_all := {"CRITCAL": 1}'), id="object.get of a rule"),
    pytest.param(
        finds("object.get(_all, [f.severity], 0) == 1", '_all := {"CRITCAL": 1}'), id="object.get with a path"
    ),
    pytest.param(finds('all := {"CRITCAL": 1}\n\tobject.get(all, f.severity, 0) == 1'), id="object.get of a variable"),
]


@pytest.mark.parametrize("text", LOOKED_UP)
def test_a_misspelt_key_is_found(tmp_path: Path, text: str) -> None:
    (problem,) = lint(tmp_path, text)
    where = (HEAD + text).partition("CRITCAL")[0].count("\n") + 1
    assert (problem.file, problem.line, problem.rule) == (OWN, where, "unknown-word")
    assert 'did you mean "CRITICAL"?' in problem.message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            finds('object.get(_all, f.severity, _all["default"])', '_all := {"LOW": 1, "default": 2}'), id="get"
        ),
        pytest.param(finds("_all[f.severity] == _all.default", '_all := {"LOW": 1, "default": 2}'), id="index"),
    ],
)
def test_a_key_for_every_other_word_is_no_problem(tmp_path: Path, text: str) -> None:
    assert lint(tmp_path, text) == []


PASSED = [
    pytest.param(finds('_is("CRITCAL", f.severity)', "_is(word, severity) if word == severity"), id="compared"),
    pytest.param(finds('_is(f, "CRITCAL")', "_is(g, word) if g.severity == word"), id="compared with a field"),
    pytest.param(finds('_among("CRITCAL")', "_among(word) if word in data.prod.settings.fail_on"), id="member"),
    pytest.param(
        finds('_is("CRITCAL", f.severity)', "_is(word, s) if _same(word, s)\n\n_same(a, b) if a == b"), id="passed on"
    ),
    pytest.param(finds("_is(_wanted, f.severity)", '_is(a, b) if a == b\n\n_wanted := "CRITCAL"'), id="rule"),
    pytest.param(finds('_found("CRITCAL").severity == "LOW"', '_found(word) := {"severity": word}'), id="said"),
    pytest.param(finds("_rank(f.severity) == 1", '_rank("CRITCAL") := 1\n\n_rank("LOW") := 2'), id="head"),
    pytest.param(finds("_rank(1, f.severity)", '_rank(_, "CRITCAL")'), id="second of a head"),
]


@pytest.mark.parametrize("text", PASSED)
def test_a_misspelt_word_that_a_function_compares_is_found_where_it_stands(tmp_path: Path, text: str) -> None:
    (problem,) = lint(tmp_path, text)
    where = (HEAD + text).partition("CRITCAL")[0].count("\n") + 1
    assert (problem.file, problem.line, problem.rule) == (OWN, where, "unknown-word")
    assert 'did you mean "CRITICAL"?' in problem.message


def test_a_misspelt_rule_id_that_a_function_passes_on_is_found(tmp_path: Path) -> None:
    (problem,) = lint(tmp_path, finds('_off("coverage.complet")', "_off(rule) if levels.off(rule)"))
    assert 'did you mean "coverage.complete"?' in problem.message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(finds('_is("any", f.severity)', '_is("any", _)\n\n_is(a, b) if a == b'), id="head for every word"),
        pytest.param(
            finds('_is("any", f.severity)', '_is(a, _) if startswith(a, "a")\n\n_is(a, b) if a == b'), id="another test"
        ),
        pytest.param(
            finds('_is("LOWER", f.severity)', '_is("LOWER", _)\n\n_is(a, b) if a == b'), id="head, nearly a word"
        ),
        pytest.param(
            finds('_is("LOWER", f.severity)', '_is(a, _) if a == "LOWER"\n\n_is(a, b) if a == b'),
            id="compared, nearly a word",
        ),
        pytest.param(finds('_is("LOWER", f.severity)\n\t_is("x", f.title)', "_is(a, b) if a == b"), id="title too"),
        pytest.param(
            finds('_is("LOWER", f)', "_is(a, g) if a == g.severity\n\n_is(a, g) if a == g.scanner"), id="two kinds"
        ),
        pytest.param(
            finds('_rank(f.severity) == _rank("none")', '_rank("none") := 1\n\n_rank("LOW") := 2'), id="told none"
        ),
        pytest.param(
            finds('_rank(object.get(f, "severity", "none")) == 1', '_rank("none") := 1\n\n_rank("LOW") := 2'),
            id="default",
        ),
    ],
)
def test_a_word_that_a_function_takes_beside_those_of_a_kind_is_no_problem(tmp_path: Path, text: str) -> None:
    assert lint(tmp_path, text) == []
