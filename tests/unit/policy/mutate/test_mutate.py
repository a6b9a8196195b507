"""Mutation testing: a known hole in the tests is exactly the mistake that survives."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import trees
from weightgate.errors import PolicyError, UsageError
from weightgate.policy import mutate
from weightgate.policy.mutate import Mutant, data, rego
from weightgate.policy.tree import PolicyTree

RULE = "policies/weightgate/rules/size/size.rego"
TEST = "policies/weightgate/rules/size/size_test.rego"
RULE_TEXT = """package weightgate.rules.size

big(n) if {
	is_number(n)
	n > 10
}
"""
COMPLETE = """package weightgate.rules.size_test

import data.weightgate.rules.size

test_eleven_is_big if size.big(11)

test_ten_is_not if not size.big(10)

test_nine_is_not if not size.big(9)

test_a_word_is_not if not size.big("11")
"""


@pytest.fixture
def tree(tmp_path: Path) -> PolicyTree:
    (tmp_path / "environments").mkdir()
    trees.write(tmp_path, RULE, RULE_TEXT)
    trees.write(tmp_path, TEST, COMPLETE)
    return PolicyTree(tmp_path, "--policy")


def score(tree: PolicyTree, **options: int) -> mutate.Score:
    return mutate.run(tree, None, None, options.get("sample"), options.get("budget"))


def whats(mutants: tuple[Mutant, ...] | list[Mutant]) -> list[str]:
    return [mutant.what for mutant in mutants]


def test_complete_tests_find_every_mistake(tree: PolicyTree) -> None:
    found = score(tree)
    assert found.survivors == ()
    assert (found.percent, found.not_run) == (100.0, 0)
    assert found.compiled >= 8


def test_an_untested_boundary_is_the_one_survivor(tree: PolicyTree) -> None:
    trees.edit(tree.root, TEST, "test_ten_is_not if not size.big(10)\n", "")
    found = score(tree)
    assert sorted(whats(found.survivors)) == ["> becomes >=", "one less"]
    assert "-\tn > 10\n+\tn >= 10\n" in found.survivors[0].diff
    assert found.killed == found.compiled - 2


def test_a_dropped_guard_survives_when_no_test_needs_it(tree: PolicyTree) -> None:
    trees.edit(tree.root, TEST, 'test_a_word_is_not if not size.big("11")\n', "")
    assert [(mutant.line, mutant.what) for mutant in score(tree).survivors] == [(4, "drop a condition")]


def test_an_explained_equivalent_does_not_count(tree: PolicyTree) -> None:
    trees.edit(tree.root, TEST, 'test_a_word_is_not if not size.big("11")\n', "")
    entry = f"- file: {RULE}\n  change: |\n    - is_number(n)\n    + true\n  reason: Only numbers come here.\n"
    trees.write(tree.root, "tests/mutants.yaml", entry)
    found = score(tree)
    assert (found.survivors, found.percent, found.stale) == ((), 100.0, ())
    assert [(mutant.line, reason) for mutant, reason in found.equivalent] == [(4, "Only numbers come here.")]


def test_an_entry_that_excuses_nothing_is_stale(tree: PolicyTree) -> None:
    entry = f"- file: {RULE}\n  change: |\n    - is_number(n)\n    + true\n  reason: Only numbers come here.\n"
    trees.write(tree.root, "tests/mutants.yaml", entry)
    (stale,) = score(tree).stale
    assert "remove the entry" in stale


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param("- {file: a, change: b}", id="without reason"),
        pytest.param('- {file: a, change: b, reason: ""}', id="empty reason"),
        pytest.param("file: a", id="no list"),
    ],
)
def test_a_bad_list_of_equivalents_is_an_error(tree: PolicyTree, entry: str) -> None:
    trees.write(tree.root, "tests/mutants.yaml", entry)
    with pytest.raises(PolicyError, match="mutants.yaml"):
        score(tree)


OTHER = "policies/weightgate/rules/other/other.rego"


@pytest.mark.parametrize(
    "only",
    [
        pytest.param([RULE], id="file"),
        pytest.param(["policies/weightgate/rules/size/"], id="folder"),
        pytest.param(["./policies/weightgate/rules/size", RULE], id="file within a folder"),
    ],
)
def test_mistakes_are_planted_only_where_asked(tree: PolicyTree, only: list[str]) -> None:
    everything = score(tree)
    trees.write(tree.root, OTHER, "package weightgate.rules.other\n\nbig(n) if n > 10\n")
    assert score(tree).survivors != ()
    assert mutate.run(tree, None, None, None, None, only) == everything


def test_several_places_can_be_asked_for(tree: PolicyTree) -> None:
    trees.write(tree.root, OTHER, "package weightgate.rules.other\n\nbig(n) if n > 10\n")
    assert mutate.run(tree, None, None, None, None, [OTHER, RULE]) == score(tree)


def test_entries_about_other_files_are_not_stale_when_only_some_are_mutated(tree: PolicyTree) -> None:
    trees.write(tree.root, OTHER, "package weightgate.rules.other\n\nbig(n) if n > 10\n")
    entries = [f"- file: {file}\n  change: |\n    - x\n    + true\n  reason: None.\n" for file in (RULE, OTHER)]
    trees.write(tree.root, "tests/mutants.yaml", "".join(entries))
    assert len(score(tree).stale) == 2
    (stale,) = mutate.run(tree, None, None, None, None, [RULE]).stale
    assert RULE in stale


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("policies/weightgate/rules/siz", "does not exist", id="unknown"),
        pytest.param("../policies", "does not exist", id="outside of the tree"),
        pytest.param("environments", "holds nothing to plant a mistake into", id="empty folder"),
        pytest.param(TEST, "holds nothing to plant a mistake into", id="test"),
    ],
)
def test_a_path_without_mistakes_is_wrong_usage(tree: PolicyTree, path: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        mutate.run(tree, None, None, None, None, [RULE, path])


def test_the_sample_is_the_same_every_time(tree: PolicyTree) -> None:
    first, second = score(tree, sample=3), score(tree, sample=3)
    assert first == second
    assert first.compiled <= 3
    assert first.not_run > 0


def test_no_mistake_is_tried_when_the_time_is_up(tree: PolicyTree) -> None:
    found = mutate.run(tree, None, None, None, 0)
    assert (found.compiled, found.percent) == (0, 0.0)
    assert found.not_run > 0


def test_the_tree_itself_is_left_alone(tree: PolicyTree) -> None:
    score(tree)
    assert (tree.root / RULE).read_text("utf-8") == RULE_TEXT


MISTAKES = [
    pytest.param("x if not input.a", "drop a condition", "x if true", id="drop"),
    pytest.param("x if not input.a", "negate a condition", "x if input.a", id="negate a negation"),
    pytest.param("x if input.a", "negate a condition", "x if not input.a", id="negate"),
    pytest.param("x if input.a <= 1", "<= becomes <", "x if input.a < 1", id="comparison"),
    pytest.param('x if input.a == "HIGH"', "HIGH becomes MEDIUM", 'x if input.a == "MEDIUM"', id="severity down"),
    pytest.param('x if input.a == "HIGH"', "HIGH becomes CRITICAL", 'x if input.a == "CRITICAL"', id="severity up"),
    pytest.param('x if input.a in {"p", "q"}', "drop a member", 'x if input.a in {"q"}', id="first member"),
    pytest.param('x if input.a in {"p", "q"}', "drop a member", 'x if input.a in {"p"}', id="last member"),
    pytest.param("x := input.a | input.b", "drop the right side", "x := input.a", id="right side of a union"),
    pytest.param("x := input.a | input.b", "drop the left side", "x := input.b", id="left side of a union"),
    pytest.param("x := input.a - input.b", "drop the right side", "x := input.a", id="difference"),
    pytest.param("x := 1 if {\n\tinput.a\n} else := 2", "drop an else", "x := 1 if {\n\tinput.a\n} ", id="else"),
    pytest.param('default x := "deny"', "drop a default", "", id="default"),
    pytest.param("x if input.a\n\nx if input.b", "drop one definition of x", "x if input.a\n\n", id="definition"),
    pytest.param("x if input.a\n\ny := 1", "drop the definition of x", "\n\ny := 1", id="only definition"),
    pytest.param(
        "x if regex.match(`^a$`, input.a)", "drop the anchor $", "x if regex.match(`^a`, input.a)", id="anchor"
    ),
    pytest.param("x if data.a with data.b as 1", "drop a with", "x if data.a ", id="with"),
    pytest.param("x := 2", "one less", "x := 1", id="number"),
    pytest.param(
        'x if glob.match(input.p, ["/"], input.a)',
        "drop a member",
        "x if glob.match(input.p, [], input.a)",
        id="delimiter",
    ),
    pytest.param('x if "é€𝄞" != input.a', "!= becomes ==", 'x if "é€𝄞" == input.a', id="behind wide characters"),
]


@pytest.mark.parametrize(("text", "what", "after"), MISTAKES)
def test_each_kind_of_mistake_is_planted(tmp_path: Path, text: str, what: str, after: str) -> None:
    (tmp_path / "environments").mkdir()
    trees.write(tmp_path, RULE, f"package a\n\n{text}\n")
    planted = [mutant.after for mutant in rego.mutants(tmp_path) if mutant.what == what]
    assert f"package a\n\n{after}\n" in planted


def test_mistakes_are_planted_into_the_data(tmp_path: Path) -> None:
    trees.copy(tmp_path)
    trees.write(
        tmp_path,
        "environments/prod/exceptions/data.yaml",
        trees.EXCEPTION.replace("{finding: wgf-1}", "{rule: S201, path: weights/old/*.pkl}"),
    )
    planted = [(mutant.path, mutant.what) for mutant in data.mutants(tmp_path)]
    prod = [what for path, what in planted if path == "environments/prod/data.yaml"]
    assert {"drop MEDIUM", "MEDIUM becomes LOW", "deny becomes warn", "one more"} <= set(prod)
    assert ("environments/prod/exceptions/data.yaml", "widen path") in planted
    assert ("policies/weightgate/severity_map/data.yaml", "CRITICAL becomes HIGH") in planted


LISTS = [
    pytest.param("[a, b, c]", "[a, c]", "drop b", id="in brackets"),
    pytest.param("[a,\n  b]", "[a]", "drop b", id="in brackets over two lines"),
    pytest.param("\n- a\n# why\n- b # which\n- c", "\n- a\n# why\n- c", "drop b", id="one a line"),
    pytest.param("\n- a\n- b\nnext: 1\n", "\n- a\nnext: 1\n", "drop b", id="last line"),
    pytest.param("\n- a\n- b", "\n- a\n", "drop b", id="end of the file"),
    pytest.param("\n- a: 1\n  b: 2\n- c\n", "\n- c\n", "drop a member", id="of several lines"),
    pytest.param("\n- c\n- a: 1\n  b: 2\nd: 1\n", "\n- c\nd: 1\n", "drop a member", id="last, of several lines"),
]


@pytest.mark.parametrize(("text", "after", "what"), LISTS)
def test_each_member_of_a_list_is_left_out(tmp_path: Path, text: str, after: str, what: str) -> None:
    trees.write(tmp_path, "environments/dev/data.yaml", f"list: {text}")
    assert f"list: {after}" in [mutant.after for mutant in data.mutants(tmp_path) if mutant.what == what]


SCOPES = [
    pytest.param("{finding: wgf-1, digest: x}", "{finding: wgf-1}", "drop the scope's digest", id="digest"),
    pytest.param("{rule: r, model: m, path: p}", "{rule: r, path: p}", "drop the scope's model", id="model"),
    pytest.param(
        "\n    finding: wgf-1\n    digest: x\n  reason: r\n",
        "\n    finding: wgf-1\n  reason: r\n",
        "drop the scope's digest",
        id="one a line",
    ),
    pytest.param("{rule: r, path: a/b/*.pkl}", '{rule: r, path: "a/**"}', "widen path", id="pattern"),
]


@pytest.mark.parametrize(("text", "after", "what"), SCOPES)
def test_an_exception_is_widened(tmp_path: Path, text: str, after: str, what: str) -> None:
    trees.write(tmp_path, "environments/dev/exceptions/data.yaml", f"EXC-1:\n  scope: {text}")
    assert [mutant.after for mutant in data.mutants(tmp_path) if mutant.what == what] == [f"EXC-1:\n  scope: {after}"]


def test_the_order_of_the_mistakes_is_that_of_the_files(tmp_path: Path) -> None:
    trees.copy(tmp_path)
    first = [*rego.mutants(tmp_path), *data.mutants(tmp_path)]
    assert first == [*rego.mutants(tmp_path), *data.mutants(tmp_path)]
    assert len({mutant.key for mutant in first}) > 0.95 * len(first)
