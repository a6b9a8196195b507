"""Why a decision is as it is: the rules, the exceptions, and the smallest set of findings that flips it."""

from __future__ import annotations

import io
import itertools
import json
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from support import documents, trees
from weightgate.cli import main
from weightgate.clock import now
from weightgate.engine.evaluate import Evidence
from weightgate.explain import Explanation, explain, smallest
from weightgate.explain.report import text
from weightgate.findings import FindingsDocument
from weightgate.policy.tree import PolicyTree

PROD = "environments/prod/data.yaml"
EXCEPTIONS = "environments/prod/exceptions/data.yaml"

MIXED = documents.document(
    documents.finding("wgf-1", "HIGH"), documents.finding("wgf-2", "LOW"), documents.finding("wgf-3", "MEDIUM")
)


def explained(root: Path, value: dict[str, object], environment: str = "prod") -> Explanation:
    evidence = Evidence.of(documents.typed(value))
    return explain(PolicyTree(root, "--policy"), evidence, environment, documents.AT, "findings.json")


def test_each_rule_shows_what_it_saw_and_the_setting_with_its_line(tmp_path: Path) -> None:
    trees.copy(tmp_path)
    line = trees.edit(tmp_path, PROD, "fail_on: [CRITICAL, HIGH, MEDIUM]", "fail_on: [CRITICAL, MEDIUM, HIGH]")
    found = {rule.rule: rule for rule in explained(tmp_path, MIXED).rules}
    threshold = found["severity.threshold"]
    assert (threshold.answer, threshold.saw) == ("refuses", "1 HIGH, 1 MEDIUM, 1 LOW")
    assert threshold.setting == "fail_on: [CRITICAL, MEDIUM, HIGH]"
    assert threshold.where.endswith(f"{PROD}:{line}")
    assert found["outcome.safe"].saw == "modelaudit: completed, CLEAN"
    assert found["outcome.safe"].where == ""
    assert found["model.pinned_revision"].answer == "agrees"
    assert found["scans.fresh"].answer == "off"


def test_the_ladder_names_the_first_environment_that_refuses_and_its_rule() -> None:
    first_screen = text(explained(trees.ROOT, MIXED)).splitlines()
    assert first_screen[:2] == [
        "models/tiny: DENY in prod",
        "  passes dev; refused from staging on by severity.threshold",
    ]
    assert all(len(line) < 200 for line in first_screen[:25] if not line.lstrip().startswith("weightgate "))


LADDERS = {
    "all": (documents.document(), "passes dev, staging, prod"),
    "last": (
        documents.document(documents.finding(severity="MEDIUM")),
        "passes dev, staging; refused in prod by severity.",
    ),
    "none": (documents.document(scans=[]), "refused from dev on by outcome.safe"),
}


@pytest.mark.parametrize(("value", "words"), LADDERS.values(), ids=LADDERS)
def test_the_ladder(value: dict[str, object], words: str) -> None:
    assert text(explained(trees.ROOT, value)).splitlines()[1].strip().startswith(words)


def test_the_way_is_the_smallest_set() -> None:
    found = explained(trees.ROOT, MIXED)
    assert found.way is not None
    assert (found.way.findings, found.way.smallest, found.not_excusable) == (("wgf-1", "wgf-3"), True, ())


def test_every_command_runs_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = trees.copy(tmp_path / "a tree")
    trees.edit(root, PROD, "approvers: []", "approvers: [carol@example.org, dave@example.org]")
    trees.edit(root, PROD, "HIGH: 90, MEDIUM: 90, LOW: 90, INFO: 90}", "HIGH: 20, MEDIUM: 90, LOW: 90, INFO: 0}")
    stored = documents.store(tmp_path, MIXED, "it's.json")
    explain = ["explain", str(stored), "--env", "prod"]
    assert run_all([*explain, "--policy", str(root)], capsys) == [0, 0, 0], "with both exceptions it passes"
    trees.write(root, EXCEPTIONS, trees.EXCEPTION.replace("EXC-1", f"EXC-{now()[:4]}-001").replace("wgf-1", "wgf-9"))
    monkeypatch.chdir(root)
    assert run_all(explain, capsys) == [0, 0, 0]


