"""The composite action, run step by step: its outputs, exit codes and artifacts, and inputs that mean harm."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from support import documents
from support.action_runner import ActionRunner, Run, parse_outputs, runner_environment

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github/actions/gate"
STAND_IN = """#!{python}
import json, os, sys, time
words = sys.argv[1:]
if "--version" in words:
    print("modelaudit, version 0.2.54")
    sys.exit(0)
report = words[words.index("--output" if "--output" in words else "-o") + 1]
target = words[-1]
files = sorted(os.path.join(d, n) for d, _, names in os.walk(target) for n in names) or [target]
{body}
json.dump({{"bytes_scanned": 1, "issues": [], "checks": [], "files_scanned": len(files),
    "assets": [{{"path": f, "type": "text", "size": 1}} for f in files], "has_errors": False,
    "scanner_names": ["text"], "file_metadata": {{f: {{"file_size": 1}} for f in files}},
    "start_time": 1795450314.0, "duration": 0.1, "total_checks": 1, "passed_checks": 1,
    "failed_checks": 0, "success": True, "content_hash": "a" * 64}}, open(report, "w"))
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    (folder / "models/mine").mkdir(parents=True)
    (folder / "models/mine/README.md").write_text("# mine\n")
    return folder


@pytest.fixture
def runner(tmp_path: Path, workspace: Path) -> ActionRunner:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    return ActionRunner(
        ACTION, workspace, temporary, runner_environment(**scanner(tmp_path), GITHUB_SERVER_URL="https://github.com")
    )


def scanner(tmp_path: Path, body: str = "") -> dict[str, str]:
    program = tmp_path / "modelaudit"
    program.write_text(STAND_IN.format(python=sys.executable, body=body))
    program.chmod(0o755)
    return {"WEIGHTGATE_SCANNER_MODELAUDIT": str(program)}


def gated(runner: ActionRunner, **inputs: str) -> Run:
    """Run the action but for its installation: weightgate is the one of these tests."""
    given = {name.replace("_", "-") if name != "fail_on_severity" else name: text for name, text in inputs.items()}
    return runner.run(given, {"python": {"python-path": sys.executable}, "install": {"python": sys.executable}})


def stored(workspace: Path, *findings: dict[str, Any], name: str = "findings.json") -> str:
    return documents.store(workspace, documents.document(*findings), name).name


def test_a_model_that_may_pass(runner: ActionRunner, workspace: Path) -> None:
    run = gated(runner, model="models/mine", environments="dev prod")
    assert run.ok, run.log
    assert run.codes == {"Gate": 0}
    assert run.outputs["verdict"] == "allow"
    assert run.outputs["exit-code"] == "0"
    assert json.loads(run.outputs["verdicts"]) == {"dev": "allow", "prod": "allow"}
    decision = Path(run.outputs["decision"])
    assert json.loads(run.outputs["decisions"]) == {"dev": str(decision), "prod": str(decision)}
    assert {item["environment"] for item in json.loads(decision.read_bytes())["decisions"]} == {"dev", "prod"}
    document = Path(run.outputs["findings"])
    assert run.outputs["findings-digest"] == "sha256:" + hashlib.sha256(document.read_bytes()).hexdigest()
    kept = run.used["Keep the reports"]
    assert kept["name"] == "model-scan-report"
    assert {
        "model-scan-report.json",
        "findings.json",
        "decision.json",
        "report.sarif",
        "report.junit.xml",
        "report.md",
        "report.html",
    } <= set(os.listdir(kept["path"]))
    assert "models/mine" in run.summary
    assert "Upload to code scanning" not in run.used


@pytest.mark.parametrize(
    ("changes", "environments", "verdicts", "verdict", "code"),
    [
        (
            {"findings": [documents.finding(severity="HIGH")]},
            "dev staging",
            {"dev": "allow", "staging": "deny"},
            "deny",
            1,
        ),
        ({"findings": [documents.finding(severity="CRITICAL")]}, "dev", {"dev": "deny"}, "deny", 1),
        (
            {"scans": [documents.scan(status="failed", outcome=None)]},
            "dev",
            {"dev": "indeterminate"},
            "indeterminate",
            4,
        ),
    ],
    ids=["one environment refuses", "deny", "indeterminate"],
)
def test_a_stored_document_that_may_not(
    runner: ActionRunner,
    workspace: Path,
    changes: dict[str, Any],
    environments: str,
    verdicts: dict[str, str],
    verdict: str,
    code: int,
) -> None:
    documents.store(workspace, documents.document(**changes))
    run = gated(runner, findings="findings.json", environments=environments, upload_sarif="true")
    assert not run.ok
    assert run.codes == {"Gate": code}, run.log
    assert run.outputs["verdict"] == verdict
    assert json.loads(run.outputs["verdicts"]) == verdicts
    assert Path(run.used["Keep the reports"]["path"], "decision.json").is_file()
    assert Path(run.used["Upload to code scanning"]["sarif_file"]).is_file()
    assert f"https://github.com/your-org/weightgate/blob/{'0' * 40}/docs/incident-response.md" in run.summary


