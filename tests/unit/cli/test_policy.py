"""`weightgate policy …`: which module answers, what is printed, and the exit codes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from support import trees
from weightgate.cli import main

SIZE = "policies/weightgate/lib/size/size.rego"
SIZE_TEST = "policies/weightgate/lib/size/size_test.rego"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A tree with one function and its tests, and an environment that nothing decides."""
    trees.write(tmp_path, SIZE, "package weightgate.lib.size\n\nbig(n) if n > 10\n")
    trees.write(
        tmp_path,
        SIZE_TEST,
        "package weightgate.lib.size_test\n\nimport data.weightgate.lib.size\n\n"
        "test_eleven_is_big if size.big(11)\n\ntest_ten_is_not if not size.big(10)\n",
    )
    shipped = trees.ROOT / "environments" / "dev" / "data.yaml"
    trees.write(tmp_path, "environments/dev/data.yaml", shipped.read_text("utf-8"))
    return tmp_path


def test_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy"]) == 2
    assert main(["policy", "lnt"]) == 2
    assert "lint" in capsys.readouterr().err


def test_help_of_the_group_and_of_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "--help"]) == 0
    assert "lint" in capsys.readouterr().out
    assert main(["policy", "lint", "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: weightgate policy lint")


def test_a_command_imports_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lint", "test", "order", "diff"):
        monkeypatch.delitem(sys.modules, f"weightgate.cli.policy_{name}", raising=False)
    assert main(["policy", "lint", "--help"]) == 0
    assert "weightgate.cli.policy_lint" in sys.modules
    assert "weightgate.cli.policy_test" not in sys.modules


def test_lint_tells_each_problem_with_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = trees.copy(tmp_path)
    line = trees.edit(root, "environments/prod/data.yaml", "[CRITICAL, HIGH, MEDIUM]", "[CRITICAL, HIHG, MEDIUM]")
    assert main(["policy", "lint", "--policy", str(root)]) == 1
    out, err = capsys.readouterr()
    assert f"environments/prod/data.yaml:{line}: data: /settings/fail_on/1: " in out
    assert 'did you mean "HIGH"?' in out
    assert "problem" in err


def test_lint_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = trees.copy(tmp_path)
    line = trees.edit(root, "environments/prod/data.yaml", "warn_days: 14", "warn_days: soon")
    assert main(["policy", "lint", "--policy", str(root), "--format", "json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == "weightgate.lint/v1"
    (problem,) = (item for item in answer["problems"] if item["rule"] == "data")
    assert (problem["file"], problem["line"]) == ("environments/prod/data.yaml", line)


@pytest.mark.parametrize("command", ["lint", "test"])
def test_a_directory_that_is_no_tree_is_wrong_usage(command: str, tmp_path: Path) -> None:
    assert main(["policy", command, "--policy", str(tmp_path)]) == 2


@pytest.mark.parametrize("command", ["lint", "test"])
def test_without_opa_there_is_no_answer(
    command: str, small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEIGHTGATE_OPA", str(small / "absent"))
    assert main(["policy", command, "--policy", str(small)]) == 3
    assert "WEIGHTGATE_OPA" in capsys.readouterr().err


def test_a_tree_without_environment_is_an_error(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / "environments" / "dev" / "data.yaml").unlink()
    (small / "environments" / "dev").rmdir()
    assert main(["policy", "lint", "--policy", str(small)]) == 3
    assert "no environment" in capsys.readouterr().err


def test_test_names_what_is_left_out(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trees.edit(small, SIZE_TEST, "test_ten", "todo_test_ten")
    (small / "cases").mkdir()
    assert main(["policy", "test", "--policy", str(small), "--cases", str(small / "cases"), "--format", "json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert {gap["kind"] for gap in answer["gaps"]} == {"skipped", "case"}
    assert answer["tests"] == 2
    assert "mutation" not in answer


def test_a_failing_test_leaves_the_coverage_unsaid(complete: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["policy", "test", "--policy", str(complete)]
    assert main(words) == 0
    assert "3 tests, 0 acceptance cases, coverage 100.0 %" in capsys.readouterr().err
    trees.edit(complete, SIZE_TEST, "if size.big(11)", "if size.big(1)")
    assert main(words) == 1
    assert "coverage" not in "".join(capsys.readouterr())
    assert main([*words, "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["coverage"] is None


def test_nothing_is_mutated_while_there_are_gaps(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / "cases").mkdir()
    assert main(["policy", "test", "--policy", str(small), "--cases", str(small / "cases"), "--mutate"]) == 1
    assert "nothing was mutated" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--sample", "3"], id="sample without mutate"),
        pytest.param(["--only", SIZE], id="only without mutate"),
        pytest.param(["--mutate", "--sample", "0"], id="empty sample"),
        pytest.param(["--mutate", "--budget", "no"], id="budget that is no number"),
        pytest.param(["--mutate", "--min-score", "101"], id="score above 100"),
    ],
)
def test_wrong_usage_of_test(small: Path, words: list[str]) -> None:
    assert main(["policy", "test", "--policy", str(small), *words]) == 2


@pytest.fixture
def complete(small: Path) -> Path:
    """The tree with an environment that decides something, so that nothing is left out of its tests."""
    policy = "environments/dev/policy"
    trees.write(small, f"{policy}.rego", 'package environments.dev\n\ndecision := {"verdict": "deny"}\n')
    trees.write(
        small,
        f"{policy}_test.rego",
        "package environments.dev_test\n\nimport data.environments.dev\n\n"
        'test_it_denies if dev.decision.verdict == "deny"\n',
    )
    return small


def test_only_the_file_that_was_asked_for_is_mutated(complete: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["policy", "test", "--policy", str(complete), "--mutate", "--format", "json"]
    assert main([*words, "--only", "policies"]) == 0
    one = json.loads(capsys.readouterr().out)["mutation"]
    assert main([*words, "--only", SIZE]) == 0
    assert json.loads(capsys.readouterr().out)["mutation"] == one
    assert main([*words, "--only", SIZE, "--only", "environments/dev/policy.rego"]) == 0
    both = json.loads(capsys.readouterr().out)["mutation"]
    assert 0 < one["compiled"] == one["killed"] < both["compiled"]


@pytest.mark.parametrize("path", ["policies/weightgate/lib/sise", SIZE_TEST])
def test_only_a_path_without_mistakes_is_wrong_usage(
    path: str, complete: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "test", "--policy", str(complete), "--mutate", "--only", path]) == 2
    assert path in capsys.readouterr().err