def test_exceptions_need_a_tree_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    stored = documents.store(tmp_path, MIXED)
    assert run_all(["explain", str(stored), "--env", "prod"], capsys) == [0, 1]
    assert PolicyTree(tmp_path / "policy", "--policy").environments() == ["dev", "staging", "prod"]


def run_all(words: list[str], capsys: pytest.CaptureFixture[str]) -> list[int]:
    """The exit codes of the commands that the command `words` prints."""
    assert main(words) == 1
    printed = [line.strip() for line in capsys.readouterr().out.splitlines()]
    return [main(shlex.split(line)[1:]) for line in printed if line.startswith("weightgate ")]


def test_without_a_stored_file_there_is_no_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(MIXED).encode())))
    assert main(["explain", "-", "--env", "prod", "--policy", str(trees.ROOT)]) == 1
    shown = capsys.readouterr().out
    assert "weightgate " not in shown
    assert "Explain a stored file" in shown


def test_a_scan_without_outcome_says_nothing(tmp_path: Path) -> None:
    shown = text(explained(trees.ROOT, documents.document(scans=[documents.scan(status="failed", outcome=None)])))
    assert "outcome.safe: saw modelaudit: failed, says nothing" in shown
    assert "None" not in shown


def test_what_no_exception_can_excuse_is_said(tmp_path: Path) -> None:
    trees.copy(tmp_path)
    trees.edit(tmp_path, PROD, "never: []", "never: [HIGH]")
    found = explained(tmp_path, MIXED)
    assert found.not_excusable == ("wgf-1",)
    assert "no exception can excuse it in prod" in text(found)
    assert not any("wgf-1" in command for _, command in found.commands)


def test_when_no_finding_decides_what_else_refuses_is_told() -> None:
    found = explained(trees.ROOT, {**MIXED, "scans": [documents.scan(outcome="BLOCKED")]})
    assert found.way is None
    assert found.without_findings == (
        "outcome.safe: modelaudit says BLOCKED; only ALLOWED, CLEAN, PASS, SUCCESS may pass",
    )
    assert not any("exceptions add" in command for _, command in found.commands)


def test_a_budget_leaves_a_choice(tmp_path: Path) -> None:
    trees.copy(tmp_path)
    trees.edit(
        tmp_path,
        PROD,
        'severity.budget: {level: "off"}',
        "severity.budget: {level: deny, at_most: {LOW: 1}}",
    )
    value = documents.document(*(documents.finding(f"wgf-{number}", "LOW") for number in range(4)))
    found = explained(tmp_path, value)
    assert found.way is not None
    assert (len(found.way.findings), found.way.smallest) == (3, True)


SCOPES = {
    "expired": ("{finding: wgf-1}", "2026-11-23T10:00:00Z", "expired at 2026-11-23T10:00:00Z"),
    "other finding": ("{finding: wgf-9}", "2026-12-01", "the finding wgf-9, which this document has not"),
    "other rule": ("{rule: S999, model: models/tiny}", "2026-12-01", "the scanner's rule S999, which found nothing"),
    "other model": ("{rule: S201, model: models/huge}", "2026-12-01", "it is for another model: models/huge"),
    "other path": ('{rule: S201, path: "*.bin"}', "2026-12-01", "it is for another path: *.bin"),
    "other digest": (f"{{finding: wgf-1, digest: 'sha256:{'0' * 64}'}}", "2026-12-01", "bound to another digest"),
    "too long": ("{finding: wgf-1}", "2027-01-15", "lasts 75 days, and one for HIGH may last 60 in prod"),
    "nothing to excuse": ("{finding: wgf-2}", "2026-12-01", "nothing that it is about is refused here"),
    "applied": ('{rule: S201, path: "*.pkl"}', "2026-12-01", "excuses 2 findings until 2026-12-01"),
    "rejected": ("{finding: wgf-1}", "2028-12-01", "rejected: it lasts longer than 90 days"),
}


@pytest.mark.parametrize(("scope", "expires", "words"), SCOPES.values(), ids=SCOPES)
def test_each_exception_says_why_it_does_nothing(tmp_path: Path, scope: str, expires: str, words: str) -> None:
    trees.copy(tmp_path)
    trees.edit(tmp_path, PROD, "HIGH: 90,", "HIGH: 60,")
    exception = trees.EXCEPTION.replace("{finding: wgf-1}", scope).replace("2026-12-01", expires)
    trees.write(tmp_path, EXCEPTIONS, exception)
    (found,) = explained(tmp_path, MIXED).exceptions
    assert words in found.why
    assert found.where.endswith(f"{EXCEPTIONS}:1")


