"""`gate`, `scan` and `normalize` with Prisma AIRS: groups, revisions, interrupted scans, artifacts; never a secret."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import aims_server, trees
from support.aims_server import COMMIT, GROUP, MODEL, AimsServer, Drop, Script, Silence, Status, evaluation, violation
from support.hub_server import COMMIT as HUB_COMMIT
from support.hub_server import HubServer
from support.watch import CommandLines
from weightgate import cli, findings

PINNED = f"{MODEL}/tree/{COMMIT}"
OTHER = "7f3c7a52-0f5e-4f0e-9a39-0d8f7c1f2b12"
FAST = ["--scanner", "prisma-airs", "--poll-interval", "0.05", "--timeout", "60"]


@pytest.fixture
def aims(monkeypatch: pytest.MonkeyPatch) -> Iterator[AimsServer]:
    with AimsServer() as server:
        for name, value in server.environ().items():
            monkeypatch.setenv(name, value)
        yield server
    assert server.problems == []


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = trees.copy(tmp_path / "tree")
    monkeypatch.setenv("WEIGHTGATE_POLICY", str(root))
    return root


def set_group(root: Path, environment: str, group: str) -> None:
    path = f"environments/{environment}/data.yaml"
    trees.edit(root, path, "    required: []\n", f"    required: []\n    prisma-airs: {{security_group_id: {group}}}\n")


Gate = Callable[..., int]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def gate(tree: Path, out: Path) -> Gate:
    """Gate the small model, pinned, against dev by the one group, unless `words` say otherwise."""

    def run(*words: str, model: str = PINNED, group: str | None = GROUP, env: str = "dev") -> int:
        named = [] if group is None else ["--security-group-id", group]
        asked = ["--all"] if env == "all" else ["--env", env]
        return cli.main(["gate", model, *asked, *FAST, *named, "--out", str(out), *words])

    return run


def content(path: Path) -> Any:
    return json.loads(path.read_bytes())


def test_an_allowed_model_enters_every_environment(aims: AimsServer, gate: Gate, out: Path) -> None:
    assert gate(env="all") == 0
    document = findings.read((out / "findings.json").read_bytes())
    model = document.model
    assert (model.uri, model.source.value, model.name, model.revision) == (MODEL, "huggingface", "acme/tiny", COMMIT)
    assert model.digest is None
    raw = content(out / "model-scan-report.json")
    assert raw["scan"]["uuid"] == next(iter(aims.scans))
    assert [decision["verdict"] for decision in content(out / "decision.json")["decisions"]] == ["allow"] * 3
    assert not (out / "error.json").exists()
    assert len(aims.log("POST", "/v1/scans")) == 1


@pytest.mark.parametrize("suffix", ["", "/tree/main"], ids=["default", "main"])
def test_an_address_that_can_move_is_told_and_prod_refuses_it(
    suffix: str, aims: AimsServer, gate: Gate, out: Path
) -> None:
    assert gate(model=MODEL + suffix, env="prod") == 1
    assert findings.read((out / "findings.json").read_bytes()).model.revision == (suffix.removeprefix("/tree/") or None)
    rules = {violation["rule"] for violation in content(out / "decision.json")["violations"]}
    assert rules == {"model.pinned_revision"}


@pytest.mark.parametrize("outcome", ["BLOCKED", "ERROR", "QUARANTINED"])
def test_every_word_but_allowed_refuses(outcome: str, aims: AimsServer, gate: Gate) -> None:
    aims.models[MODEL] = Script(outcome=outcome)
    assert gate() in (1, 3, 4)


def test_a_violation_that_the_service_tolerates_is_judged_by_the_policy(
    aims: AimsServer, gate: Gate, out: Path
) -> None:
    row = evaluation(result="FAILED", rule_instance_state="ALLOWING", violation_count=1)
    aims.models[MODEL] = Script(evaluations=[row], violations=[violation(rule_instance_state="ALLOWING")])
    assert gate() == 1
    assert content(out / "decision.json")["violations"][0]["severity"] == "CRITICAL"


def test_environments_with_one_group_share_a_scan(
    aims: AimsServer, gate: Gate, tree: Path, out: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("dev", "staging", "prod"):
        set_group(tree, name, GROUP)
    assert gate(group=None, env="all") == 0
    assert len(aims.log("POST", "/v1/scans")) == 1
    assert (out / "findings.json").is_file()


def test_environments_with_different_groups_have_a_scan_each(
    aims: AimsServer, gate: Gate, tree: Path, out: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    aims.groups.add(OTHER)
    for name, group in (("dev", OTHER), ("staging", GROUP), ("prod", GROUP.upper())):
        set_group(tree, name, group)
    outputs = tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    assert gate("--format", "json", "--format", "github", group=None, env="all") == 0
    asked = [request.json()["security_group_uuid"] for request in aims.log("POST", "/v1/scans")]
    assert sorted(asked) == [GROUP, OTHER]
    assert sorted(path.name for path in out.iterdir()) == ["01-dev", "02-staging+prod", "decision.json"]
    decisions = content(out / "decision.json")["decisions"]
    assert [(each["environment"], each["verdict"]) for each in decisions] == [
        ("dev", "allow"),
        ("staging", "allow"),
        ("prod", "allow"),
    ]
    for name, group in (("01-dev", OTHER), ("02-staging+prod", GROUP)):
        assert content(out / name / "model-scan-report.json")["request"]["security_group_uuid"] == group
        document = (out / name / "findings.json").read_bytes()
        assert findings.read(document).scans[0].reference is not None


def test_of_several_groups_a_refusal_has_the_last_word(
    aims: AimsServer, gate: Gate, tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    aims.groups.add(OTHER)
    set_group(tree, "prod", GROUP)
    set_group(tree, "staging", OTHER)
    outputs = tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    words = ["--env", "staging", "--format", "github"]
    assert gate(*words, model=MODEL, group=None, env="prod") == 1
    lines = outputs.read_text().splitlines()
    verdicts = [lines[number + 1] for number, line in enumerate(lines) if line.startswith("verdict<<")]
    assert verdicts[-1] == "deny"


def test_a_format_with_room_for_one_report_is_refused_for_several_groups(
    aims: AimsServer, gate: Gate, tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    set_group(tree, "dev", OTHER)
    set_group(tree, "prod", GROUP)
    assert gate("--env", "prod", "--format", "sarif", group=None) == 2
    assert "room for one report" in capfd.readouterr().err
    assert aims.requests == []


def test_an_environment_without_a_group_says_where_it_belongs(
    aims: AimsServer, gate: Gate, tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert gate(group=None) == 2
    assert "environments/dev/data.yaml" in capfd.readouterr().err
    assert aims.requests == []


@pytest.mark.parametrize("value", ["x", "''", "6f3c7a52", "[a]"])
def test_a_group_in_the_tree_that_is_none_is_an_error(
    value: str, aims: AimsServer, gate: Gate, tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    set_group(tree, "dev", value)
    assert gate(group=None) == 3
    assert "security_group_id" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["gate", "http://huggingface.co/acme/tiny", "--env", "dev"], "https only"),
        (["gate", "HTTP://huggingface.co/acme/tiny", "--env", "dev", *FAST], "https only"),
        (["scan", "http://huggingface.co/acme/tiny", *FAST, "--security-group-id", GROUP], "https only"),
        (["gate", "https://example.org/x", "--env", "dev", *FAST, "--security-group-id", GROUP], "no model store"),
        (["gate", PINNED, "--env", "dev", *FAST, "--security-group-id", "x"], "uuid"),
        (["gate", PINNED, "--env", "dev", "--security-group-id", GROUP], "--scanner prisma-airs"),
        (["gate", PINNED, "--env", "dev", "--resume", GROUP], "--scanner prisma-airs"),
        (["gate", PINNED, "--env", "dev", *FAST, "--security-group-id", GROUP, "--resume", "x"], "--resume"),
        (["gate", PINNED, MODEL, "--env", "dev", *FAST, "--security-group-id", GROUP, "--resume", GROUP], "one model"),
        (["scan", PINNED, *FAST], "--security-group-id"),
        (["scan", *FAST], "MODEL"),
        (["gate", "s3://bucket/model", "--env", "dev"], "download it first"),
        (["gate", ".", "--env", "dev", *FAST, "--security-group-id", GROUP, "--prisma-client", "rest"], "local"),
    ],
)
def test_bad_usage_is_exit_code_2(
    words: list[str],
    says: str,
    aims: AimsServer,
    tree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path / "model")
    assert cli.main(words) == 2
    assert says in capfd.readouterr().err
    assert aims.log("POST", "/v1/scans") == []


def test_a_scan_that_takes_too_long_can_be_resumed(
    aims: AimsServer, gate: Gate, out: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    aims.models[MODEL] = Script(polls=-1)
    assert gate("--timeout", "0.3") == 3
    (scan_id,) = aims.scans
    assert f"--resume {scan_id}" in capfd.readouterr().err
    error = content(out / "error.json")
    assert error["scans"] == [{"scanner": "prisma-airs", "id": scan_id, "state": "PENDING"}]
    assert content(out / "model-scan-report.json")["scan"]["uuid"] == scan_id
    scan = findings.read((out / "findings.json").read_bytes()).scans[0]
    assert scan.status is findings.Status.FAILED
    assert scan.reference is not None
    assert scan.reference.id == scan_id
    assert content(out / "decision.json")["allow"] is False
    aims.scans[scan_id].pending = 0
    assert gate("--resume", scan_id) == 0
    assert len(aims.scans) == 1
    assert not (out / "error.json").exists()


@pytest.mark.parametrize("model", [MODEL, PINNED], ids=["default", "commit"])
def test_a_scan_is_resumed_by_its_id_alone(
    model: str, aims: AimsServer, tree: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    aims.models[MODEL] = Script(polls=-1)
    file = tmp_path / "f.json"
    words = ["scan", model, *FAST, "--security-group-id", GROUP, "--timeout", "0.3", "-o", str(file)]
    assert cli.main(words) == 3
    (scan_id,) = aims.scans
    assert findings.read(file.read_bytes()).scans[0].status is findings.Status.FAILED
    aims.scans[scan_id].pending = 0
    assert cli.main(["scan", *FAST, "--resume", scan_id, "-o", str(file)]) == 0
    document = findings.read(file.read_bytes())
    assert (document.model.uri, document.model.revision) == (MODEL, COMMIT if model == PINNED else None)
    assert document.scans[0].status is findings.Status.COMPLETED
    assert len(aims.scans) == 1


def test_a_scan_of_a_branch_that_a_label_cannot_hold_needs_its_model_again(
    aims: AimsServer, tree: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "f.json"
    given = f"{MODEL}/tree/v1.0"
    assert cli.main(["scan", given, *FAST, "--security-group-id", GROUP, "-o", str(file)]) == 0
    (scan_id,) = aims.scans
    assert cli.main(["scan", *FAST, "--resume", scan_id, "-o", str(file)]) == 2
    assert "name the revision" in capfd.readouterr().err
    assert cli.main(["scan", given, *FAST, "--resume", scan_id, "-o", str(file)]) == 0
    assert findings.read(file.read_bytes()).model.revision == "v1.0"


def run_until(words: list[str], ready: Callable[[], bool], number: int) -> tuple[int, str]:
    """Run weightgate until `ready`, send it the signal, return its exit code and standard error."""
    process = subprocess.Popen([sys.executable, "-m", "weightgate", *words], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not ready() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    return process.returncode, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
@pytest.mark.parametrize("groups", [1, 2])
def test_an_interrupted_scan_leaves_its_id(groups: int, number: int, aims: AimsServer, tree: Path, out: Path) -> None:
    aims.groups.add(OTHER)
    aims.models[MODEL] = Script(polls=-1)
    set_group(tree, "dev", GROUP)
    set_group(tree, "prod", OTHER if groups == 2 else GROUP)
    words = ["gate", PINNED, "--env", "dev", "--env", "prod", *FAST, "--out", str(out)]

    def polled() -> bool:
        return len(aims.scans) == groups and all(aims.log("GET", f"/v1/scans/{scan}") for scan in list(aims.scans))

    code, err = run_until(words, polled, number)
    assert code == 3
    assert "there is no decision" in err
    error = content(out / "error.json")
    assert error["error"] == "KeyboardInterrupt"
    assert {(each["id"], each["state"]) for each in error["scans"]} == {(scan, "PENDING") for scan in aims.scans}
    for scan in aims.scans:
        assert f"--resume {scan}" in err
    reports = sorted(out.rglob("model-scan-report.json"))
    assert {content(path)["scan"]["uuid"] for path in reports} == set(aims.scans)
    assert list(out.rglob("decision.json")) == []


def test_an_interrupt_that_comes_while_a_local_scanner_runs_keeps_the_id(
    aims: AimsServer, tree: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unit.cli.test_gate import stand_in

    stand_in(tmp_path, monkeypatch, "time.sleep(100)\n")
    aims.models[MODEL] = Script(polls=-1)
    with HubServer({"model.safetensors": b"\x02\0\0\0\0\0\0\0{}"}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        words = ["gate", MODEL, "--env", "dev", *FAST, "--security-group-id", GROUP, "--scanner", "modelaudit"]
        code, err = run_until([*words, "--out", str(out)], lambda: len(aims.log("GET", "/v1/scans/.*")) > 1, 2)
    assert code == 3
    (scan_id,) = aims.scans
    assert f"--resume {scan_id}" in err
    assert content(out / "error.json")["scans"][0]["id"] == scan_id


def test_one_document_holds_the_service_and_a_local_scanner_on_the_same_commit(
    aims: AimsServer, gate: Gate, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unit.cli.test_gate import CLEAN, stand_in

    stand_in(tmp_path, monkeypatch, CLEAN)
    with HubServer({"model.safetensors": b"\x02\0\0\0\0\0\0\0{}"}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        aims.models[MODEL] = Script(commit=HUB_COMMIT)
        assert gate("--scanner", "modelaudit", model=MODEL, env="prod") == 0
    document = findings.read((out / "findings.json").read_bytes())
    assert [scan.scanner for scan in document.scans] == ["prisma-airs", "modelaudit"]
    assert document.model.revision == HUB_COMMIT
    assert document.model.digest is not None
    assert aims.log("POST", "/v1/scans")[0].json()["model_version"] == HUB_COMMIT


def test_a_file_that_the_service_does_not_mention_is_unscanned_by_it(
    aims: AimsServer, gate: Gate, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unit.cli.test_gate import CLEAN, stand_in

    stand_in(tmp_path, monkeypatch, CLEAN)
    with HubServer({"model.safetensors": b"\x02\0\0\0\0\0\0\0{}", "evil.bin": b"\x80\x04."}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        aims.models[MODEL] = Script(commit=HUB_COMMIT)
        gate("--scanner", "modelaudit", model=MODEL)
    scan = findings.read((out / "findings.json").read_bytes()).scans[0]
    assert (scan.status, [item.path for item in scan.unscanned]) == (findings.Status.PARTIAL, ["evil.bin"])


def test_a_local_scanner_downloads_a_model_and_leaves_nothing(
    tree: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unit.cli.test_gate import CLEAN, stand_in

    stand_in(tmp_path, monkeypatch, CLEAN)
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr("tempfile.tempdir", None)
    with HubServer({"README.md": b"# tiny\n"}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert cli.main(["gate", hub.model, "--all", "--out", str(out)]) == 0
    model = findings.read((out / "findings.json").read_bytes()).model
    assert (model.source.value, model.revision, model.uri) == ("huggingface", HUB_COMMIT, hub.model)
    assert list(place.iterdir()) == []


def test_what_gate_stored_is_normalized_to_the_same_document(
    aims: AimsServer, gate: Gate, out: Path, tmp_path: Path
) -> None:
    gate()
    again = tmp_path / "again.json"
    words = ["normalize", "--scanner", "prisma-airs", str(out / "model-scan-report.json"), "-o", str(again)]
    assert cli.main(words) == 0
    first, second = (findings.read(path.read_bytes()) for path in (out / "findings.json", again))
    assert (second.model, second.findings) == (first.model, first.findings)
    assert second.scans[0].report_sha256 == first.scans[0].report_sha256


def test_a_bare_scan_record_is_partial(aims: AimsServer, gate: Gate, out: Path, tmp_path: Path) -> None:
    gate()
    record = tmp_path / "model_scan_report.json"
    record.write_text(json.dumps(content(out / "model-scan-report.json")["scan"]))
    file = tmp_path / "f.json"
    assert cli.main(["normalize", "--scanner", "prisma-airs", str(record), "-o", str(file)]) == 0
    document = findings.read(file.read_bytes())
    assert document.scans[0].status is findings.Status.PARTIAL
    assert (document.model.uri, document.model.revision) == (MODEL, None)


TOKEN = "/oauth2/access_token"
FAULTS: dict[str, tuple[str, str, Any, int]] = {
    "token-refused": ("POST", TOKEN, Status(401), 3),
    "token-echo": ("POST", TOKEN, Status(500), 3),
    "create-403": ("POST", "/v1/scans", Status(403), 3),
    "create-422": ("POST", "/v1/scans", Status(422), 3),
    "create-lost": ("POST", "/v1/scans", Drop(done=True), 0),
    "poll-404": ("GET", "/v1/scans/[0-9a-f-]+", Status(404), 3),
    "violations-403": ("GET", "/v1/scans/[0-9a-f-]+/rule-violations", Status(403), 0),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_fault_there_is_one_scan_and_no_secret_anywhere(
    fault: str,
    aims: AimsServer,
    tree: Path,
    out: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    method, path, what, code = FAULTS[fault]
    if isinstance(what, Status):
        echo = json.dumps({"code": "X", "message": " ".join(set(aims.secrets()) - {aims.index_url})})
        what = Status(what.status, echo.encode())
    aims.fault(method, path, what, times=1 if code == 0 and fault == "create-lost" else -1)
    place = tmp_path / "tmp"
    place.mkdir()
    words = ["gate", PINNED, "--env", "dev", *FAST, "--timeout", "10", "--security-group-id", GROUP, "-v", "-v"]
    environ = {**os.environ, "TMPDIR": str(place), "WEIGHTGATE_DEBUG": "1", "HTTPX_LOG_LEVEL": "trace"}
    with CommandLines() as seen:
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-m", "weightgate", *words, "--out", str(out)],
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == code, done.stderr
    assert len(aims.scans) <= 1
    texts = [done.stdout, done.stderr, *seen.lines]
    texts += [file.read_text("utf-8", "replace") for file in [*out.rglob("*"), *place.rglob("*")] if file.is_file()]
    assert (out / "findings.json").is_file()
    assert any("weightgate" in line for line in seen.lines)
    for text in texts:
        for secret in aims.secrets():
            assert secret not in text
    assert list(place.iterdir()) == []


def test_missing_credentials_are_named(
    tree: Path, out: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("MODEL_SECURITY_CLIENT_ID", "MODEL_SECURITY_CLIENT_SECRET", "TSG_ID"):
        monkeypatch.delenv(name, raising=False)
    assert gate() == 3
    assert "MODEL_SECURITY_CLIENT_ID, MODEL_SECURITY_CLIENT_SECRET, TSG_ID not set" in capfd.readouterr().err
    assert findings.read((out / "findings.json").read_bytes()).scans[0].status is findings.Status.FAILED


def test_a_service_that_never_answers_ends_in_time(
    aims: AimsServer, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert aims_server.GROUP == GROUP
    aims.fault("GET", "/v1/scans/[0-9a-f-]+", Silence(), times=-1)
    aims.closing.set()
    assert gate("--timeout", "2") == 3
