"""Every stored report of a real scanner, through normalize and check, with the verdict and the reason of each
environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.stored import ASSETS, ENVIRONMENTS, STORED, Stored
from weightgate import cli, evaluate, findings, normalize
from weightgate.decision import Decision
from weightgate.scanners.interface import Report

SHIPPED = Path(__file__).parents[2]
AT = "2026-11-23T12:00:00Z"


def document(stored: Stored) -> findings.FindingsDocument:
    return normalize(stored.scanner, Report(stored.path.read_bytes()), generated_at=AT)


@pytest.fixture(scope="module")
def decisions() -> dict[tuple[str, str], Decision]:
    made = evaluate([document(stored) for stored in STORED], ENVIRONMENTS, policy=SHIPPED, evaluated_at=AT)
    keys = [(stored.report, environment) for stored in STORED for environment in ENVIRONMENTS]
    return dict(zip(keys, made, strict=True))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored.report)
def test_verdict_and_reason(stored: Stored, environment: str, decisions: dict[tuple[str, str], Decision]) -> None:
    decision = decisions[stored.report, environment]
    assert decision.environment == environment
    assert decision.verdict == stored.verdict(environment)
    assert decision.allow is (decision.verdict == "allow")
    told = decision.warnings if decision.allow else decision.violations
    if not decision.allow or environment in stored.reasons:
        assert any(stored.reasons[environment] in item.msg for item in told), [item.msg for item in told]


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored.report)
def test_status_and_that_nothing_changes_when_it_is_read_again(stored: Stored) -> None:
    first = document(stored)
    assert first.scans[0].status.value == stored.status
    assert findings.read(findings.write(first)) == first
    assert findings.write(document(stored)) == findings.write(first)
    assert len(first.findings) == len({finding.id for finding in first.findings})
    if stored.scanner != "fickling":
        assert "/models/" not in findings.write(first).decode()


def test_no_stored_report_is_left_out() -> None:
    scanners = {stored.scanner for stored in STORED}
    there = {str(path.relative_to(ASSETS)) for path in ASSETS.glob("*/*") if path.parent.name in scanners}
    assert there == {stored.report for stored in STORED} | {"modelscan/edge.stdout.txt"}


def test_the_command_reads_a_file_or_standard_input(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    stored = STORED[0]
    out = tmp_path / "findings.json"
    assert (
        cli.main(["normalize", "--scanner", stored.scanner, str(stored.path), "-o", str(out), "--model", "hub/x"]) == 0
    )
    assert capfd.readouterr().out == ""
    read = findings.read(out.read_bytes())
    assert read.model.uri == "hub/x"
    assert cli.main(["normalize", "--scanner", stored.scanner, str(stored.path)]) == 0
    assert json.loads(capfd.readouterr().out)["schema"] == "weightgate.findings/v1"


@pytest.mark.parametrize(
    ("name", "scanner", "words"),
    [
        ("modelscan/edge.stdout.txt", "modelscan", "not JSON"),
        ("modelscan/missing.json", "modelscan", "cannot be read"),
        ("modelscan/clean.json", "modelaudit", "ModelAudit report"),
        ("modelscan/clean.json", "modelscam", "did you mean"),
    ],
)
def test_what_is_no_report_of_that_scanner_is_bad_input(
    name: str, scanner: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "findings.json"
    out.write_text("from an earlier run")
    assert cli.main(["normalize", "--scanner", scanner, str(ASSETS / name), "-o", str(out)]) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()