def test_a_changed_threshold_is_explained(runner: ActionRunner) -> None:
    run = gated(runner, model="models/mine", fail_on_severity="LOW\n::set-output name=verdict::allow")
    assert run.codes == {"Refuse inputs that are gone": 2}
    assert "environments/<env>/data.yaml" in run.log
    assert "set-output" not in run.log
    assert run.outputs["verdict"] == ""
    assert run.used == {}


HOSTILE = [
    "$(touch harm)",
    "`touch harm`",
    "x'; touch harm; '",
    'x"; touch harm; "',
    "--policy=harm",
    "-h",
    "--help",
    "x\n--all",
    "%0A::error::harm",
    "::add-mask::harm",
    "x\u2028::error::harm",
    "${{ github.token }}",
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("model", text) for text in HOSTILE),
        *(
            (name, HOSTILE[(3 * number + each) % len(HOSTILE)])
            for number, name in enumerate(("environments", "scanners", "policy", "formats", "timeout", "findings"))
            for each in (0, 2, 5)
        ),
    ],
)
def test_hostile_inputs_are_values(runner: ActionRunner, workspace: Path, name: str, text: str) -> None:
    inputs = {"model": "models/mine", "environments": "dev", name: text}
    if name == "findings":
        del inputs["model"]
    run = gated(runner, **inputs)
    assert run.codes["Gate"] in (2, 3), run.log
    assert run.outputs["verdict"] == "error"
    assert "allow" not in json.loads(run.outputs["verdicts"]).values()
    assert "usage: " not in run.log, "the text was taken for an option"
    assert not list(workspace.rglob("harm"))
    assert not [line for line in run.log.splitlines() if line.startswith("::") and not line.startswith("::error::")]
    assert "::harm" not in [line[:6] for line in run.log.splitlines()]
    assert run.used["Keep the reports"]["path"] == run.outputs["reports"]
    assert "made no decision" in run.summary
    assert "docs/troubleshooting.md" in run.summary


def test_a_checkout_does_not_bring_its_own_policy(runner: ActionRunner, workspace: Path) -> None:
    for name in ("policies", "environments"):
        shutil.copytree(ROOT / name, workspace / name)
    lax = workspace / "environments/prod/data.yaml"
    lax.write_text(lax.read_text().replace("fail_on: [CRITICAL, HIGH, MEDIUM]", "fail_on: [CRITICAL]"))
    stored(workspace, documents.finding(severity="MEDIUM"))
    assert gated(runner, findings="findings.json", environments="prod").outputs["verdict"] == "deny"
    # The test is sound only if that tree, asked for, would let it pass.
    assert gated(runner, findings="findings.json", environments="prod", policy=".").outputs["verdict"] == "allow"


def test_a_checkout_brings_no_code(runner: ActionRunner, workspace: Path) -> None:
    for name in ("weightgate", "yaml", "json", "hashlib"):
        (workspace / f"{name}.py").write_text("open('harm', 'w').close(); raise SystemExit(0)\n")
    run = gated(runner, model="models/mine", environments="dev")
    assert run.outputs["verdict"] == "allow", run.log
    assert not (workspace / "harm").exists()


def test_several_models_are_judged_by_the_worst(runner: ActionRunner, workspace: Path) -> None:
    for number, severity in enumerate(("INFO", "CRITICAL", "LOW")):
        value = documents.document(documents.finding(severity=severity), model=documents.model(uri=f"m{number}"))
        documents.store(workspace, value, f"{number}.json")
    run = gated(runner, findings="0.json\n1.json\n2.json\n", environments="dev")
    assert run.codes == {"Gate": 1}, run.log
    assert json.loads(run.outputs["verdicts"]) == {"dev": "deny"}
    assert run.outputs["findings"] == run.outputs["findings-digest"] == ""


