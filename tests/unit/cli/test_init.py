"""`weightgate init`: what it writes passes its own checks at once, and what it refuses leaves nothing behind."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from support import documents
from weightgate import __version__
from weightgate.cli import main
from weightgate.errors import PolicyError
from weightgate.policy import cases, opa, order, repository
from weightgate.policy.reference import END
from weightgate.policy.tree import PolicyTree, shipped


def made(folder: Path, names: str) -> PolicyTree:
    assert main(["init", str(folder), "--environments", names]) == 0
    return PolicyTree(folder, "--policy")


def test_what_it_makes_passes_its_own_lint_and_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path / "new", "lab,dev,staging2,live_eu")
    assert main(["policy", "lint", "--policy", str(tmp_path / "new")]) == 0
    # NOTE: runs opa test with its coverage, and the proof that the environments are ordered.
    assert main(["policy", "test", "--policy", str(tmp_path / "new")]) == 0
    assert "8 acceptance cases, coverage 100.0 %" in capsys.readouterr().err


NAMES = {
    "one": "live",
    "two": "lab,live",
    "three": "dev,staging,prod",
    "turned round": "prod,dev",
    "words of the tree": "gate,here,fixtures",
}


def test_each_environment_has_an_allowed_and_a_refused_case(tmp_path: Path) -> None:
    tree = made(tmp_path, "lab,live")
    known, wrong = cases.find(tree, None)
    assert [(case.name, case.rules()) for case in known] == [
        (f"{name}/{verdict}", frozenset(rules))
        for name in ("lab", "live")
        for verdict, rules in (("allow/clean", []), ("deny/code-execution", ["severity.threshold"]))
    ]
    assert [*wrong, *cases.gaps(tree, known)] == []


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_any_names_in_their_order(names: str, tmp_path: Path) -> None:
    tree = made(tmp_path, names)
    asked = names.split(",")
    assert tree.environments() == asked
    loaded, _ = tree.load(asked)
    assert [loaded[name].settings.stricter_than for name in asked] == [None, *asked[:-1]]
    assert order.compared(loaded, documents.AT) == []
    assert opa.run(tmp_path, "check", "--strict", "policies", "environments").code == 0
    assert opa.run(tmp_path, "fmt", "--list", "policies", "environments").stdout == ""
    assert opa.run(tmp_path, "test", "environments", "policies", "--run", r"data\.environments\.").code == 0


def test_the_first_is_permissive_and_the_last_is_strict(tmp_path: Path) -> None:
    loaded, _ = made(tmp_path, "a,b,c,d").load(["a", "b", "c", "d"])
    theirs, _ = PolicyTree(shipped(), "x").load(["dev", "staging", "prod"])
    own = [loaded[name].settings.fail_on for name in "abcd"]
    assert own == [theirs[name].settings.fail_on for name in ("dev", "staging", "staging", "prod")]
    alone, _ = made(tmp_path / "alone", "only").load(["only"])
    assert alone["only"].settings.rules == theirs["prod"].settings.rules


def test_each_environment_decides_by_its_own_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path / "new", "lab,live")
    stored = documents.store(tmp_path, documents.document(documents.finding()))
    capsys.readouterr()
    words = ["check", str(stored), "--all", "--policy", str(tmp_path / "new"), "--at", documents.AT]
    assert main([*words, "--format", "json"]) == 1
    decisions = json.loads(capsys.readouterr().out)["decisions"]
    assert [(each["environment"], each["verdict"]) for each in decisions] == [("lab", "allow"), ("live", "deny")]


def test_no_old_name_is_left(tmp_path: Path) -> None:
    made(tmp_path, "lab,qa,live")
    for path in (tmp_path / "environments").rglob("*"):
        if path.is_file():
            words = set(path.read_text("utf-8").replace(".", " ").replace('"', " ").split())
            assert words & {"dev", "staging", "prod", "Staging:", "Prod"} == set(), path
    assert "| rule | lab | qa | live | told |" in (tmp_path / "policies/README.md").read_text("utf-8")
    assert (tmp_path / "policies/README.md").read_text("utf-8").count(END) == 1


def test_the_files_around_the_tree(tmp_path: Path) -> None:
    made(tmp_path, "lab,live")
    assert sorted(os.listdir(tmp_path)) == [
        ".github",
        ".pre-commit-config.yaml",
        "README.md",
        "environments",
        "policies",
        "tests",
    ]
    workflow = (tmp_path / ".github/workflows/policy.yml").read_text("utf-8")
    steps = yaml.safe_load(workflow)["jobs"]["check"]["steps"]
    run = [step["run"] for step in steps if "run" in step]
    assert f"weightgate=={__version__}" in run[0]
    assert [line.split()[1:3] for line in run[1:]] == [
        ["policy", "lint"],
        ["policy", "test"],
        ["exceptions", "list"],
    ]
    assert all("@" in step["uses"] and len(step["uses"].split("@")[1]) == 40 for step in steps if "uses" in step)
    assert yaml.safe_load(workflow)["permissions"] == {}
    owners = (tmp_path / ".github/CODEOWNERS").read_text("utf-8").splitlines()
    assert owners[-1].split()[0] == "/environments/*/exceptions/"
    hooks = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"]
    assert [hook["entry"].split()[2] for hook in hooks] == ["lint", "test"]
    for path in (tmp_path / "README.md", tmp_path / ".pre-commit-config.yaml", tmp_path / ".github/CODEOWNERS"):
        assert not {"@VERSION@", "@LAST@", "@ENVIRONMENTS@"} & set(path.read_text("utf-8").split()), path


BAD_NAMES = [
    "",
    "dev,",
    "dev,dev",
    "Dev",
    "1st",
    "pre-prod",
    "../x",
    "a b",
    "null",
    "package",
    "weightgate",
    "on",
    "x" * 64,
]


@pytest.mark.parametrize("names", BAD_NAMES)
def test_names_that_cannot_be_used_are_refused(names: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "new"), "--environments", names]) == 2
    assert "--environments: " in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


HINTS = {
    "pre-prod": "; write pre_prod;",
    "Dev": "; write dev;",
    "1-st": "name; expected",
    "on": "name; expected",
    "pre-prod,pre_prod": "name; expected",
}


@pytest.mark.parametrize(("names", "said"), HINTS.items(), ids=HINTS)
def test_a_name_that_could_be_used_is_proposed(
    names: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "new"), "--environments", names]) == 2
    assert said in capsys.readouterr().err


def test_the_files_of_a_new_repository_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = [".gitattributes", ".gitignore", "LICENSE", "README.md"]
    for name in there:
        (tmp_path / name).write_text("mine")
    made(tmp_path, "lab,live")
    assert f"kept as they were: {', '.join(there)}\n" in capsys.readouterr().err
    assert {(tmp_path / name).read_text() for name in there} == {"mine"}
    assert {*os.listdir(tmp_path)} == {
        *there,
        ".github",
        ".pre-commit-config.yaml",
        "environments",
        "policies",
        "tests",
    }


@pytest.mark.parametrize("there", ["policies", "tests", "README.md.bak", "notes.txt", ".github"])
def test_a_directory_that_is_not_empty_is_refused(
    there: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / there).write_text("mine")
    assert main(["init", str(tmp_path)]) == 2
    assert f"holds {there} already" in capsys.readouterr().err
    assert os.listdir(tmp_path) == [there]
    assert (tmp_path / there).read_text() == "mine"


def test_a_file_and_a_link_are_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert main(["init", str(tmp_path / "file")]) == 2
    assert main(["init", str(tmp_path / "link")]) == 2
    assert os.listdir(tmp_path / "folder") == []


def test_a_directory_named_as_a_kept_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").mkdir()
    assert main(["init", str(tmp_path)]) == 2
    assert os.listdir(tmp_path) == ["LICENSE"]


def test_a_new_git_repository_counts_as_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert PolicyTree(Path(), "x").environments() == ["dev", "staging", "prod"]


def test_a_shipped_tree_that_is_broken_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "source"
    made(source, "dev,staging,prod")
    (source / "environments/prod/data.yaml").write_text("settings: {}\n")
    with pytest.raises(PolicyError, match="fail_on"):
        repository.make(source, tmp_path / "new", ["dev", "prod"])
    assert os.listdir(tmp_path / "new") == []
