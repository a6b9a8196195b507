"""A scan from its create to its report, against the stand-in of the service."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from support.aims_server import COMMIT, GROUP, MODEL, AimsServer, Change, Drop, Script, Silence, Status, Truncate
from support.clock import FakeClock
from weightgate.errors import ScannerError, ScanTimeout, UsageError
from weightgate.findings import Status as ScanStatus
from weightgate.scanners.interface import Report
from weightgate.scanners.prisma_airs import PrismaAirs
from weightgate.scanners.prisma_airs.scan import BrokenScan, InterruptedScan, Unfinished, UnfinishedScan

Scan = Callable[..., Report]
Creates = Callable[[], int]
PINNED = f"{MODEL}/tree/{COMMIT}"


def posts(server: AimsServer) -> list[Any]:
    return [request.json() for request in server.log("POST", "/v1/scans")]


def labels(request: Any) -> dict[str, str]:
    return {label["key"]: label["value"] for label in request["labels"]}


def test_an_allowed_scan_is_completed(server: AimsServer, scan: Scan, airs: PrismaAirs) -> None:
    report = scan()
    result = airs.normalize(report)
    assert result.scan.errors == ()
    assert (result.scan.status, result.scan.outcome) == (ScanStatus.COMPLETED, "ALLOWED")
    assert result.scan.reference is not None
    assert (result.scan.reference.id, result.scan.reference.profile) == (next(iter(server.scans)), "models-prod")
    assert result.findings == ()
    assert [file.path for file in result.files] == ["model.safetensors"]


def test_the_request_names_model_revision_group_and_its_own_label(server: AimsServer, scan: Scan) -> None:
    scan()
    (sent,) = posts(server)
    assert sent["model_uri"] == MODEL
    assert sent["model_version"] == COMMIT
    assert sent["security_group_uuid"] == GROUP
    assert re.fullmatch(r"[0-9a-f]{32}", labels(sent)["weightgate-run"])


def test_the_default_branch_sends_no_version(server: AimsServer, scan: Scan) -> None:
    scan(MODEL)
    assert "model_version" not in posts(server)[0]


def test_the_scan_is_polled_at_the_interval_until_it_ends(server: AimsServer, scan: Scan, clock: FakeClock) -> None:
    server.models[MODEL].polls = 4
    scan(poll_interval=7)
    assert clock.slept == [7.0] * 5


def test_all_calls_share_one_connection(server: AimsServer, scan: Scan) -> None:
    scan()
    assert len({request.connection for request in server.requests}) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Drop(done=True),
        Silence(done=True),
        Truncate(),
        Status(502, b"<title>Bad Gateway</title>", done=True),
        Status(201, b"<title>Welcome</title>", done=True),
        Status(201, b"{}", done=True),
    ],
    ids=["dropped", "silent", "truncated", "502", "html", "no-record"],
)
@pytest.mark.parametrize("lag", [0, 3], ids=["seen-at-once", "seen-late"])
def test_a_create_whose_answer_is_lost_is_found_again(
    server: AimsServer, scan: Scan, creates: Creates, airs: PrismaAirs, fault: Any, lag: int
) -> None:
    server.label_lag = lag
    server.fault("POST", "/v1/scans", fault)
    report = scan()
    assert airs.normalize(report).scan.status is ScanStatus.COMPLETED
    assert (creates(), len(posts(server))) == (1, 1)
    assert len(server.log("GET", "/v1/scans")) == lag + 1


@pytest.mark.parametrize(
    "fault",
    [Drop(), Silence(), Status(500), Status(502, b"<title>Bad Gateway</title>"), Status(503), Status(429)],
    ids=["dropped", "silent", "500", "502", "503", "429"],
)
def test_a_create_that_never_arrived_is_sent_again_after_looking(
    server: AimsServer, scan: Scan, creates: Creates, fault: Any
) -> None:
    server.fault("POST", "/v1/scans", fault)
    scan()
    assert creates() == 1
    first, second = posts(server)
    assert labels(first) == labels(second)
    kinds = [(request.method, request.path.endswith("/scans")) for request in server.requests]
    between = kinds[kinds.index(("POST", True)) + 1 : len(kinds) - kinds[::-1].index(("POST", True)) - 1]
    assert ("GET", True) in between


def test_a_create_is_not_repeated_when_nobody_can_tell_whether_it_worked(
    server: AimsServer, scan: Scan, creates: Creates
) -> None:
    server.fault("POST", "/v1/scans", Drop(done=True))
    server.fault("GET", "/v1/scans", Status(500), times=-1)
    with pytest.raises(
        Unfinished, match=r"a scan may have been created; look for the label weightgate-run:[0-9a-f]{32}"
    ):
        scan()
    assert creates() == 1
    assert len(posts(server)) == 1


def test_a_scan_of_somebody_else_is_not_taken_for_ours(server: AimsServer, scan: Scan) -> None:
    """A service that ignores the filter answers with other scans."""
    scan()
    other = next(iter(server.scans.values())).record
    server.fault("POST", "/v1/scans", Drop(), skip=0)
    server.fault("GET", "/v1/scans", Change(lambda answer: {**answer, "scans": [other]}), times=-1)
    scan()
    assert len(server.scans) == 2


def test_look_ups_that_hide_the_labels_end_in_an_error(server: AimsServer, scan: Scan, creates: Creates) -> None:
    def without_labels(answer: Any) -> Any:
        return {**answer, "scans": [{**record, "labels": None} for record in answer["scans"]]}

    server.fault("POST", "/v1/scans", Drop(done=True))
    server.fault("GET", "/v1/scans", Change(without_labels), times=-1)
    with pytest.raises(ScannerError, match="does not tell which scan carries the label"):
        scan()
    assert creates() == 1


def test_a_create_that_fails_for_good_is_given_up(server: AimsServer, scan: Scan, creates: Creates) -> None:
    server.fault("POST", "/v1/scans", Status(500), times=-1)
    with pytest.raises(ScannerError, match="HTTP 500") as caught:
        scan()
    assert creates() == 0
    assert len(posts(server)) == 3
    assert isinstance(caught.value, Unfinished)
    assert caught.value.state == "NOT_CREATED"


def test_data_pending_is_waited_out_when_the_create_is_refused(
    server: AimsServer, scan: Scan, creates: Creates, clock: FakeClock
) -> None:
    server.models[MODEL] = Script(refuse_data_pending=4, polls=0)
    scan()
    assert creates() == 1
    assert clock.slept == [5.0, 10.0, 20.0, 40.0, 5.0]


def test_data_pending_that_goes_away_needs_no_second_scan(server: AimsServer, scan: Scan, creates: Creates) -> None:
    def not_there_yet(record: Any) -> Any:
        return {**record, "eval_outcome": "ERROR", "error_code": "SCAN_DATA_PENDING"}

    server.fault("GET", "/v1/scans/[0-9a-f-]+", Change(not_there_yet), times=3)
    scan()
    assert creates() == 1


def test_data_pending_that_stays_is_scanned_again_with_another_label(
    server: AimsServer, scan: Scan, creates: Creates, airs: PrismaAirs
) -> None:
    server.models[MODEL] = Script(end_data_pending=1)
    report = scan()
    assert airs.normalize(report).scan.status is ScanStatus.COMPLETED
    assert creates() == 2
    first, second = posts(server)
    assert labels(first)["weightgate-run"] != labels(second)["weightgate-run"]


def test_data_pending_for_ever_ends_at_the_timeout(server: AimsServer, scan: Scan, clock: FakeClock) -> None:
    server.models[MODEL] = Script(end_data_pending=10**6)
    started = clock.monotonic()
    with pytest.raises(ScanTimeout, match="SCAN_DATA_PENDING"):
        scan(timeout=600)
    assert clock.monotonic() - started == pytest.approx(600)
    assert len(server.scans) <= 4


def test_a_scan_that_stays_pending_ends_at_the_timeout(
    server: AimsServer, scan: Scan, creates: Creates, clock: FakeClock, airs: PrismaAirs
) -> None:
    server.models[MODEL].polls = -1
    started = clock.monotonic()
    with pytest.raises(UnfinishedScan) as caught:
        scan(timeout=100)
    scan_id = next(iter(server.scans))
    assert clock.monotonic() - started == pytest.approx(100)
    assert (caught.value.scan_id, caught.value.state) == (scan_id, "PENDING")
    assert f"--resume {scan_id} {PINNED}" in str(caught.value)
    assert caught.value.exit_code == 3
    result = airs.normalize(caught.value.report)
    assert (result.scan.status, result.scan.outcome) == (ScanStatus.FAILED, "PENDING")
    assert result.scan.reference is not None
    assert result.scan.reference.id == scan_id
    assert creates() == 1


def test_a_timed_out_scan_is_resumed(server: AimsServer, scan: Scan, creates: Creates, airs: PrismaAirs) -> None:
    server.models[MODEL].polls = 50
    with pytest.raises(UnfinishedScan) as caught:
        scan(timeout=20)
    report = scan(resume=caught.value.scan_id)
    assert airs.normalize(report).scan.status is ScanStatus.COMPLETED
    assert creates() == 1


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("https://huggingface.co/acme/other", 'is of "https://huggingface.co/acme/tiny"'),
        (f"{MODEL}/tree/{'9' * 40}", f"not started for revision {'9' * 40}"),
        (MODEL, "not started for revision"),
    ],
    ids=["other-model", "other-revision", "no-revision"],
)
def test_only_a_scan_of_the_same_model_is_resumed(server: AimsServer, scan: Scan, uri: str, says: str) -> None:
    scan()
    with pytest.raises(UsageError, match=re.escape(says)):
        scan(uri, resume=next(iter(server.scans)))


def test_only_a_scan_with_the_same_group_is_resumed(server: AimsServer, scan: Scan) -> None:
    scan()
    (record,) = server.scans.values()
    record.record["security_group_uuid"] = GROUP.replace("6", "7")
    with pytest.raises(UsageError, match="that scan used security group"):
        scan(resume=record.record["uuid"])


def test_a_scan_that_was_not_started_here_proves_no_revision(server: AimsServer, scan: Scan) -> None:
    scan()
    (record,) = server.scans.values()
    record.record["labels"] = []
    with pytest.raises(UsageError, match="not started for revision"):
        scan(resume=record.record["uuid"])


@pytest.mark.parametrize("poll", [0, 2], ids=["first-poll", "third-poll"])
def test_an_interrupt_tells_the_scan_id(server: AimsServer, airs: PrismaAirs, clock: FakeClock, poll: int) -> None:
    server.models[MODEL].polls = -1
    from weightgate.scanners.prisma_airs import parse

    calls = []

    def progress(line: str) -> None:
        calls.append(line)
        if len(calls) > poll:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        airs.scan_uri(parse(PINNED), GROUP, progress=progress)
    assert isinstance(caught.value, InterruptedScan)
    assert caught.value.scan_id == next(iter(server.scans))
    assert json.loads(caught.value.report.content)["scan"]["uuid"] == caught.value.scan_id


def test_an_interrupt_before_the_create_tells_that_there_is_no_scan(
    server: AimsServer, airs: PrismaAirs, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from weightgate.scanners.prisma_airs import parse

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(clock, "sleep", interrupt)
    server.fault("POST", "/v1/scans", Status(429))
    with pytest.raises(InterruptedScan, match="no scan of .* was created") as caught:
        airs.scan_uri(parse(PINNED), GROUP)
    assert (caught.value.scan_id, caught.value.state) == (None, "NOT_CREATED")


def test_an_interrupt_while_the_create_is_on_its_way_tells_how_to_find_the_scan(
    server: AimsServer, scan: Scan, creates: Creates
) -> None:
    main = threading.main_thread().ident
    assert main is not None

    def interrupt(record: Any) -> Any:
        signal.pthread_kill(main, signal.SIGINT)
        return record

    server.fault("POST", "/v1/scans", Change(interrupt))
    with pytest.raises(InterruptedScan, match="a scan may have been created; look for the label") as caught:
        scan(progress=lambda line: time.sleep(1))
    assert (caught.value.scan_id, caught.value.state) == (None, "UNKNOWN")
    assert labels(posts(server)[0])["weightgate-run"] in str(caught.value)
    assert creates() == 1


def test_an_error_of_the_caller_in_mid_scan_keeps_the_scan_id(server: AimsServer, scan: Scan) -> None:
    """A progress callback is how a thread is told to end."""

    def stop(line: str) -> None:
        raise ScannerError("interrupted")

    with pytest.raises(BrokenScan, match="interrupted") as caught:
        scan(progress=stop)
    assert caught.value.scan_id == next(iter(server.scans))


def test_a_create_that_may_be_repeated_much_later_is_repeated_within_bounds(
    server: AimsServer, scan: Scan, clock: FakeClock
) -> None:
    server.fault("POST", "/v1/scans", Status(429, headers={"Retry-After": "86400"}))
    scan()
    assert clock.slept[0] == 120


@pytest.mark.parametrize("poll_interval", [0, -1, float("nan"), float("inf")])
def test_a_poll_interval_that_is_none_is_refused(server: AimsServer, scan: Scan, poll_interval: float) -> None:
    with pytest.raises(UsageError, match="--poll-interval"):
        scan(poll_interval=poll_interval)
    assert server.requests == []


@pytest.mark.parametrize("resume", ["", "x", "../models", "6f3c7a52"])
def test_a_scan_id_that_is_none_is_refused(server: AimsServer, scan: Scan, resume: str) -> None:
    with pytest.raises(UsageError, match="--resume"):
        scan(resume=resume)
    assert server.requests == []
