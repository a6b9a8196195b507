"""Entries of data files that can match nothing are found, and those that can match something are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import trees
from weightgate.policy import opa
from weightgate.policy.lint import Problem, check, entries
from weightgate.policy.tree import PolicyTree

PROD = "environments/prod/data.yaml"
MAP = "policies/weightgate/severity_map/data.yaml"
KINDS = "policies/weightgate/threat_kinds/data.yaml"
OFF = 'model.source: {level: "off"}'


def told(**lists: str) -> tuple[str, str, str]:
    """Return the change that tells rule `model.source` these lists."""
    said = {"sources": "[local]", "hosts": "[]", "organizations": "[]", "denied_models": "[]", **lists}
    listed = ", ".join(f"{key}: {value}" for key, value in said.items())
    return PROD, OFF, f"model.source: {{level: deny, {listed}}}"


def never(code: str) -> tuple[str, str, str]:
    return PROD, "    never: []", f"    never: []\n    never_rules: [{code}]"


def own_map(entry: str) -> tuple[str, str, str]:
    said = "{severity: LOW, reason: Known.}"
    return PROD, "  fail_on:", f"  severity_map: {{{entry.format(said)}}}\n  fail_on:"


def edit(root: Path, change: tuple[str, str, str]) -> tuple[str, int, list[Problem]]:
    """Return the file and the first line of a change, and what the linter says of the changed tree."""
    line = trees.edit(trees.copy(root), *change)
    return change[0], line, check(PolicyTree(root, "--policy"))


DEAD = [
    pytest.param(told(hosts='["https://huggingface.co"]'), "a host alone", 0, id="scheme"),
    pytest.param(told(hosts='["huggingface.co:443"]'), "a host alone", 0, id="port"),
    pytest.param(told(hosts='["huggingface.co/google"]'), "a host alone", 0, id="path"),
    pytest.param(told(organizations='["google/bert"]'), "before the /", 0, id="model for an organization"),
    pytest.param(told(denied_models='["[a"]'), "a glob", 0, id="open class"),
    pytest.param(told(denied_models='["ok/*", "{a,b"]'), "a glob", 0, id="open alternatives"),
    pytest.param(never("PAIT-PKL-10"), "a threat code", 1, id="short code"),
    pytest.param(never("pait-pkl-100"), "a threat code", 1, id="code in lower case"),
    pytest.param(never("S201, PAIT_PKL_100"), "a threat code", 1, id="code with other marks"),
    pytest.param(own_map("threats: {{PAIT-PKL-1000: {}}}"), "a threat code", 0, id="code of an environment's map"),
    pytest.param(own_map('series: {{"10": {}}}'), "the first digit", 0, id="series of an environment's map"),
    pytest.param((MAP, "  UNAPPROVED_FORMATS:\n", "  PAIT-PKL:\n"), "a threat code", 0, id="code of the library's map"),
    pytest.param((MAP, '"3":\n', '"300":\n'), "the first digit", 0, id="series of the library's map"),
    pytest.param((KINDS, 'series: ["2"]', 'series: ["200"]'), "the first digit", 0, id="series of a kind"),
    pytest.param((KINDS, "words: [poison]", "words: [Poison]"), "lower case", 0, id="word of a kind"),
]


@pytest.mark.parametrize(("change", "says", "below"), DEAD)
def test_an_entry_that_matches_nothing_is_found(
    tmp_path: Path, change: tuple[str, str, str], says: str, below: int
) -> None:
    path, line, (problem,) = edit(tmp_path, change)
    assert (problem.file, problem.line, problem.rule) == (path, line + below, "dead-entry")
    assert says in problem.message


SOUND = [
    pytest.param(told(hosts="[huggingface.co, s3-bucket.example.org]", organizations="[google]"), id="source"),
    pytest.param(told(denied_models='["**/bert-{base,large}*", "[!a-c]x", "a]", "a}"]'), id="globs"),
    pytest.param(never("PAIT-PKL-100, S201, UNAPPROVED_FORMATS, Stored In Approved Location"), id="rules"),
    pytest.param(own_map('threats: {{PAIT-LMAFL-300: {0}, OTHER: {0}}}, series: {{"9": {0}}}'), id="map"),
    pytest.param((KINDS, 'series: ["2"]', 'series: ["[23]"]'), id="regular expression"),
]


@pytest.mark.parametrize("change", SOUND)
def test_an_entry_that_matches_something_is_no_problem(tmp_path: Path, change: tuple[str, str, str]) -> None:
    assert edit(tmp_path, change)[2] == []


GLOBS = ["[a", "a]", "{a", "a}", "a\\", "[]", "[^a]", "[!a]", "{a,b}", "{a,{b,c}}", "**", "\\[a", "\\{a", "{}", "[a]b]"]
GLOBS += [
    "{a}}",
    "[[a]",
    "{[}]}",
    "[}]",
    "[{]",
    "",
    "{a\\}}",
    "[a-c",
    "{a\\}",
    "\\\\",
    "[a\\]",
    "{{a}",
    "a,b",
    "x[a",
    "?",
]


def test_what_opa_reads_as_a_glob_is_no_problem(tmp_path: Path) -> None:
    query = f'{{word | some word in {json.dumps(GLOBS)}; is_boolean(glob.match(word, ["/"], "a"))}}'
    read = json.loads(opa.run(tmp_path, "eval", "--format", "raw", query).stdout)
    assert sorted(read) == sorted(word for word in GLOBS if entries.glob_flaw(word) is None)
