"""An environment is left out only when nothing that changed can reach its decision."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import documents, trees
from weightgate.cli import main
from weightgate.policy.diff import reach
from weightgate.policy.tree import PolicyTree

ALL = ["dev", "staging", "prod"]
DEV = "environments/dev/policy.rego"
ANSWER = "\tanswer := gate.decision with"
STAGING = "environments/staging/data.yaml"


@pytest.fixture
def both(tmp_path: Path) -> list[PolicyTree]:
    for name in ("base", "head"):
        (tmp_path / name).mkdir()
    return [trees.tree(tmp_path / name) for name in ("base", "head")]


def stricter(tree: PolicyTree) -> None:
    trees.edit(tree.root, STAGING, "fail_on: [CRITICAL, HIGH]", "fail_on: [CRITICAL, HIGH, MEDIUM]")


def test_only_the_environment_whose_data_changed_is_reached(both: list[PolicyTree]) -> None:
    assert reach.unreached(*both, ALL) == ALL
    stricter(both[1])
    assert reach.unreached(*both, ALL) == ["dev", "prod"]
    trees.write(both[1].root, "environments/dev/exceptions/data.yaml", trees.EXCEPTION)
    assert reach.unreached(*both, ALL) == ["prod"]


SHARED = {
    "a rule of the library": ("policies/weightgate/rules/outcome/outcome.rego", "more := 1"),
    "data of the library": ("policies/weightgate/severity_map/data.yaml", "  PAIT-ONNX-999: {severity: LOW, name: x}"),
    "what cannot be read": ("policies/weightgate/rules/outcome/outcome.rego", "more := := 1"),
}


@pytest.mark.parametrize(("path", "text"), SHARED.values(), ids=SHARED)
def test_what_is_shared_reaches_all(both: list[PolicyTree], path: str, text: str) -> None:
    stricter(both[1])
    add(both[1], path, text)
    assert reach.unreached(*both, ALL) == []


def add(tree: PolicyTree, path: str, text: str) -> None:
    with (tree.root / path).open("a", encoding="utf-8") as out:
        out.write(f"\n{text}\n")


def test_a_comment_reaches_nothing(both: list[PolicyTree]) -> None:
    for path in (*(path for path, _ in SHARED.values()), DEV, STAGING):
        add(both[1], path, "# Another comment.")
    assert reach.unreached(*both, ALL) == ALL


def test_an_annotation_which_rules_can_read_reaches_all(both: list[PolicyTree]) -> None:
    trees.edit(both[1].root, "policies/weightgate/rules/outcome/outcome.rego", "title: Safe outcome", "title: Outcome")
    assert reach.unreached(*both, ALL) == []


def test_an_environments_own_rules_reach_it(both: list[PolicyTree]) -> None:
    add(both[1], DEV, "more := 1")
    assert reach.unreached(*both, ALL) == ["staging", "prod"]
    trees.write(both[1].root, "environments/dev/rules.rego", "package environments.dev\n\nfurther := 1\n")
    assert reach.unreached(*both, ALL) == ["staging", "prod"]


@pytest.mark.parametrize("package", ["weightgate.gate", "environments.prod", "environments"])
def test_rules_of_another_package_reach_all(both: list[PolicyTree], package: str) -> None:
    trees.write(both[1].root, "environments/dev/rules.rego", f"package {package}\n\nfurther := 1\n")
    assert reach.unreached(*both, ALL) == []


BORROWS = {
    "a rule by name": "data.environments.dev.further",
    "in brackets": 'data.environments["dev"].further',
    "the whole package": "data.environments.dev",
    "all packages": "data.environments",
    "a package by a name of the input": "data.environments[input.model.name].further",
    "all data": "data",
}


@pytest.mark.parametrize("body", BORROWS.values(), ids=BORROWS)
def test_an_environment_that_borrows_a_rule_is_reached_too(both: list[PolicyTree], body: str) -> None:
    for number, tree in enumerate(both):
        trees.edit(tree.root, "environments/prod/policy.rego", ANSWER, f"\tcount([1 | {body}]) >= 0\n{ANSWER}")
        add(tree, DEV, f"further := {number}")
    assert "prod" not in reach.unreached(*both, ALL)


def test_a_file_that_only_one_tree_has_reaches_all(both: list[PolicyTree]) -> None:
    trees.write(both[0].root, "policies/weightgate/more/data.yaml", "a: 1\n")
    assert reach.unreached(*both, ALL) == []


READS = {
    "by name": "data.staging.settings.fail_on",
    "in brackets": 'data["staging"].settings.fail_on',
    "through object.get": 'object.get(data, "staging", {}) != 1',
    "negated": "not data.staging.nothing",
    "in a comprehension": "count([word | some word in data.staging.settings.fail_on]) > 0",
    "by a name of the input": "data[input.model.name].settings",
    "by a name that is worked out": 'data[concat("", ["stag", "ing"])].settings',
}


@pytest.mark.parametrize("body", READS.values(), ids=READS)
def test_a_policy_that_reads_the_changed_data_is_reached(both: list[PolicyTree], body: str) -> None:
    for tree in both:
        trees.edit(tree.root, DEV, ANSWER, f"\t{body}\n{ANSWER}")
    stricter(both[1])
    assert "dev" not in reach.unreached(*both, ALL)


def test_so_is_one_that_reads_it_far_away(both: list[PolicyTree]) -> None:
    for tree in both:
        with (tree.root / "policies/weightgate/lib/clock/clock.rego").open("a", encoding="utf-8") as out:
            out.write("\nborrowed(name) := data[name].settings\n")
        trees.edit(tree.root, DEV, "data.dev.settings", "data.weightgate.lib.clock.borrowed(input.model.name)")
    stricter(both[1])
    assert reach.unreached(*both, ALL) == ["prod"]


def test_with_another_environments_settings_the_flip_is_told(
    both: list[PolicyTree], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for tree in both:
        trees.edit(tree.root, DEV, "data.dev.settings", "data.staging.settings")
    trees.edit(both[1].root, STAGING, "fail_on: [CRITICAL, HIGH]", "fail_on: [CRITICAL]")
    path = documents.store(tmp_path, documents.document(documents.finding(severity="HIGH")))
    words = [*(str(tree.root) for tree in both), "--corpus", str(path), "--at", documents.AT, "--format", "json"]
    assert main(["policy", "diff", *words]) == 1
    flips = json.loads(capsys.readouterr().out)["flips"]
    assert [(flip["environment"], flip["after"]) for flip in flips] == [("dev", "allow"), ("staging", "allow")]


def test_a_policy_that_opa_refuses_is_not_left_out(both: list[PolicyTree]) -> None:
    for tree in both:
        trees.edit(tree.root, DEV, ANSWER, f"\tnobody.knows\n{ANSWER}")
    stricter(both[1])
    assert reach.unreached(*both, ALL) == []


def test_an_environment_that_is_not_reached_must_still_refuse_the_canaries(
    both: list[PolicyTree], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for tree in both:
        trees.drop(tree.root, "dev", "true")
    stricter(both[1])
    path = documents.store(tmp_path, documents.document())
    assert main(["policy", "diff", *(str(tree.root) for tree in both), "--corpus", str(path)]) == 3
    assert "environment dev" in capsys.readouterr().err


def test_all_documents_are_counted_and_all_environments_named(
    both: list[PolicyTree], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stricter(both[1])
    path = documents.store(tmp_path, documents.document(documents.finding(severity="MEDIUM")))
    words = [str(tree.root) for tree in both]
    assert main(["policy", "diff", *words, "--corpus", str(path), "--at", documents.AT, "--format", "json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["documents"], value["environments"]) == (1, ALL)
    assert [(flip["environment"], flip["after"]) for flip in value["flips"]] == [("staging", "deny")]


def test_a_number_is_not_the_truth_value_that_is_equal_to_it(both: list[PolicyTree]) -> None:
    for tree, told in zip(both, ("1", "true"), strict=True):
        rule = f"model.digest: {{level: deny}}\n    local.x: {{level: deny, most: {told}}}"
        trees.edit(tree.root, "environments/prod/data.yaml", "model.digest: {level: deny}", rule)
    assert reach.unreached(*both, ALL) == ["dev", "staging"]