def test_a_promotion_decides_the_very_document(runner: ActionRunner, workspace: Path) -> None:
    first = gated(runner, model="models/mine", environments="dev")
    carried = {"findings": first.outputs["findings"], "findings_digest": first.outputs["findings-digest"]}
    # The second decision needs no scanner, and the same document comes out.
    runner.environ["WEIGHTGATE_SCANNER_MODELAUDIT"] = "/nowhere"
    second = gated(runner, environments="staging", **carried)
    assert second.outputs["verdict"] == "allow", second.log
    assert second.outputs["findings-digest"] == carried["findings_digest"]
    with open(carried["findings"], "a") as file:
        file.write(" ")
    third = gated(runner, environments="prod", **carried)
    assert third.codes == {"Gate": 2}
    assert third.outputs["verdict"] == "error"
    assert "this is another document" in third.log


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "no model to gate"),
        ({"model": " \n \n"}, "no model to gate"),
        ({"model": "models/mine", "findings": "findings.json"}, "either models or findings"),
        ({"model": "models/mine", "findings_digest": "sha256:0"}, "findings-digest is for findings"),
        ({"findings": "a\nb", "findings_digest": "sha256:0"}, "for one document"),
        ({"model": "models/mine", "environments": " "}, "environments is empty"),
        ({"model": "models/mine", "environments": "production"}, "unknown environment"),
        ({"model": "models/mine", "environments": "dev all"}, "unknown environment"),
        ({"model": "models/gone"}, "models/gone"),
        ({"model": "http://huggingface.co/a/b"}, "https only"),
        ({"models_file": "gone.yaml"}, "cannot be read"),
        ({"changed_since": "HEAD~1"}, "full commit"),
        ({"changed_since": "0" * 40, "models_directory": "../up"}, "models-directory"),
        ({"changed_since": "0" * 40}, "git cannot compare"),
        ({"model": "models/mine", "scanners": "prisma-airs"}, "security group"),
    ],
)
def test_wrong_inputs_are_told(runner: ActionRunner, inputs: dict[str, str], said: str) -> None:
    run = gated(runner, **inputs)
    assert run.codes == {"Gate": 2}, run.log
    assert run.outputs["verdict"] == "error"
    assert said in run.log


@pytest.mark.parametrize(
    "text",
    [
        "",
        "models/mine",
        "[]",
        "models: [models/mine]",
        "- {a: b}",
        "- 1",
        "- ''",
        "- [models/mine]",
        '- "a\\nb"',
        "- !!python/x y",
        "- a\n---\n- b",
    ],
)
def test_a_list_of_models_is_read_strictly(runner: ActionRunner, workspace: Path, text: str) -> None:
    (workspace / "models.yaml").write_text(text)
    run = gated(runner, models_file="models.yaml", environments="dev")
    assert run.codes == {"Gate": 2}, run.log
    assert run.log.startswith("::error::models.yaml: ")


