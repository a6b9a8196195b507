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