def brute_force(document: FindingsDocument, allows: smallest.Allows) -> int:
    ids = [finding.id for finding in document.findings]
    for size in range(len(ids) + 1):
        tries = [smallest.without(document, set(chosen)) for chosen in itertools.combinations(ids, size)]
        if any(allows(tries)):
            return size
    raise AssertionError("without any finding it must pass")


POLICIES = {
    "threshold": lambda words: not {"CRITICAL", "HIGH"} & set(words),
    "budget": lambda words: words.count("LOW") <= 1 and words.count("HIGH") == 0,
    "sum": lambda words: 3 * words.count("HIGH") + words.count("LOW") <= 3,
    "all or nothing": lambda words: not words,
}


WORDS = list(itertools.combinations_with_replacement(["HIGH", "LOW", "INFO"], 5))


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("words", WORDS, ids="-".join)
def test_the_set_is_as_small_as_brute_force_finds(words: tuple[str, ...], policy: object) -> None:
    assert callable(policy)
    value = documents.document(*(documents.finding(f"wgf-{n}", word) for n, word in enumerate(words)))
    document = documents.typed(value)

    def allows(tries: Sequence[FindingsDocument]) -> list[bool]:
        return [policy([finding.severity.value for finding in each.findings]) for each in tries]

    named = {each.id for each in document.findings if not allows([smallest.without(document, {each.id})])[0]}
    way = smallest.find(document, named, allows)
    assert allows([smallest.without(document, set(way.findings))]) == [True]
    assert (len(way.findings), way.smallest) == (brute_force(document, allows), True)


def test_with_too_many_sets_the_way_still_suffices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smallest, "MOST_TRIES", 5)
    document = documents.typed(documents.document(*(documents.finding(f"wgf-{n}", "LOW") for n in range(9))))

    def allows(tries: Sequence[FindingsDocument]) -> list[bool]:
        return [len(each.findings) <= 4 for each in tries]

    way = smallest.find(document, set(), allows)
    assert (len(way.findings), way.smallest) == (5, False)


CODES = {
    "allow": (documents.document(), 0),
    "deny": (MIXED, 1),
    "indeterminate": (documents.document(scans=[]), 4),
}


@pytest.mark.parametrize(("value", "code"), CODES.values(), ids=CODES)
def test_the_exit_code_is_that_of_the_decision(
    tmp_path: Path, value: dict[str, object], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = documents.store(tmp_path, value)
    words = ["explain", str(path), "--env", "prod", "--policy", str(trees.ROOT), "--at", documents.AT]
    assert main([*words, "--format", "json"]) == code
    assert json.loads(capsys.readouterr().out)["schema"] == "weightgate.explanation/v1"


def test_hostile_titles_are_inert(tmp_path: Path) -> None:
    title = "\x1b[31m\n::error::x"
    found = text(explained(trees.ROOT, documents.document(documents.finding(title=title))))
    assert "\x1b" not in found
    assert not any(line.lstrip().startswith("::") for line in found.splitlines())


@pytest.mark.parametrize(
    "words", [["missing.json", "--env", "prod"], ["-", "--env", "prdo"]], ids=["file", "environment"]
)
def test_what_cannot_be_read_is_a_usage_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *words]) == 2


def test_only_what_no_exception_helps_is_said_to_be_stuck(tmp_path: Path) -> None:
    trees.copy(tmp_path)
    budget = "severity.budget: {level: deny, at_most: {LOW: 0}}"
    trees.edit(tmp_path, PROD, 'severity.budget: {level: "off"}', budget)
    found = explain(
        PolicyTree(tmp_path, "--policy"),
        Evidence.of(
            documents.typed(
                documents.document(documents.finding("wgf-1", "CRITICAL"), documents.finding("wgf-2", "LOW"))
            )
        ),
        "prod",
        documents.AT,
        "findings.json",
    )
    assert found.way is not None
    assert set(found.way.findings) == {"wgf-1", "wgf-2"}
    assert found.not_excusable == ("wgf-2",)
