"""`--format` and `--out`: what is printed, what is written, and what is refused."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from support import reports
from weightgate import cli, findings
from weightgate.decision import to_json
from weightgate.formats import registry

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _shipped_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHTGATE_POLICY", str(ROOT))
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def documents(tmp_path: Path) -> list[str]:
    paths = []
    for name, found in (("bad", [reports.finding()]), ("good", [])):
        path = tmp_path / f"{name}.json"
        path.write_bytes(findings.write(reports.document(*found, uri=f"models/{name}")))
        paths.append(str(path))
    return paths


AT = ["--at", "2026-11-23T10:00:00Z"]


@pytest.mark.parametrize("name", registry.HOMES)
def test_each_format_can_be_printed(name: str, documents: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", documents[0], "--all", "--format", name, *AT]) == 1
    out = capsys.readouterr().out
    assert out.endswith("\n")
    if name in ("json", "sarif", "codequality"):
        json.loads(out)
    if name == "junit":
        ET.fromstring(out)  # noqa: S314


def test_all_formats_are_written_for_each_model_and_for_all(
    documents: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = [word for name in registry.HOMES for word in ("--format", name)]
    assert cli.main(["check", *documents, "--all", "--out", str(out), *words, *AT]) == 1
    assert capsys.readouterr().out.startswith("models/bad  may not pass")
    for folder in (out, out / "01-bad", out / "02-good"):
        assert {path.name for path in folder.iterdir() if path.is_file()} == set(registry.FILES.values())
    assert len(json.loads((out / "report.sarif").read_bytes())["runs"]) == 6
    assert len(json.loads((out / "02-good" / "report.sarif").read_bytes())["runs"]) == 3


def test_the_first_format_is_printed(documents: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--format", "markdown", "--format", "json", "--out", str(tmp_path / "out")]
    assert cli.main(["check", documents[0], "--env", "dev", *words, *AT]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("<!-- weightgate report: dev -->")
    assert (tmp_path / "out" / "report.md").read_text(encoding="utf-8") == printed


def test_without_a_format_only_the_decision_is_written(documents: list[str], tmp_path: Path) -> None:
    assert cli.main(["check", documents[1], "--env", "dev", "--out", str(tmp_path / "out"), *AT]) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["decision.json"]


def test_reports_of_an_earlier_run_are_removed(documents: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["check", documents[1], "--env", "dev", "--out", str(out), *AT]
    assert cli.main([*words, "--format", "html"]) == 0
    assert (out / "report.html").exists()
    assert cli.main(words) == 0
    assert not (out / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "json", "--format", "sarif"], "need --out"),
        (["--format", "json", "--format", "json", "--out", "o"], "named twice"),
        (["--format", "sarrif"], "invalid choice"),
        (["--format", "json,sarif"], "invalid choice"),
    ],
)
def test_bad_usage(
    words: list[str],
    said: str,
    documents: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check", documents[1], "--env", "dev", *words]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


def test_github_gets_its_summary_and_outputs(
    documents: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(name, str(tmp_path / name))
    out = tmp_path / "out"
    assert cli.main(["check", documents[0], "--env", "dev", "--format", "github", "--out", str(out), *AT]) == 1
    assert "::error file=models/bad/model.pkl," in capsys.readouterr().out
    assert f"\n{out / 'decision.json'}\n" in (tmp_path / "GITHUB_OUTPUT").read_text()
    assert "## ❌ weightgate: refused" in (tmp_path / "GITHUB_STEP_SUMMARY").read_text(encoding="utf-8")


def test_without_the_github_format_its_files_are_left_alone(
    documents: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "o"))
    assert cli.main(["check", documents[1], "--env", "dev", *AT]) == 0
    assert not (tmp_path / "o").exists()


def test_a_summary_that_cannot_be_written_is_no_allow(
    documents: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "summary"))
    assert cli.main(["check", documents[1], "--env", "dev", "--format", "github", *AT]) == 2


def test_the_stored_document_stands_in_the_commands(documents: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", documents[0], "--env", "dev", *AT]) == 1
    assert f"weightgate explain {documents[0]} --env dev" in capsys.readouterr().out


def test_a_decision_is_shown_even_when_the_annotations_cannot_be_read(
    documents: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from weightgate.errors import EngineError
    from weightgate.policy import rules

    def broken(_: object) -> object:
        raise EngineError("no opa here")

    monkeypatch.setattr(rules, "annotated", broken)
    assert cli.main(["check", documents[0], "--env", "dev", *AT]) == 1
    captured = capsys.readouterr()
    assert "no opa here" in captured.err
    assert "may not pass" in captured.out


def test_the_printed_json_is_the_decision(documents: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", documents[1], "--env", "dev", "--format", "json", *AT]) == 0
    printed = json.loads(capsys.readouterr().out)
    about = reports.document(uri="models/good")
    assert printed.keys() == to_json(reports.decide(about)).keys()
