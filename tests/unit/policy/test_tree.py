"""Where the policy tree is, what its files may be, and the digest that names it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support import trees
from weightgate.errors import PolicyError, UsageError
from weightgate.policy import tree as tree_module
from weightgate.policy.tree import PolicyTree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return trees.copy(tmp_path / "tree")


def load(root: Path, *names: str) -> str:
    return PolicyTree(root, "--policy").load(list(names))[1]


# --- locate ---


def test_the_named_tree_goes_before_all_others(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = trees.copy(tmp_path / "other")
    monkeypatch.setenv("WEIGHTGATE_POLICY", str(other))
    monkeypatch.chdir(other)
    assert tree_module.locate(root) == PolicyTree(root, "--policy")
    assert tree_module.locate() == PolicyTree(other, "WEIGHTGATE_POLICY")
    monkeypatch.delenv("WEIGHTGATE_POLICY")
    assert tree_module.locate() == PolicyTree(Path(), "working directory")


def test_without_any_it_is_the_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEIGHTGATE_POLICY", raising=False)
    monkeypatch.chdir(tmp_path)
    found = tree_module.locate()
    assert found.origin == "shipped with weightgate"
    assert {"dev", "staging", "prod"} <= set(found.environments())


@pytest.mark.parametrize("missing", ["policies", "environments"])
def test_a_named_tree_must_be_one(root: Path, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / missing).rename(root / "elsewhere")
    with pytest.raises(UsageError, match="not a policy tree"):
        tree_module.locate(root)
    monkeypatch.setenv("WEIGHTGATE_POLICY", str(root))
    with pytest.raises(UsageError, match="WEIGHTGATE_POLICY"):
        tree_module.locate()


def test_half_a_tree_in_the_working_directory_is_not_used(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "policies").rename(root / "elsewhere")
    monkeypatch.delenv("WEIGHTGATE_POLICY", raising=False)
    monkeypatch.chdir(root)
    assert tree_module.locate().origin == "shipped with weightgate"


# --- environments ---


def test_environments_are_directories_and_the_laxest_comes_first(root: Path) -> None:
    (root / "environments/.hidden").mkdir()
    trees.write(root, "environments/README.md", "x")
    assert PolicyTree(root, "x").environments() == ["dev", "staging", "prod"]


def test_without_environments_nothing_can_be_decided(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    with pytest.raises(PolicyError, match="no environment"):
        PolicyTree(tmp_path, "x").environments()


def test_each_asked_environment_is_selected_once(root: Path) -> None:
    tree = PolicyTree(root, "x")
    assert tree.select(["prod", "dev", "prod"], every=False) == ["prod", "dev"]
    assert tree.select(["prod"], every=True) == ["dev", "staging", "prod"]
    with pytest.raises(UsageError, match=r"known: dev, staging, prod"):
        tree.select([], every=False)
    with pytest.raises(UsageError, match="did you mean"):
        tree.select(["prd"], every=False)


@pytest.mark.parametrize("name", ["weightgate", "system", "environments", "Prod", "1st", "a b", "a.b"])
def test_a_name_that_cannot_be_one_is_an_error(root: Path, name: str) -> None:
    (root / "environments" / name).mkdir()
    with pytest.raises(PolicyError, match="not a name for an environment"):
        PolicyTree(root, "x").select([name], every=False)


# --- load ---


def test_the_shipped_tree_loads() -> None:
    environments, digest = PolicyTree(trees.ROOT, "x").load(["dev", "prod"])
    assert list(environments) == ["dev", "prod"]
    assert environments["prod"].settings.fail_on == ("CRITICAL", "HIGH", "MEDIUM")
    assert digest.startswith("sha256:")
    assert digest == PolicyTree(trees.ROOT, "x").digest()


@pytest.mark.parametrize("name", ["data.yaml", "policy.rego"])
def test_an_environment_needs_its_files(root: Path, name: str) -> None:
    (root / "environments/staging" / name).unlink()
    with pytest.raises(PolicyError, match=rf"environments/staging: {name} is missing"):
        load(root, "prod")


def test_an_environment_can_do_without_a_file_of_exceptions(root: Path) -> None:
    (root / "environments/prod/exceptions/data.yaml").unlink()
    assert PolicyTree(root, "x").load(["prod"])[0]["prod"].exceptions == {}


@pytest.mark.parametrize(
    "path",
    [
        "policies/weightgate/settings.yaml",
        "policies/weightgate/lib/extra.json",
        "policies/data.yaml",
        "policies/weightgate/data.yaml",
        "policies/other/topic/data.yaml",
        "policies/weightgate/settings/data.yaml",
        "policies/weightgate/exceptions/data.yaml",
        "policies/weightgate/exceptions/prod/data.yaml",
        "environments/data.yaml",
        "environments/prod/exceptions.yaml",
        "environments/prod/data.json",
        "environments/prod/data.yml",
        "environments/prod/exception/data.yaml",
        "environments/prod/exceptions/more/data.yaml",
    ],
)
def test_data_at_a_place_that_opa_would_read_by_mistake_is_an_error(root: Path, path: str) -> None:
    trees.write(root, path, "{}\n")
    with pytest.raises(PolicyError):
        load(root, "dev")


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("environments/staging/data.yaml", "settings: {}\n", "missing"),
        ("environments/staging/exceptions/data.yaml", "EXC-1: {}\n", "missing"),
        ("policies/weightgate/severity_map/data.yaml", "theats: {}\n", "unknown key"),
        ("policies/weightgate/threat_kinds/data.yaml", "trojan: {}\n", "missing"),
        ("policies/weightgate/topic/data.yaml", "a: 1\na: 2\n", "stands twice"),
    ],
)
def test_a_mistake_anywhere_is_an_error_for_every_environment(root: Path, path: str, text: str, says: str) -> None:
    trees.write(root, path, text)
    with pytest.raises(PolicyError, match=rf"{path}:\d: .*{says}"):
        load(root, "dev")


@pytest.mark.parametrize(
    ("looser", "says"),
    [("prdo", 'did you mean "prod"'), ("dev", "goes in a circle: dev > dev"), ("prod", "goes in a circle")],
)
def test_the_order_of_environments_must_be_one(root: Path, looser: str, says: str) -> None:
    trees.edit(root, "environments/dev/data.yaml", "settings:\n", f"settings:\n  stricter_than: {looser}\n")
    with pytest.raises(PolicyError, match=says) as caught:
        load(root, "staging")
    assert "/settings/stricter_than" in str(caught.value)


def test_a_file_that_cannot_be_read_is_an_error(root: Path) -> None:
    path = root / "policies/weightgate/gate/gate.rego"
    path.unlink()
    path.symlink_to(root / "nowhere")
    with pytest.raises(PolicyError, match=r"gate\.rego: cannot be read"):
        load(root, "dev")


# --- digest ---


@pytest.mark.parametrize(
    "path",
    [
        "policies/weightgate/gate/gate.rego",
        "policies/weightgate/severity_map/data.yaml",
        "environments/dev/policy.rego",
        "environments/dev/data.yaml",
        "environments/dev/exceptions/data.yaml",
    ],
)
def test_whatever_decides_changes_the_digest(root: Path, path: str) -> None:
    before = load(root, "prod")
    with (root / path).open("a", encoding="utf-8") as out:
        out.write("# x\n")
    assert load(root, "prod") != before


def test_a_file_that_moves_changes_the_digest(root: Path) -> None:
    before = load(root, "dev")
    folder = root / "policies/weightgate/lib"
    (folder / "clock").rename(folder / "time")
    assert load(root, "dev") != before


def test_what_does_not_decide_does_not_change_the_digest(root: Path) -> None:
    before = load(root, "prod")
    trees.write(root, "policies/weightgate/gate/gate_test.rego", "package x_test\n")
    trees.write(root, "policies/notes.md", "x")
    trees.write(root, "environments/prod/.draft/data.yaml", "x: 1\n")
    os.utime(root / "environments/prod/data.yaml", (0, 0))
    assert load(root, "dev") == before
