"""The pipeline's arguments: its severity list can only refuse more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import trees
from support.aims_server import COMMIT, GROUP, MODEL, AimsServer, Script, Status, evaluation, violation
from weightgate.compat import model_scan

PINNED = f"{MODEL}/tree/{COMMIT}"


@pytest.fixture
def aims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AimsServer]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WEIGHTGATE_ENV", raising=False)
    monkeypatch.setenv("WEIGHTGATE_POLICY", str(trees.copy(tmp_path / "tree")))
    with AimsServer() as server:
        for name, value in server.environ().items():
            monkeypatch.setenv(name, value)
        yield server
    assert server.problems == []


def run(*words: str, model: str = PINNED) -> int:
    named = ["--model-path", model, "--security-group-id", GROUP, "--poll-interval", "0.05"]
    return model_scan.main([*named, *words])


def tolerated(aims: AimsServer) -> None:
    """Let the model have one finding, which counts as HIGH."""
    row = evaluation(rule="Stored In Approved Location", result="FAILED", violation_count=1)
    broken = violation(rule="Stored In Approved Location", rule_instance_state="ALLOWING", threat=None)
    aims.models[MODEL] = Script(
        evaluations=[{**row, "rule_instance_state": "ALLOWING"}],
        violations=[broken],
        summary={"rules_passed": 0, "rules_failed": 1, "total_rules": 1},
    )


def counts(out: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((out / "decision.json").read_bytes())["counts"]
    return found


def test_an_allowed_model_leaves_the_raw_report(aims: AimsServer, tmp_path: Path) -> None:
    assert run("--fail-on-severity", "CRITICAL,HIGH") == 0
    assert json.loads((tmp_path / "model-scan-report.json").read_bytes())["scan"]["eval_outcome"] == "ALLOWED"


def test_the_list_refuses_what_the_environment_tolerates(
    aims: AimsServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tolerated(aims)
    out = tmp_path / "out"
    assert run("--env", "dev", "--out", str(out)) == 0
    (word,) = [word for word, number in counts(out).items() if number]
    assert run("--env", "dev", "--fail-on-severity", f"critical {word.lower()}") == 1
    assert f"refused by --fail-on-severity: 1 {word}" in capfd.readouterr().err
    others = [each for each in model_scan.SEVERITIES if each != word]
    assert run("--env", "dev", "--fail-on-severity", ",".join(others)) == 0


def test_the_list_never_lets_a_refusal_pass(aims: AimsServer) -> None:
    aims.models[MODEL] = Script(outcome="BLOCKED", violations=[violation()])
    assert run("--env", "dev", "--fail-on-severity", "INFO") == 1


def test_prod_decides_unless_another_environment_is_named(aims: AimsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(model=MODEL) == 1, "prod asks for a commit"
    monkeypatch.setenv("WEIGHTGATE_ENV", "dev")
    assert run(model=MODEL) == 0


@pytest.mark.parametrize("text", ["", " ", ",", "CRITCAL", "HIGH,MEDUIM", "ALL", "UNKNOWN", "HIGH;LOW"])
def test_an_empty_or_misspelt_list_is_an_error(text: str, aims: AimsServer, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("--fail-on-severity", text) == 2
    assert "expected some of CRITICAL, HIGH, MEDIUM, LOW, INFO" in capfd.readouterr().err
    assert aims.requests == []


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--model-path", PINNED, "--model-url", PINNED],
        ["--model-path", PINNED, "--security-group-id", GROUP, "--fail-on", "HIGH"],
        ["--model-path", PINNED],
        ["--model-path", PINNED, "--security-group-id", "x"],
        ["--model-url", "http://huggingface.co/acme/tiny", "--security-group-id", GROUP],
        ["--model-path", PINNED, "--security-group-id", GROUP, "--env", "prd"],
    ],
    ids=["nothing", "two-models", "unknown-flag", "no-group", "bad-group", "http", "environment"],
)
def test_wrong_usage_is_exit_code_2(words: list[str], aims: AimsServer) -> None:
    assert model_scan.main(words) == 2
    assert aims.log("POST", "/v1/scans") == []


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"counts": {}}', '{"counts": {"CRITICAL": "0", "HIGH": 0, "MEDIUM": 0, "LOW": 0, "INFO": 0}}', "[]"],
)
def test_a_decision_that_cannot_be_read_is_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "decision.json").write_text(text)
    assert model_scan._stricter(tmp_path / "decision.json", ("HIGH",)) == 3
    assert model_scan._stricter(tmp_path / "missing.json", ("HIGH",)) == 3


def test_an_old_report_does_not_stay(aims: AimsServer, tmp_path: Path) -> None:
    (tmp_path / "model-scan-report.json").write_text("{}")
    aims.fault("POST", "/oauth2/access_token", Status(401), times=-1)
    assert run() == 3
    report = tmp_path / "model-scan-report.json"
    assert not report.exists() or json.loads(report.read_bytes())["scan"] is None
