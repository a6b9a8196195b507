"""`weightgate gate` and `scan`: artifacts, exit codes and what is said, with a stand-in for the scanner's program."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from support import models
from weightgate import cli, findings
from weightgate.cli.artifacts import Artifacts

ROOT = Path(__file__).parents[3]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    models.build_tree(folder, {"README.md": b"# tiny\n"})
    return folder


@pytest.fixture(autouse=True)
def _shipped_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHTGATE_POLICY", str(ROOT))


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, name: str = "modelaudit") -> None:
    """Put a Python script in the place of a scanner's program; `report` is the path that it must write."""
    program = tmp_path / f"bin-{name}" / name
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\n"
        + textwrap.dedent("""\
            import json, os, sys, time
            words = sys.argv[1:]
            if "--version" in words:
                print("modelaudit, version 0.2.54")
                sys.exit(0)
            report = next((words[words.index(flag) + 1] for flag in ("-o", "--output") if flag in words), None)
            def clean(path):
                files = sorted(os.path.join(d, n) for d, _, names in os.walk(path) for n in names)
                return {"bytes_scanned": 1, "issues": [], "checks": [], "files_scanned": len(files),
                        "assets": [{"path": f, "type": "text", "size": 1} for f in files], "has_errors": False,
                        "scanner_names": ["text"], "file_metadata": {f: {"file_size": 1} for f in files},
                        "start_time": 1795450314.0, "duration": 0.1, "total_checks": 1, "passed_checks": 1,
                        "failed_checks": 0, "success": True, "content_hash": "a" * 64}
            target = words[-1]
        """)
        + textwrap.dedent(body)
    )
    program.chmod(0o755)
    monkeypatch.setenv(f"WEIGHTGATE_SCANNER_{name.upper()}", str(program))


CLEAN = "json.dump(clean(target), open(report, 'w'))\n"


