"""Scans with the vendor's SDK, in a process of its own, against a stand-in with its interface."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.aims_server import GROUP, TENANT, AimsServer, evaluation, file, violation
from support.sdk_stand_in import Sdk, record
from support.watch import CommandLines
from weightgate.errors import ScannerError, ScannerNotInstalled, ScanTimeout, UsageError
from weightgate.findings import Status
from weightgate.scanners.interface import Limits
from weightgate.scanners.prisma_airs import sdk
from weightgate.scanners.prisma_airs.scan import BrokenScan, InterruptedScan, Unfinished, UnfinishedScan
from weightgate.scanning import Remote, scan

Run = Callable[..., Any]


@pytest.fixture
def server(clock: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[AimsServer]:
    with AimsServer() as aims:
        for name, value in aims.environ().items():
            monkeypatch.setenv(name, value)
        yield aims


@pytest.fixture
def stand_in(tmp_path: Path, server: AimsServer, monkeypatch: pytest.MonkeyPatch) -> Sdk:
    monkeypatch.delenv(sdk.PYTHON_VARIABLE, raising=False)
    monkeypatch.setenv("WEIGHTGATE_CACHE_DIR", str(tmp_path / "cache"))
    made = Sdk(tmp_path / "site")
    monkeypatch.syspath_prepend(str(made.folder))
    return made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "README.md").write_bytes(b"# tiny\n")
    return folder


@pytest.fixture
def run(model: Path) -> Run:
    """Scan the local model, or `given`, and return the attempt."""

    def scan_it(given: str | None = None, seconds: float = 30, **options: Any) -> Any:
        remote = Remote(groups=(GROUP,), poll_interval=1, **options)
        return scan(given or str(model), ["prisma-airs"], Limits(seconds=seconds), remote=remote).attempts[0]

    return scan_it


def test_a_local_model_is_scanned_by_its_path(stand_in: Sdk, run: Run, model: Path, server: AimsServer) -> None:
    attempt = run()
    assert attempt.error is None
    assert attempt.result.scan.errors == ()
    assert (attempt.result.scan.status, attempt.result.scan.outcome) == (Status.COMPLETED, "ALLOWED")
    seen = stand_in.seen()
    asked = seen["scan"]
    assert asked["model_path"] == str(model)
    assert (asked["security_group_uuid"], asked["poll_interval_secs"], asked["poll_timeout_secs"]) == (GROUP, 1, 30)
    assert list(asked["labels"]) == ["weightgate-run"]
    assert seen["base_url"] == f"{server.url}/aims"
    assert seen["closed"] is True
    assert seen["pid"] != os.getpid()


def test_an_object_store_model_is_scanned_by_its_address_with_its_own_credentials(
    stand_in: Sdk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AZURE_CLIENT_SECRET", "GITHUB_TOKEN", "HF_TOKEN"):
        monkeypatch.setenv(name, f"value of {name}")
    assert run("s3://bucket/model").result.scan.status is Status.COMPLETED
    seen = stand_in.seen()
    assert seen["scan"]["model_uri"] == "s3://bucket/model"
    assert seen["environ"]["AWS_ACCESS_KEY_ID"] == "value of AWS_ACCESS_KEY_ID"
    assert not {"AZURE_CLIENT_SECRET", "GITHUB_TOKEN", "HF_TOKEN"} & seen["environ"].keys()


def test_a_model_on_hugging_face_can_be_scanned_by_the_sdk_and_its_commit_is_passed(stand_in: Sdk, run: Run) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    run(f"https://huggingface.co/acme/tiny/tree/{commit}", client="sdk")
    asked = stand_in.seen()["scan"]
    assert (asked["model_uri"], asked["model_version"]) == ("https://huggingface.co/acme/tiny", commit)
    assert asked["labels"]["weightgate-revision"] == commit


def test_the_default_for_hugging_face_is_rest(stand_in: Sdk, run: Run, server: AimsServer) -> None:
    run("https://huggingface.co/acme/tiny")
    assert len(server.log("POST", "/v1/scans")) == 1
    assert not (stand_in.package / "seen.json").exists()


def test_all_pages_are_read(stand_in: Sdk, run: Run) -> None:
    stand_in.script["violations"] = [violation(number) for number in range(237)]
    stand_in.script["evaluations"] = [evaluation(result="FAILED", violation_count=237)]
    stand_in.script["record"] = record(
        eval_outcome="BLOCKED", eval_summary={"rules_passed": 0, "rules_failed": 1, "total_rules": 1}
    )
    for totals in (True, False):
        stand_in.script["totals"] = totals
        stand_in.save()
        result = run().result
        assert len(result.findings) == 237
        assert result.scan.outcome == "BLOCKED"


@pytest.mark.parametrize("name", ["evaluations", "violations", "files"])
def test_a_list_that_cannot_be_read_is_partial(name: str, stand_in: Sdk, run: Run) -> None:
    stand_in.script["broken"] = [name]
    stand_in.save()
    scan = run().result.scan
    assert scan.status is Status.PARTIAL
    assert any("the list is broken" in error.message for error in scan.errors)


def test_a_file_that_the_sdk_does_not_mention_is_unscanned(stand_in: Sdk, run: Run, model: Path) -> None:
    (model / "evil.pkl").write_bytes(b"\x80\x04.")
    scan = run().result.scan
    assert (scan.status, [item.path for item in scan.unscanned]) == (Status.PARTIAL, ["evil.pkl"])


def test_absolute_paths_of_the_sdk_are_the_models_files(stand_in: Sdk, run: Run, model: Path) -> None:
    stand_in.script["files"] = [{**file("README.md"), "path": str(model / "README.md")}]
    stand_in.save()
    assert run().result.scan.status is Status.COMPLETED


@pytest.mark.parametrize("outcome", ["ERROR", "QUARANTINED", "EvalOutcome.BLOCKED"])
def test_no_other_word_completes(outcome: str, stand_in: Sdk, run: Run) -> None:
    stand_in.script["record"] = record(eval_outcome=outcome)
    stand_in.save()
    scan = run().result.scan
    assert scan.outcome == outcome.rpartition(".")[2]
    assert scan.outcome != "ALLOWED"
    assert scan.status is (Status.COMPLETED if scan.outcome == "BLOCKED" else Status.FAILED)


@pytest.mark.parametrize(
    "broken",
    [{"uuid": None}, {"eval_outcome": None}, {"uuid": "x"}, {"security_group_name": 1}],
    ids=["no-id", "no-outcome", "bad-id", "bad-name"],
)
def test_a_record_that_cannot_be_read_is_an_error(broken: dict[str, Any], stand_in: Sdk, run: Run) -> None:
    stand_in.script["record"] = record(**broken)
    stand_in.save()
    attempt = run()
    assert isinstance(attempt.error, BrokenScan)
    assert attempt.result.scan.status is Status.FAILED


def test_a_scan_that_is_still_pending_names_its_id(stand_in: Sdk, run: Run) -> None:
    stand_in.script["record"] = record(eval_outcome="PENDING")
    stand_in.save()
    attempt = run()
    assert isinstance(attempt.error, UnfinishedScan)
    assert (attempt.error.scan_id, attempt.error.state) == (record()["uuid"], "PENDING")
    assert attempt.result.scan.status is Status.FAILED
    assert json.loads(attempt.report.content)["scan"]["uuid"] == record()["uuid"]


def test_a_scan_whose_data_is_not_there_yet_is_no_verdict(stand_in: Sdk, run: Run) -> None:
    stand_in.script["record"] = record(eval_outcome="ERROR", error_code="SCAN_DATA_PENDING")
    stand_in.save()
    assert isinstance(run().error, UnfinishedScan)


@pytest.mark.parametrize(
    ("change", "says"),
    [({"raises": "boom SECRET"}, r"RuntimeError: boom \*\*\*"), ({"dies": True}, "exit code 7")],
    ids=["raises", "dies"],
)
def test_an_sdk_that_fails_tells_how_to_find_the_scan(
    change: dict[str, Any], says: str, stand_in: Sdk, run: Run, server: AimsServer
) -> None:
    stand_in.script |= change
    stand_in.save()
    attempt = run()
    assert isinstance(attempt.error, BrokenScan)
    with pytest.raises(BrokenScan, match=says):
        raise attempt.error
    assert "weightgate-run:" in str(attempt.error)
    for secret in server.secrets():
        assert secret not in str(attempt.error)
        assert secret.encode() not in attempt.report.content


def test_an_sdk_that_hangs_is_ended(stand_in: Sdk, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk, "RESULTS_SECONDS", 0.0)
    stand_in.script["seconds"] = 60
    stand_in.save()
    attempt = run(seconds=3)
    assert isinstance(attempt.error, ScanTimeout)
    assert isinstance(attempt.error, Unfinished)
    with pytest.raises(ProcessLookupError):
        os.kill(stand_in.seen()["pid"], 0)


def test_an_interrupt_ends_the_sdk_and_is_passed_on(stand_in: Sdk, model: Path) -> None:
    stand_in.script["seconds"] = 60
    stand_in.save()

    def stop(line: str) -> None:
        if (stand_in.package / "seen.json").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        scan(str(model), ["prisma-airs"], Limits(seconds=50), stop, Remote(groups=(GROUP,)))
    (scanned,) = caught.value.scanned  # type: ignore[attr-defined]
    assert isinstance(scanned.attempts[0].error, InterruptedScan)
    with pytest.raises(ProcessLookupError):
        os.kill(stand_in.seen()["pid"], 0)


def test_credentials_reach_the_child_by_its_environment_alone(
    stand_in: Sdk, run: Run, server: AimsServer, capfd: pytest.CaptureFixture[str]
) -> None:
    stand_in.script["seconds"] = 0.3
    stand_in.save()
    with CommandLines() as seen:
        attempt = run()
    assert any("sdk_driver.py" in line for line in seen.lines), "the child was not seen, so this proves nothing"
    environ = stand_in.seen()["environ"]
    assert environ["MODEL_SECURITY_CLIENT_SECRET"] == server.client_secret
    assert environ["TSG_ID"] == TENANT
    captured = capfd.readouterr()
    for text in (*seen.lines, captured.out, captured.err, attempt.report.content.decode()):
        assert server.client_secret not in text


def test_the_sdk_is_not_imported_here(stand_in: Sdk, run: Run) -> None:
    run()
    assert not any(name.startswith("model_security_client") for name in sys.modules)


def poison(place: Path, marker: Path) -> None:
    """Make the module leave a mark when anybody runs it."""
    place.write_text(f"open({str(marker)!r}, 'w').close()\n")


@pytest.mark.parametrize("kind", ["version", "no-api", "no-class"])
def test_the_placeholder_is_recognised_refused_and_not_run(
    kind: str, stand_in: Sdk, run: Run, tmp_path: Path, server: AimsServer
) -> None:
    marker = tmp_path / "ran"
    poison(stand_in.package / "__init__.py", marker)
    if kind == "version":
        stand_in.describe("0.0.1")
    elif kind == "no-api":
        (stand_in.package / "api.py").unlink()
    else:
        (stand_in.package / "api.py").write_text("")
    attempt = run()
    with pytest.raises(ScannerError, match="placeholder of a third party"):
        raise attempt.error
    assert "weightgate prisma install-sdk" in str(attempt.error)
    assert attempt.result.scan.status is Status.FAILED
    assert marker.exists() == (kind == "no-class")


def test_without_the_sdk_the_command_that_installs_it_is_named(
    server: AimsServer, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIGHTGATE_CACHE_DIR", str(tmp_path / "cache"))
    attempt = run()
    assert isinstance(attempt.error, ScannerNotInstalled)
    assert "weightgate prisma install-sdk" in str(attempt.error)


def test_an_sdk_in_the_working_directory_is_not_taken(stand_in: Sdk, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stand_in.folder)
    assert isinstance(run().error, ScannerNotInstalled)


def test_a_named_interpreter_that_is_none_is_an_error(run: Run, stand_in: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sdk.PYTHON_VARIABLE, "/no/python")
    with pytest.raises(ScannerNotInstalled, match=sdk.PYTHON_VARIABLE):
        raise run().error


def test_a_named_interpreter_without_the_sdk_is_an_error(
    run: Run, server: AimsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(sdk.PYTHON_VARIABLE, sys.executable)
    with pytest.raises(ScannerNotInstalled, match="install-sdk"):
        raise run().error


def test_the_scan_of_a_local_model_is_not_resumed(stand_in: Sdk, run: Run) -> None:
    with pytest.raises(UsageError, match="cannot be resumed"):
        run(resume=GROUP)
