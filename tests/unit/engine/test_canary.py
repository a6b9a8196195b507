"""The canaries, through the real policy: an edit of the tree that waives too much is caught by one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support import documents, trees
from weightgate import strict
from weightgate.engine.canary import CANARIES
from weightgate.engine.evaluate import Evidence, evaluate
from weightgate.engine.exec import ExecEngine
from weightgate.errors import CanaryPassed, WeightgateError
from weightgate.findings import read
from weightgate.policy.tree import PolicyTree

CLEAN = documents.document()


def decide(root: Path) -> str:
    """The verdict about a clean document for dev, the most tolerant environment, and for prod."""
    with ExecEngine(PolicyTree(root, "--policy")) as engine:
        evidence = [Evidence.of(documents.typed(CLEAN))]
        return " ".join(item.verdict for item in evaluate(engine, evidence, ["dev", "prod"], documents.AT))


def test_the_shipped_tree_refuses_every_canary(tmp_path: Path) -> None:
    assert decide(trees.copy(tmp_path)) == "allow allow"


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.name)
def test_a_canary_is_a_findings_document(canary: Any) -> None:
    document = read(strict.canonical(canary.document))
    assert {finding.id for finding in document.findings} == canary.findings()


def test_canaries_differ() -> None:
    assert len({strict.canonical(canary.document) for canary in CANARIES}) == len(CANARIES)
    assert len({canary.name for canary in CANARIES}) == len(CANARIES)


DROPPED = {
    "everything": ("true", "allows a model with findings"),
    "every rule but one": ('input.findings[_].rule != "S201"', "allows a model with findings"),
    "CRITICAL": ('v.severity == "CRITICAL"', "severity"),
    "UNKNOWN": ('{f.severity | some f in input.findings; f.id == v.finding} == {"UNKNOWN"}', "severity UNKNOWN"),
    "BLOCKED": ('input.scans[_].outcome == "BLOCKED"', "whose scanner says BLOCKED"),
    "WARNING": ('input.scans[_].outcome == "WARNING"', "whose scanner says WARNING"),
    "an unknown word": ('input.scans[_].outcome == "CANARY-51D8"', "a word that nobody knows"),
    "no word": (
        '{s | some s in input.scans; s.outcome == null; s.status == "completed"} != set()', "gives no verdict"
    ),
    "a failed scan": ('input.scans[_].status == "failed"', "whose scan failed"),
    "no scan": ("input.scans == []", "that nobody scanned"),
}  # fmt: skip
"""What a bad edit of the policy leaves out, and the words of the canary that notices."""


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize(("condition", "words"), DROPPED.values(), ids=DROPPED)
def test_an_edit_that_waives_too_much_is_an_error(tmp_path: Path, condition: str, words: str, environment: str) -> None:
    root = trees.copy(tmp_path)
    trees.drop(root, environment, condition)
    with pytest.raises(CanaryPassed, match=f"environment {environment}: .*{words}"):
        decide(root)


def test_an_edit_that_leaves_out_what_the_environment_tolerates_is_none(tmp_path: Path) -> None:
    root = trees.copy(tmp_path)
    trees.drop(root, "dev", 'v.severity == "INFO"')
    assert decide(root) == "allow allow"


def test_an_exception_for_a_canary_is_an_error(tmp_path: Path) -> None:
    root = trees.copy(tmp_path)
    text = trees.EXCEPTION.replace("wgf-1", "wgf-canary-high")
    trees.write(root, "environments/prod/exceptions/data.yaml", text)
    with pytest.raises(CanaryPassed, match="environment prod: the policy does not refuse a finding of severity HIGH"):
        decide(root)


def test_fail_on_that_the_rego_does_not_honour_is_an_error(tmp_path: Path) -> None:
    root = trees.copy(tmp_path)
    trees.drop(root, "dev", 'v.severity == "MEDIUM"')
    assert decide(root) == "allow allow"
    line = next(line for line in (root / "environments/dev/data.yaml").read_text().splitlines() if "fail_on:" in line)
    trees.edit(root, "environments/dev/data.yaml", line, "  fail_on: [CRITICAL, MEDIUM]")
    with pytest.raises(CanaryPassed, match="environment dev: the policy does not refuse a finding of severity MEDIUM"):
        decide(root)


def test_exceptions_for_one_rule_do_not_stop_the_evaluation(tmp_path: Path) -> None:
    root = trees.copy(tmp_path)
    trees.write(root, "environments/dev/exceptions/data.yaml", trees.EXCEPTION)
    assert decide(root) == "allow allow"


def test_every_error_of_a_canary_is_an_error_of_the_policy() -> None:
    assert issubclass(CanaryPassed, WeightgateError)
    assert CanaryPassed.exit_code == 3