def test_allowed_and_its_artifacts(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stand_in(tmp_path, monkeypatch, CLEAN)
    out = tmp_path / "out"
    assert cli.main(["gate", str(model), "--all", "--out", str(out), "--format", "json"]) == 0
    printed = json.loads(capfd.readouterr().out)
    assert [decision["verdict"] for decision in printed["decisions"]] == ["allow"] * 3
    assert json.loads((out / "decision.json").read_bytes()) == printed
    raw = (out / "findings.json").read_bytes()
    assert "sha256:" + hashlib.sha256(raw).hexdigest() == printed["decisions"][0]["input_digest"]
    report = (out / "model-scan-report.json").read_bytes()
    assert findings.read(raw).scans[0].report_sha256 == hashlib.sha256(report).hexdigest()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("sys.exit(0)\n", "report"),
        ("open(report, 'w').write('{')\nsys.exit(0)\n", "JSON"),
        ("os.kill(os.getpid(), 9)\n", "SIGKILL"),
        ("sys.stderr.write('boom'); sys.exit(2)\n", "boom"),
        ("time.sleep(60)\n", "did not end within"),
    ],
    ids=["no-report", "cut", "killed", "failed", "too-long"],
)
def test_a_scanner_that_fails_leaves_no_decision_but_artifacts(
    body: str,
    words: str,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    stand_in(tmp_path, monkeypatch, body)
    out = tmp_path / "out"
    out.mkdir()
    (out / "decision.json").write_text('{"allow": true}')
    assert cli.main(["gate", str(model), "--env", "dev", "--out", str(out), "--timeout", "3"]) == 3
    assert words in capfd.readouterr().err
    document = findings.read((out / "findings.json").read_bytes())
    assert document.scans[0].status is findings.Status.FAILED
    assert [item.path for item in document.scans[0].unscanned] == ["README.md"]
    assert json.loads((out / "decision.json").read_bytes())["verdict"] == "indeterminate"


def test_one_failed_scanner_of_two_keeps_what_the_other_found(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stand_in(tmp_path, monkeypatch, CLEAN)
    stand_in(tmp_path, monkeypatch, "sys.exit(4)\n", name="modelscan")
    out = tmp_path / "out"
    words = ["gate", str(model), "--env", "dev", "--scanner", "modelaudit", "--scanner", "modelscan", "--out", str(out)]
    assert cli.main(words) == 3
    document = findings.read((out / "findings.json").read_bytes())
    assert [(scan.scanner, scan.status.value) for scan in document.scans] == [
        ("modelaudit", "completed"),
        ("modelscan", "failed"),
    ]


def test_a_scanner_that_is_not_installed_says_how_to_install_it(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WEIGHTGATE_CACHE_DIR", str(tmp_path / "empty"))
    assert cli.main(["scan", str(model), "-q"]) == 3
    assert "weightgate scanners install modelaudit" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gate", "MODEL", "--env", "prd"], "did you mean"),
        (["gate", "MODEL", "--env", "dev", "--scanner", "modelaudti"], "did you mean"),
        (["gate", "MODEL", "--env", "dev", "--scanner", "modelaudit", "--scanner", "modelaudit"], "once"),
        (["gate", "MODEL", "MODEL", "--env", "dev"], "twice"),
        (["gate", "/no/such/model", "--env", "dev"], "expected a model"),
        (["gate", "http://example.org/model", "--env", "dev"], "https only"),
        (["gate", "HTTP://example.org/model", "--env", "dev"], "https only"),
        (["scan", "MODEL", "--scanner", "sarif"], "sarif"),
        (["gate", "MODEL", "--env", "dev", "--policy", "/no/tree"], "not a policy tree"),
    ],
)
def test_bad_usage_is_exit_code_2(
    words: list[str],
    said: str,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    stand_in(tmp_path, monkeypatch, CLEAN)
    assert cli.main([str(model) if word == "MODEL" else word for word in words]) == 2
    captured = capfd.readouterr()
    assert said in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("place", ["", "inner"])
def test_a_model_cannot_bring_its_own_policy(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stand_in(tmp_path, monkeypatch, CLEAN)
    monkeypatch.delenv("WEIGHTGATE_POLICY")
    model = tmp_path / "model"
    for name in ("policies", "environments"):
        (model / place / name / "dev").mkdir(parents=True)
    monkeypatch.chdir(model / place)
    assert cli.main(["gate", str(model), "--all"]) == 2
    assert "excuse itself" in capfd.readouterr().err


def test_several_models_have_their_artifacts_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, CLEAN)
    paths = []
    for name in ("a b", "c"):
        models.build_tree(tmp_path / name, {"README.md": name.encode()})
        paths.append(str(tmp_path / name))
    out = tmp_path / "out"
    assert cli.main(["gate", *paths, "--env", "dev", "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["01-a-b", "02-c", "decision.json"]
    assert len(json.loads((out / "decision.json").read_bytes())["decisions"]) == 2


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("scanners", [["modelaudit"], ["modelaudit", "modelscan"]], ids=["one", "two"])
def test_ctrl_c_ends_the_scanners_and_leaves_the_reason(
    scanners: list[str], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "started"
    body = f"open({str(started)!r}, 'a').write(f'{{os.getpid()}} '); time.sleep(120)\n"
    for name in scanners:
        stand_in(tmp_path, monkeypatch, body, name=name)
    out = tmp_path / "out"
    words = [word for name in scanners for word in ("--scanner", name)]
    process = subprocess.Popen(
        [sys.executable, "-m", "weightgate", "gate", str(model), "--env", "dev", "--out", str(out), *words],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while (not started.exists() or len(started.read_text().split()) < len(scanners)) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "interrupted" in err
    assert json.loads((out / "error.json").read_bytes())["error"] == "KeyboardInterrupt"
    assert not (out / "decision.json").exists()
    for pid in started.read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_an_engine_that_fails_leaves_findings_and_the_error(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stand_in(tmp_path, monkeypatch, CLEAN)
    monkeypatch.setenv("WEIGHTGATE_OPA", "/no/opa")
    out = tmp_path / "out"
    assert cli.main(["gate", str(model), "--env", "dev", "--out", str(out)]) == 3
    assert "WEIGHTGATE_OPA" in capfd.readouterr().err
    assert (out / "findings.json").exists()
    assert json.loads((out / "error.json").read_bytes())["error"] == "EngineError"


def test_scan_writes_a_document_that_check_reads(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    stand_in(tmp_path, monkeypatch, CLEAN)
    file = tmp_path / "f.json"
    assert cli.main(["scan", str(model), "-o", str(file)]) == 0
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""
    assert cli.main(["check", str(file), "--env", "prod"]) == 0
    assert "ALLOW" in capfd.readouterr().out


def test_an_artifact_is_whole_or_absent(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path / "out")
    artifacts.write("findings.json", b"one")
    with pytest.raises(TypeError):
        artifacts.write("findings.json", "two")  # type: ignore[arg-type]
    assert (tmp_path / "out" / "findings.json").read_bytes() == b"one"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["findings.json"]
    assert Artifacts(tmp_path / "out") is not None
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.scanners
def test_the_samples_with_the_real_default_scanner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("WEIGHTGATE_POLICY")
    out = tmp_path / "out"
    samples = ["samples/sentiment-tiny", "samples/sentiment-poisoned"]
    assert cli.main(["gate", *samples, "--all", "--out", str(out), "--format", "json"]) == 1
    decisions = json.loads(capfd.readouterr().out)["decisions"]
    assert [(d["model"]["uri"], d["verdict"]) for d in decisions] == [
        *[(samples[0], "allow")] * 3,
        *[(samples[1], "deny")] * 3,
    ]


@pytest.mark.scanners
def test_two_real_scanners_side_by_side_in_one_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    out = tmp_path / "f.json"
    words = ["scan", "samples/sentiment-poisoned", "--scanner", "modelaudit", "--scanner", "picklescan", "-o", str(out)]
    assert cli.main(words) == 0
    document = findings.read(out.read_bytes())
    assert {finding.scanner for finding in document.findings} == {"modelaudit", "picklescan"}
    assert [scan.scanner for scan in document.scans] == ["modelaudit", "picklescan"]