def git(workspace: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", *words]
    return subprocess.run(command, cwd=workspace, check=True, capture_output=True, text=True).stdout.strip()


def test_listed_and_changed_models_are_gated_once_each(runner: ActionRunner, workspace: Path) -> None:
    for name in ("gone", "same", "ü -x\n"):
        (workspace / "models" / name).mkdir()
        (workspace / "models" / name / "config.json").write_text("{}")
    git(workspace, "init", "-q")
    git(workspace, "add", "-A")
    git(workspace, "commit", "-qm", "one")
    base = git(workspace, "rev-parse", "HEAD")
    shutil.rmtree(workspace / "models/gone")
    (workspace / "models/mine/more/deep").mkdir(parents=True)
    (workspace / "models/mine/more/deep/a.txt").write_text("a")
    (workspace / "models/ü -x\n/config.json").write_text("[]")
    (workspace / "models/single.txt").write_text("x")
    (workspace / "models.yaml").write_text("# what the service loads\n- models/mine\n- models/same\n")
    git(workspace, "add", "-A")
    git(workspace, "commit", "-qm", "two")
    run = gated(runner, models_file="models.yaml", changed_since=base, environments="dev")
    assert run.outputs["verdict"] == "allow", run.log
    models = {item["model"]["uri"] for item in json.loads(Path(run.outputs["decision"]).read_bytes())["decisions"]}
    assert len(models) == 4
    assert [name for name in models if "mine" in name]
    assert [name for name in models if "single.txt" in name]
    assert not [name for name in models if "gone" in name]


def test_nothing_changed_is_no_answer(runner: ActionRunner, workspace: Path) -> None:
    git(workspace, "init", "-q")
    git(workspace, "add", "-A")
    git(workspace, "commit", "-qm", "one")
    run = gated(runner, changed_since=git(workspace, "rev-parse", "HEAD"), environments="dev")
    assert run.codes == {"Gate": 2}
    assert run.outputs["verdict"] == "error"


@pytest.mark.parametrize(
    ("code", "decision", "expected", "verdict"),
    [
        (0, None, 3, "error"),
        (0, "{}", 3, "error"),
        (0, "[]", 3, "error"),
        (0, '{"schema": "weightgate.decisions/v1", "decisions": []}', 3, "error"),
        (0, {"verdict": "deny", "allow": False}, 3, "error"),
        (0, {"allow": "yes"}, 3, "error"),
        (0, {"violations": [{}]}, 3, "error"),
        (0, {"verdict": "fine"}, 3, "error"),
        (0, {"environment": "staging"}, 3, "error"),
        (0, {}, 0, "allow"),
        (3, {}, 3, "error"),
        (2, {}, 2, "error"),
        (5, {}, 3, "error"),
        (-9, {}, 3, "error"),
    ],
)
def test_allow_needs_exit_code_and_decision(
    runner: ActionRunner, tmp_path: Path, code: int, decision: str | dict[str, Any] | None, expected: int, verdict: str
) -> None:
    """A stand-in for weightgate, which ends with `code` and leaves `decision`."""
    if isinstance(decision, dict):
        value = {"schema": "weightgate.decision/v1", "environment": "dev", "allow": True, "verdict": "allow"}
        decision = json.dumps({**value, "violations": [], **decision})
    package = tmp_path / "site/weightgate"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "policy").mkdir()
    (package / "policy/__init__.py").touch()
    (package / "policy/tree.py").write_text("def shipped(): return '.'\n")
    (package / "__main__.py").write_text(
        "import os, pathlib, sys\n"
        "assert 'GITHUB_OUTPUT' not in os.environ\n"
        "out = next(word for word in sys.argv if word.startswith('--out='))[6:]\n"
        f"text = {decision!r}\n"
        "if text is not None: pathlib.Path(out, 'decision.json').write_text(text)\n"
        + (f"os.kill(os.getpid(), {-code})\n" if code < 0 else f"sys.exit({code})\n")
    )
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    site = next((environment / "lib").glob("python*/site-packages"))
    shutil.copytree(package, site / "weightgate")
    run = runner.run(
        {"model": "models/mine", "environments": "dev"}, {"install": {"python": str(environment / "bin/python")}}
    )
    assert run.codes == {"Gate": expected}, run.log
    assert run.outputs["verdict"] == verdict
    assert verdict == "allow" or "allow" not in json.loads(run.outputs["verdicts"]).values()


def test_a_cancelled_job_still_leaves_its_reports(tmp_path: Path, runner: ActionRunner) -> None:
    started = tmp_path / "started"
    runner.environ.update(scanner(tmp_path, f"open({str(started)!r}, 'w').close(); time.sleep(120)"))
    out = tmp_path / "outputs"
    environ = {
        **runner.environ,
        "GITHUB_OUTPUT": str(out),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "RUNNER_TEMP": str(runner.temporary),
        "INPUT_MODEL": "models/mine",
        "INPUT_ENVIRONMENTS": "dev",
        "INPUT_SCANNERS": "modelaudit",
        "INPUT_TIMEOUT": "60",
    }
    command = [sys.executable, "-I", str(ACTION / "gate.py")]
    with subprocess.Popen(
        command, cwd=runner.workspace, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 60
        while not started.exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        assert started.exists()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 3
    outputs = parse_outputs(out.read_text())
    assert outputs["verdict"] == "error"
    assert json.loads(outputs["verdicts"]) == {"dev": "error"}
    assert "error.json" in os.listdir(outputs["reports"])


@pytest.mark.parametrize(
    "version", ["1.0 --index-url=https://example.org", "$(touch harm)", "1.0;touch harm", "latest", "-r x"]
)
def test_a_hostile_version_installs_nothing(runner: ActionRunner, workspace: Path, version: str) -> None:
    run = runner.run({"model": "models/mine", "version": version}, {"python": {"python-path": sys.executable}})
    assert run.codes == {"Install weightgate": 2}, run.log
    assert "not a release number" in run.log
    assert not list(workspace.rglob("harm"))


def test_secrets_reach_the_gate_alone() -> None:
    import yaml

    described = yaml.safe_load((ACTION / "action.yml").read_bytes())
    users = [step["name"] for step in described["runs"]["steps"] if "client-secret" in json.dumps(step)]
    assert users == ["Gate"]


@pytest.mark.scanners
def test_the_whole_action_with_a_real_installation(runner: ActionRunner, workspace: Path) -> None:
    """Needs the package index, as `make test` does."""
    stored(workspace)
    run = runner.run({"findings": "findings.json", "environments": "prod"}, {"python": {"python-path": sys.executable}})
    assert run.codes == {"Install weightgate": 0, "Gate": 0}, run.log
    assert run.outputs["verdict"] == "allow"
