"""`opa test` made honest: whatever the tests of a tree leave out is a gap with a name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import documents, trees
from weightgate.errors import PolicyCompileError, UsageError
from weightgate.policy import cases, testing
from weightgate.policy.cases import Gap
from weightgate.policy.tree import PolicyTree

RULE = "policies/weightgate/rules/size/size.rego"
TEST = "policies/weightgate/rules/size/size_test.rego"
GOOD_RULE = """package weightgate.rules.size

big(n) if n > 10
"""
GOOD_TEST = """package weightgate.rules.size_test

import data.weightgate.rules.size

test_eleven_is_big if size.big(11)

test_ten_is_not if not size.big(10)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree of one rule with complete tests."""
    (tmp_path / "environments").mkdir()
    trees.write(tmp_path, RULE, GOOD_RULE)
    trees.write(tmp_path, TEST, GOOD_TEST)
    return tmp_path


def gaps(root: Path) -> list[tuple[str, str]]:
    return [(gap.kind, gap.where) for gap in testing.run_rego(root)[2]]


def test_a_tested_tree_has_no_gap(root: Path) -> None:
    assert testing.run_rego(root) == (2, 100.0, [])


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        pytest.param(TEST, None, [("no-tests", "policies, environments")], id="no test at all"),
        pytest.param(
            TEST,
            GOOD_TEST.replace("test_", "tset_"),
            [("no-tests", "policies, environments")],
            id="only misnamed tests",
        ),
        pytest.param(
            TEST,
            GOOD_TEST + "\ntset_twelve if not size.big(12)\n",
            [("misnamed-test", TEST)],
            id="a misnamed test",
        ),
        pytest.param(
            TEST,
            GOOD_TEST + "\ntodo_test_twelve if size.big(12)\n",
            [("skipped", f"{TEST}:9")],
            id="a skipped test",
        ),
        pytest.param(
            TEST,
            GOOD_TEST + "\ntest_nine_is_big if size.big(9)\n",
            [("failed", f"{TEST}:9")],
            id="a failing test",
        ),
        pytest.param(
            "policies/weightgate/rules/age/age.rego",
            "package weightgate.rules.age\n",
            [("untested-file", "policies/weightgate/rules/age/age.rego")],
            id="a file without tests",
        ),
        pytest.param(
            "policies/weightgate/rules/size/more_test.rego",
            "package weightgate.rules.more_test\n\nhelper := 1\n",
            [("no-test-in-file", "policies/weightgate/rules/size/more_test.rego")],
            id="a test file without tests",
        ),
        pytest.param(
            RULE,
            GOOD_RULE + '\nbig(n) if {\n\tis_string(n)\n\tn == "x"\n}\n',
            [("coverage", f"{RULE}:5")],
            id="a line that no test runs",
        ),
    ],
)
def test_what_the_tests_leave_out_is_named(
    root: Path, path: str, text: str | None, expected: list[tuple[str, str]]
) -> None:
    if text is None:
        (root / path).unlink()
    else:
        trees.write(root, path, text)
    assert [gap for gap in gaps(root) if gap[0] != "coverage" or expected[0][0] == "coverage"] == expected


def test_without_any_test_one_sentence_says_so(root: Path) -> None:
    (root / TEST).unlink()
    tests, coverage, found = testing.run_rego(root)
    assert (tests, coverage, [gap.kind for gap in found]) == (0, None, ["no-tests"])


def test_a_test_that_ends_in_an_error_failed(root: Path) -> None:
    trees.write(root, TEST, GOOD_TEST + "\ntest_twice if x == 1\n\nx := 1\n\nx := 2\n")
    (gap,) = (gap for gap in testing.run_rego(root)[2] if gap.kind == "failed")
    assert "conflict" in gap.message


def test_what_tests_share_needs_no_test_of_its_own(root: Path) -> None:
    trees.write(
        root, "policies/weightgate/lib/fixtures/fixtures_test.rego", "package weightgate.lib.fixtures_test\n\ne := 11\n"
    )
    text = GOOD_TEST.replace("import", "import data.weightgate.lib.fixtures_test\nimport", 1)
    trees.write(root, TEST, text.replace("big(11)", "big(fixtures_test.e)"))
    assert gaps(root) == []


def test_a_tree_that_does_not_compile_is_an_error(root: Path) -> None:
    trees.write(root, TEST, GOOD_TEST + "\ntest_more if size.bigg(1, x)\n")
    with pytest.raises(PolicyCompileError, match="bigg"):
        testing.run_rego(root)


def case(folder: Path, place: str, severity: str) -> Path:
    target = folder / place
    target.mkdir(parents=True)
    document = documents.document(documents.finding("wgf-1", severity))
    (target / "findings.json").write_text(json.dumps(document), encoding="utf-8")
    return target


def checked(tree: PolicyTree, folder: Path | None) -> tuple[int, list[Gap]]:
    known, wrong = cases.find(tree, folder)
    return len(known), [*wrong, *cases.gaps(tree, known)]


def test_acceptance_cases_are_decided_by_the_tree(tmp_path: Path) -> None:
    tree = trees.tree(tmp_path / "tree")
    folder = tmp_path / "cases"
    case(folder, "dev/allow/high", "HIGH")
    case(folder, "prod/deny/high", "HIGH")
    case(folder, "prod/allow/critical", "CRITICAL")
    assert checked(tree, folder) == (
        3,
        [
            Gap(
                "case",
                "prod/allow/critical",
                "the verdict is deny, not allow (CRITICAL: os.system is called when the file is loaded)",
            )
        ],
    )


def test_a_case_says_its_time_and_exceptions(tmp_path: Path) -> None:
    tree = trees.tree(tmp_path / "tree")
    excused = case(tmp_path / "cases", "prod/allow/excused", "HIGH")
    expired = case(tmp_path / "cases", "prod/deny/expired", "HIGH")
    for folder in (excused, expired):
        (folder / "exceptions.yaml").write_text(trees.EXCEPTION, encoding="utf-8")
    (expired / "at.txt").write_text("2026-12-01T00:00:00Z\n", encoding="utf-8")
    assert checked(tree, tmp_path / "cases") == (2, [])
    assert trees.EXCEPTION not in (tree.root / "environments/prod/exceptions/data.yaml").read_text("utf-8")


def test_a_case_says_which_rules_refuse(tmp_path: Path) -> None:
    tree = trees.tree(tmp_path / "tree")
    expected = case(tmp_path / "cases", "prod/deny/high", "HIGH") / "expected.json"
    expected.write_text('{"rules": ["severity.threshold"]}', encoding="utf-8")
    assert checked(tree, tmp_path / "cases") == (1, [])
    expected.write_text('{"rules": ["outcome.safe"]}', encoding="utf-8")
    (gap,) = checked(tree, tmp_path / "cases")[1]
    assert gap.message == "the violated rules are severity.threshold; expected outcome.safe"
    expected.write_text('{"rule": ["outcome.safe"]}', encoding="utf-8")
    with pytest.raises(UsageError, match="rule"):
        checked(tree, tmp_path / "cases")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("prd/allow/a", "there is no environment prd"),
        ("prod/refuse/a", "refuse is no verdict; expected one of allow, deny, indeterminate"),
        ("prod/deny/a", "findings.json is missing"),
    ],
)
def test_a_case_at_a_wrong_place_is_a_gap(tmp_path: Path, place: str, message: str) -> None:
    tree = trees.tree(tmp_path / "tree")
    folder = case(tmp_path / "cases", place, "LOW")
    if "missing" in message:
        (folder / "findings.json").unlink()
    assert [gap.message for gap in checked(tree, tmp_path / "cases")[1]] == [message]


def test_a_policy_that_lets_a_canary_pass_fails_its_cases(tmp_path: Path) -> None:
    tree = trees.tree(tmp_path / "tree")
    trees.drop(tree.root, "prod", "true")
    case(tmp_path / "cases", "prod/deny/high", "HIGH")
    (gap,) = checked(tree, tmp_path / "cases")[1]
    assert gap.where == "prod/deny/high"


def test_cases_that_were_asked_for_and_are_not_there_are_a_gap(tmp_path: Path) -> None:
    tree = trees.tree(tmp_path / "tree")
    assert checked(tree, None) == (0, [])
    assert [gap.kind for gap in checked(tree, tmp_path / "absent")[1]] == ["case"]
    (tmp_path / "none").mkdir()
    assert [gap.kind for gap in checked(tree, tmp_path / "none")[1]] == ["case"]
