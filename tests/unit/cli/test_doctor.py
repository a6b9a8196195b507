"""`weightgate doctor`, and the progress line."""

from __future__ import annotations

import json
import os
import pty
from pathlib import Path

import pytest

from weightgate import cli
from weightgate.cli import progress

ROOT = Path(__file__).parents[3]


def stand_in(path: Path) -> str:
    """Write a program that only tells a version."""
    path.write_text('#!/bin/sh\necho "modelaudit, version 0.2.54"\n')
    path.chmod(0o755)
    return str(path)


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with the shipped policy and OPA, and no scanner."""
    from weightgate.engine import binary

    monkeypatch.setenv("WEIGHTGATE_OPA", str(binary.find()))
    monkeypatch.setenv("WEIGHTGATE_POLICY", str(ROOT))
    monkeypatch.setenv("WEIGHTGATE_CACHE_DIR", str(tmp_path / "cache"))


def checks(capsys: pytest.CaptureFixture[str]) -> tuple[bool, dict[str, tuple[str, str]]]:
    value = json.loads(capsys.readouterr().out)
    return value["ready"], {check["what"]: (check["state"], check["text"]) for check in value["checks"]}


def test_with_a_scanner_it_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEIGHTGATE_SCANNER_MODELAUDIT", stand_in(tmp_path / "modelaudit"))
    assert cli.main(["doctor", "--format", "json"]) == 0
    ready, found = checks(capsys)
    assert ready is True
    assert found["scanner modelaudit"][0] == "ok"
    assert "dev, staging, prod" in found["policy"][1]
    assert "sha256:" in found["policy"][1]


def test_without_a_scanner_it_is_not_ready_and_says_how_to_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor"]) == 3
    out = capsys.readouterr().out
    assert "weightgate scanners install modelaudit" in out
    assert "not ready" in out


@pytest.mark.parametrize(
    ("variable", "what"), [("WEIGHTGATE_OPA", "OPA"), ("WEIGHTGATE_POLICY", "policy")], ids=["opa", "policy"]
)
def test_what_is_broken_is_never_ready(
    variable: str,
    what: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WEIGHTGATE_SCANNER_MODELAUDIT", stand_in(tmp_path / "modelaudit"))
    monkeypatch.setenv(variable, str(tmp_path / "missing"))
    assert cli.main(["doctor", "--format", "json"]) == 3
    ready, found = checks(capsys)
    assert ready is False
    assert found[what][0] == "broken"


def test_progress_is_one_line_on_a_terminal_and_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        with progress.ProgressLine("models/a\nb") as line:
            line("12 files\x1b[2J")
        # NOTE: a terminal hands over what was written in parts, so it is read until a mark behind all of it.
        terminal.write("#")
        terminal.flush()
        shown = ""
        while not shown.endswith("#"):
            shown += os.read(leader, 65536).decode()
    os.close(leader)
    shown = shown.removesuffix("#")
    assert "models/a\\x0ab: 12 files\\x1b[2J" in shown
    assert "\n" not in shown
    assert shown.endswith("\r\x1b[K")


def test_progress_is_silent_in_a_pipe(capfd: pytest.CaptureFixture[str]) -> None:
    with progress.ProgressLine("m") as line:
        line("12 files")
    assert capfd.readouterr().err == ""
