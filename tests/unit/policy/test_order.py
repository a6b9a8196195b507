"""The order of the environments is proven, and a planted inversion is found with its smallest counterexample."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from support import documents, trees
from weightgate.cli import main
from weightgate.engine.evaluate import Evidence
from weightgate.policy import cases, enumeration, shrink
from weightgate.policy.order import Problem, chain, compared, problems
from weightgate.policy.tree import PolicyTree

EXCEPTION = trees.EXCEPTION
PROD = "environments/prod/data.yaml"


def static(root: Path) -> list[Problem]:
    tree = PolicyTree(root, "--policy")
    return compared(tree.load(tree.environments())[0], documents.AT)


def test_the_shipped_order_holds() -> None:
    evidence = [Evidence.of(documents.typed(documents.document(documents.finding(severity="LOW"))))]
    assert problems(PolicyTree(trees.ROOT, "--policy"), evidence, documents.AT) == []


def test_the_chain_begins_with_the_laxest() -> None:
    tree = PolicyTree(trees.ROOT, "--policy")
    assert chain(tree.load(tree.environments())[0]) == ["dev", "staging", "prod"]


INVERSIONS = {
    "fail_on": ("fail_on: [CRITICAL, HIGH, MEDIUM]", "fail_on: [CRITICAL]", "fail_on: [CRITICAL, HIGH] → [CRITICAL]"),
    "level": ("coverage.complete: {level: deny}", "coverage.complete: {level: warn}", "deny → warn"),
    "data format": ("data_formats: [image,", "data_formats: [pickle, image,", "coverage.data_formats"),
    "days": ("{CRITICAL: 90,", "{CRITICAL: 91,", "exceptions.max_days.CRITICAL: 90 → 91"),
}


@pytest.mark.parametrize(("old", "new", "words"), INVERSIONS.values(), ids=INVERSIONS)
def test_a_laxer_setting_is_named_with_its_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    trees.copy(tmp_path)
    line = trees.edit(tmp_path, PROD, old, new)
    (found,) = static(tmp_path)
    assert f"{PROD}:{line}: " in str(found)
    assert words in found.message


def test_a_limit_for_what_the_laxer_tolerates_is_no_inversion(tmp_path: Path) -> None:
    trees.copy(tmp_path)
    trees.edit(tmp_path, PROD, "LOW: 90,", "LOW: 300,")
    assert static(tmp_path) == []


def test_no_declared_order_is_a_problem_of_each_environment(tmp_path: Path) -> None:
    trees.copy(tmp_path)
    trees.edit(tmp_path, PROD, "stricter_than: staging", "# none")
    trees.edit(tmp_path, "environments/staging/data.yaml", "stricter_than: dev", "# none")
    assert [each.message.split()[0] for each in static(tmp_path)] == ["dev", "prod", "staging"]


def test_an_exception_without_counterpart_is_a_problem(tmp_path: Path) -> None:
    trees.copy(tmp_path)
    trees.write(tmp_path, "environments/prod/exceptions/data.yaml", EXCEPTION)
    (found,) = static(tmp_path)
    assert "exceptions/data.yaml:1: exception EXC-1 has no counterpart in staging" in str(found)
    trees.write(tmp_path, "environments/staging/exceptions/data.yaml", EXCEPTION.replace("2026-12-01", "2026-11-30"))
    assert len(static(tmp_path)) == 2, "one that ends earlier is none; and dev has none for CRITICAL"
    trees.write(tmp_path, "environments/staging/exceptions/data.yaml", EXCEPTION)
    trees.write(tmp_path, "environments/dev/exceptions/data.yaml", EXCEPTION)
    assert static(tmp_path) == []


def test_an_inversion_in_rego_is_found_with_its_smallest_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trees.copy(tmp_path)
    trees.drop(tmp_path, "prod", 'v.rule == "outcome.safe"\n\tinput.scans[_].outcome == "FAILURE"')
    large = documents.document(
        documents.finding(severity="LOW"),
        documents.finding("wgf-2", severity="INFO"),
        scans=[documents.scan(), documents.scan(outcome="FAILURE"), documents.scan("modelscan")],
    )
    folder = tmp_path / "corpus"
    folder.mkdir()
    documents.store(folder, large)
    words = ["policy", "order", "--policy", str(tmp_path), "--corpus", str(folder), "--at", documents.AT]
    assert main([*words, "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)["problems"]
    assert [each["message"].split(" (")[0] for each in found] == [
        "prod allows a generated document",
        "prod allows a document of the corpus",
    ]
    for each in found:
        small = each["counterexample"]
        assert [small["findings"], small["model"]["files"]] == [[], []]
        assert [scan["outcome"] for scan in small["scans"]] == ["FAILURE"]


def test_acceptance_cases_beside_the_tree_are_the_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = trees.copy(tmp_path)
    trees.edit(root, "environments/staging/data.yaml", "fail_on: [CRITICAL, HIGH]", "fail_on: [CRITICAL, HIGH, LOW]")
    order = ["policy", "order", "--policy", str(root), "--at", documents.AT]
    assert main(order) == 1
    assert "a document of the corpus" not in capsys.readouterr().out
    case = root / cases.FOLDER / "prod" / "allow" / "low"
    case.mkdir(parents=True)
    documents.store(case, documents.document(documents.finding(severity="LOW")))
    assert main(order) == 1
    out, err = capsys.readouterr()
    assert (
        "prod allows a document of the corpus (models/tiny) that staging refuses by severity.threshold (1 of 1" in out
    )
    assert "1 stored document was tried" in err


def test_a_counterexample_can_be_checked_by_whoever_reads_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = trees.copy(tmp_path / "tree")
    trees.edit(root, "environments/staging/data.yaml", "never: []", "never: [HIGH]")
    order = ["policy", "order", "--policy", str(root), "--at", documents.AT]
    assert main(order) == 1
    shown = capsys.readouterr().out
    assert "prod allows a generated document (trial/model) that staging refuses by severity.threshold (" in shown
    document, _, rest = shown[shown.index("\n{") :].partition("\nwith these exceptions in ")
    files, exceptions, command = re.split(r":\n(?=TRIAL)|to see it: weightgate ", rest)
    assert main([*order, "--format", "json"]) == 1
    *_, problem = json.loads(capsys.readouterr().out)["problems"]
    assert problem["exceptions"] == yaml.safe_load(exceptions)
    about = [each["scope"]["finding"] for each in problem["exceptions"].values()]
    assert about == [each["id"] for each in problem["counterexample"]["findings"]]
    assert (problem["environments"], problem["evaluated_at"]) == (["prod", "staging"], documents.AT)
    stored = tmp_path / "findings.json"
    stored.write_text(document, encoding="utf-8")
    check = [*shlex.split(command.replace("FINDINGS", str(stored))), "--format", "json"]

    def verdicts() -> dict[str, bool]:
        main(check)
        return {each["environment"]: each["allow"] for each in json.loads(capsys.readouterr().out)["decisions"]}

    assert verdicts() == {"prod": False, "staging": False}, "it takes the exception"
    for path in files.split(" and "):
        trees.write(root, path, exceptions)
    assert verdicts() == {"prod": True, "staging": False}
    main([*order, "--format", "json"])
    assert json.loads(capsys.readouterr().out)["problems"][-1]["exceptions"] == {}, "the tree has what it takes"


def test_a_tree_that_cannot_be_evaluated_is_no_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trees.copy(tmp_path)
    trees.edit(tmp_path, "environments/prod/policy.rego", "decision := answer if", "decision := anwser if")
    assert main(["policy", "order", "--policy", str(tmp_path)]) == 3
    assert "anwser" in capsys.readouterr().err


def test_the_generated_documents_cross_every_state_with_every_other() -> None:
    tree = PolicyTree(trees.ROOT, "--policy")
    environments, _ = tree.load(tree.environments())
    made = [each.document for each in enumeration.documents(environments, {}, documents.AT)]
    states = {
        (each.scans[0].outcome, each.scans[0].status, found.severity, found.enforcement, found.id)
        for each in made
        for found in each.findings
        if len(each.findings) == len(each.scans) == 1
    }
    kinds = len(enumeration.OUTCOMES) * len(enumeration.STATUSES) * len(enumeration.SEVERITIES)
    assert len(states) >= kinds * len(enumeration.ENFORCEMENTS) * len(enumeration.EXCEPTIONS)
    assert {each.findings[0].category for each in made if each.findings} >= set(enumeration.CATEGORIES)


@pytest.mark.parametrize("need", [0, 1, 3], ids=str)
def test_shrinking_leaves_what_is_needed(need: int) -> None:
    large = documents.document(*(documents.finding(f"wgf-{number}") for number in range(20)))
    wanted = {f"wgf-{number}" for number in (3, 11, 17)[:need]}

    def shows(tries: object) -> list[bool]:
        assert isinstance(tries, list)
        return [wanted <= {finding.id for finding in each.document.findings} for each in tries]

    small = shrink.smallest(Evidence.of(documents.typed(large)), shows).document
    assert {finding.id for finding in small.findings} == wanted
    assert (small.scans, small.model.files) == ((), ())


OWN = """
own contains {"rule": "local.no_bin", "msg": "a .bin file"} if {
	some file in input.model.files
	endswith(file.path, ".bin")
}
"""


def _with_own(root: Path, *names: str) -> None:
    for name in names:
        path = f"environments/{name}/policy.rego"
        binding = f'with data.weightgate.break_glass as object.get(data.{name}, "break_glass", {{}})'
        trees.edit(root, path, binding, f"{binding}\n\t\twith data.weightgate.own as own")
        trees.write(root, path, (root / path).read_text("utf-8") + OWN)


def test_a_rule_that_only_the_laxer_environment_has_is_found(tmp_path: Path) -> None:
    root = trees.copy(tmp_path)
    _with_own(root, "staging")
    problem, shown = problems(PolicyTree(root, "--policy"))
    assert "environments/prod/data.yaml:" in problem.where
    assert "staging has the rule local.no_bin of its own (environments/staging/policy.rego:" in problem.message
    assert shown.counterexample is not None
    assert shown.counterexample.rules == ("local.no_bin",)


def test_a_rule_that_the_stricter_environment_has_too_is_in_order(tmp_path: Path) -> None:
    root = trees.copy(tmp_path)
    _with_own(root, "staging", "prod")
    assert problems(PolicyTree(root, "--policy")) == []
