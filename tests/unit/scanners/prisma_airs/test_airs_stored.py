"""Stored reports: our own, the pipeline's bare scan record, the predecessor's; anything else is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.aims_server import GROUP, MODEL, TENANT, evaluation, file, identifier, violation
from weightgate.errors import MalformedReport
from weightgate.findings import ModelFile, Severity, Status, Unscanned
from weightgate.scanners.interface import Inventory, Report, ScanResult
from weightgate.scanners.prisma_airs import PrismaAirs, models

Json = dict[str, Any]
UUID = identifier("scan", 0)


def record(**fields: Any) -> Json:
    """A scan record as the service gives it."""
    return {
        "uuid": UUID,
        "tsg_id": TENANT,
        "created_at": "2026-11-23T09:00:00Z",
        "updated_at": "2026-11-23T09:05:00.123456+00:00",
        "model_uri": MODEL,
        "owner": "svc",
        "scan_origin": "MODEL_SECURITY_API",
        "security_group_uuid": GROUP,
        "security_group_name": "models-prod",
        "eval_outcome": "ALLOWED",
        "source_type": "HUGGING_FACE",
        **fields,
    }


def ours(**fields: Any) -> Json:
    """A complete report of ours."""
    told = {"stated": 1, "problem": None}
    return {
        "schema": "weightgate.prisma-airs-report/v1",
        "request": {"model_uri": MODEL, "revision": None, "security_group_uuid": GROUP, "label": "abc"},
        "scan": record(),
        "model_version": None,
        "evaluations": [evaluation()],
        "violations": [],
        "files": [file("a.bin")],
        "complete": {
            "finished": True,
            "problem": None,
            "evaluations": told,
            "violations": {"stated": 0, "problem": None},
            "files": told,
        },
        **fields,
    }


def bare(**fields: Any) -> Json:
    """A scan record as the original pipeline stores it: `json.dump(model_dump(), default=str)`."""
    return record(
        eval_outcome="EvalOutcome.ALLOWED",
        scan_origin="ScanOrigin.MODEL_SECURITY_SDK",
        created_at="2026-11-23 09:00:00+00:00",
        updated_at="2026-11-23 09:05:00",
        eval_summary={"rules_passed": 10, "rules_failed": 0, "total_rules": 10},
        total_files_scanned=3,
        **fields,
    )


def guardian(outcome: str = "FAIL", rows: int = 1, status: int = 200, **counts: int) -> Json:
    """A report of the predecessor."""
    row = {
        "issue": "Model will run code",
        "threat": "PAIT-PKL-100",
        "operator": "system",
        "module": "posix",
        "file": "weights.pkl",
        "hash": "abc",
        "policy_name": "Load Time Code Execution Check",
        "policy_instance_uuid": identifier("policy"),
        "remediation": {"steps": ["Use safetensors"]},
    }
    names = ("critical_count", "high_count", "medium_count", "low_count")
    body = {
        "aggregate_eval_outcome": outcome,
        "aggregate_eval_summary": {name: counts.get(name, 0) for name in names},
        "violations": [{**row, "file": f"weights-{number}.pkl"} for number in range(rows)],
    }
    return {"http_status_code": status, "scan_status_json": body}


def normalize(value: Any, inventory: Inventory | None = None) -> ScanResult:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return PrismaAirs().normalize(Report(raw), inventory)


def codes(result: ScanResult) -> list[str]:
    return [error.code for error in result.scan.errors]


def test_a_complete_report_is_completed() -> None:
    result = normalize(ours())
    assert (result.scan.status, codes(result)) == (Status.COMPLETED, [])
    assert (result.scan.started_at, result.scan.finished_at) == ("2026-11-23T09:00:00Z", "2026-11-23T09:05:00Z")


@pytest.mark.parametrize("key", sorted(ours()))
def test_a_report_without_one_of_its_keys_is_refused(key: str) -> None:
    report = ours()
    del report[key]
    with pytest.raises(MalformedReport):
        normalize(report)


@pytest.mark.parametrize("key", sorted(ours()["complete"]))
def test_a_report_that_does_not_say_what_is_complete_is_refused(key: str) -> None:
    report = ours()
    del report["complete"][key]
    with pytest.raises(MalformedReport):
        normalize(report)


@pytest.mark.parametrize("key", ["evaluations", "violations", "files"])
def test_a_list_that_nobody_vouches_for_is_refused(key: str) -> None:
    report = ours()
    report["complete"][key] = None
    with pytest.raises(MalformedReport, match=f"/complete/{key}"):
        normalize(report)


@pytest.mark.parametrize("key", ["evaluations", "files"])
def test_rows_taken_out_of_a_report_are_missed(key: str) -> None:
    report = ours()
    report[key] = []
    assert normalize(report).scan.status is not Status.COMPLETED


@pytest.mark.parametrize("key", ["uuid", "model_uri", "security_group_uuid", "eval_outcome"])
@pytest.mark.parametrize("value", [None, "", 5, ["x"]], ids=["null", "empty", "number", "list"])
def test_a_record_without_what_decides_is_refused(key: str, value: Any) -> None:
    with pytest.raises(MalformedReport, match=key):
        normalize(ours(scan=record(**{key: value})))


@pytest.mark.parametrize(
    ("name", "row", "says"),
    [
        ("violations", violation(rule_name=None), "/violations/0: rule_name"),
        ("violations", violation(remediation={"steps": "x"}), "remediation.steps"),
        ("violations", violation(file=["a"]), "file"),
        ("evaluations", evaluation(violation_count=-1), "/evaluations/0: violation_count"),
        ("evaluations", evaluation(violation_count=None), "violation_count"),
        ("evaluations", {**evaluation(), "result": None}, "result"),
        ("files", {**file("a"), "result": None}, "/files/0: result"),
        ("files", {**file("a"), "path": ""}, "path"),
    ],
)
def test_a_broken_row_is_refused_at_its_place(name: str, row: Json, says: str) -> None:
    with pytest.raises(MalformedReport, match=says):
        normalize(ours(**{name: [row]}))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"schema": "weightgate.prisma-airs-report/v2"}',
        b'{"eval_outcome": "ALLOWED"}',
        b"<html></html>",
        json.dumps(ours()).encode()[:-20],
        json.dumps(ours()).encode() * 2,
        json.dumps(ours()).encode().replace(b'"uuid":', b'"uuid": "x", "uuid":', 1),
    ],
    ids=["empty", "list", "null", "object", "version", "bare-without-id", "html", "cut", "twice", "duplicate-key"],
)
def test_what_is_no_report_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedReport):
        normalize(raw)


@pytest.mark.parametrize(
    ("word", "outcome", "status"),
    [
        ("EvalOutcome.ALLOWED", "ALLOWED", Status.PARTIAL),
        ("EvalOutcome.BLOCKED", "BLOCKED", Status.PARTIAL),
        ("ALLOWED", "ALLOWED", Status.PARTIAL),
        ("allowed", "ALLOWED", Status.PARTIAL),
        ("EvalOutcome.ERROR", "ERROR", Status.FAILED),
        ("EvalOutcome.PENDING", "PENDING", Status.FAILED),
        ("EvalOutcome.", '"EVALOUTCOME."', Status.FAILED),
        ("NOT_ALLOWED", "NOT_ALLOWED", Status.FAILED),
        ("DISALLOWED", "DISALLOWED", Status.FAILED),
    ],
)
def test_a_bare_record_is_never_completed(word: str, outcome: str, status: Status) -> None:
    result = normalize({**bare(), "eval_outcome": word})
    assert (result.scan.outcome, result.scan.status) == (outcome, status)
    assert {"violations-missing", "evaluations-missing", "files-missing"} <= set(codes(result))
    assert result.findings == ()


def test_a_bare_record_with_failed_rules_has_a_finding_of_unknown_severity() -> None:
    (finding,) = normalize({**bare(), "eval_summary": {"rules_failed": 1, "total_rules": 10}}).findings
    assert finding.severity is Severity.UNKNOWN


def test_a_bare_record_reads_the_times_that_python_prints() -> None:
    scan = normalize(bare()).scan
    assert (scan.started_at, scan.finished_at) == ("2026-11-23T09:00:00Z", "2026-11-23T09:05:00Z")


@pytest.mark.parametrize("wrapped", [True, False], ids=["response", "body-alone"])
@pytest.mark.parametrize(
    ("outcome", "status"),
    [("PASS", Status.PARTIAL), ("FAIL", Status.PARTIAL), ("ERROR", Status.FAILED), ("MAYBE", Status.FAILED)],
)
def test_a_guardian_report_is_never_completed(outcome: str, status: Status, wrapped: bool) -> None:
    report = guardian(outcome, rows=0)
    result = normalize(report if wrapped else report["scan_status_json"])
    assert (result.scan.outcome, result.scan.status) == (outcome, status)
    assert "files-missing" in codes(result)


@pytest.mark.parametrize(
    ("counts", "severity"),
    [
        ({"critical_count": 1, "low_count": 1}, Severity.CRITICAL),
        ({"medium_count": 2}, Severity.MEDIUM),
        ({"high_count": 1, "medium_count": 1}, Severity.HIGH),
        ({}, Severity.UNKNOWN),
    ],
    ids=["critical-and-low", "medium", "high-and-medium", "none"],
)
def test_a_guardian_violation_counts_as_the_worst_that_was_counted(counts: dict[str, int], severity: Severity) -> None:
    result = normalize(guardian(rows=2, **counts))
    assert [finding.severity for finding in result.findings] == [severity] * 2
    assert [finding.path for finding in result.findings] == ["weights-0.pkl", "weights-1.pkl"]


def test_violations_that_guardian_only_counts_are_a_finding() -> None:
    result = normalize(guardian("PASS", rows=0, critical_count=2))
    assert [(finding.rule, finding.severity) for finding in result.findings] == [
        ("unreported-rules", Severity.CRITICAL)
    ]
    assert "violations-missing" in codes(result)


def test_a_guardian_report_without_violations_says_so() -> None:
    report = guardian("PASS", rows=0)
    del report["scan_status_json"]["violations"]
    assert "violations-missing" in codes(normalize(report))


@pytest.mark.parametrize("status", [500, 403])
def test_a_guardian_answer_that_failed_is_a_failed_scan(status: int) -> None:
    assert normalize(guardian("PASS", status=status)).scan.status is Status.FAILED


@pytest.mark.parametrize("count", [-1, "3", 1.5, True], ids=repr)
def test_a_guardian_count_that_is_none_is_refused(count: Any) -> None:
    report = guardian()
    report["scan_status_json"]["aggregate_eval_summary"]["critical_count"] = count
    with pytest.raises(MalformedReport):
        normalize(report)


def test_files_that_the_report_does_not_mention_are_unscanned(tmp_path: Path) -> None:
    files = tuple(ModelFile(path, 1, "0" * 64, "unknown") for path in ("a.bin", "b.bin"))
    result = normalize(ours(), Inventory(tmp_path, files, (Unscanned("link", "a link"),)))
    assert [item.path for item in result.scan.unscanned] == ["b.bin", "link"]
    assert result.scan.status is Status.PARTIAL
    assert result.files == ()


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/a.bin", "a.bin"), ("./a.bin", "a.bin"), ("sub/a.bin", "sub/a.bin"), ("..a", "..a"), (".hidden", ".hidden")],
)
def test_paths_are_relative_to_the_model(path: str, expected: str) -> None:
    report = ours(files=[{**file("x"), "path": path}], violations=[violation(file=path)])
    result = normalize(report)
    assert [item.path for item in result.files] == [expected]
    assert [item.path for item in result.findings] == [expected]


def test_a_file_with_two_results_is_not_scanned() -> None:
    rows = [file("a.bin"), {**file("a.bin", "ERROR"), "uuid": identifier("other")}]
    result = normalize(ours(files=rows))
    assert [item.path for item in result.scan.unscanned] == ["a.bin"]
    assert len(result.files) == 1


def test_a_scan_with_another_groups_rules_is_a_failed_scan() -> None:
    result = normalize(ours(scan=record(security_group_uuid=identifier("another group"))))
    assert (result.scan.status, codes(result)) == (Status.FAILED, ["group-mismatch"])


def test_the_all_zero_model_version_of_an_unfinished_scan_is_none() -> None:
    zero = "00000000-0000-0000-0000-000000000000"
    assert models.scan_record(record(model_version_uuid=zero)).model_version is None
    assert models.scan_record(record(model_version_uuid=UUID)).model_version == UUID


@pytest.mark.parametrize(
    ("outcome", "code", "text", "pending"),
    [
        ("ERROR", "SCAN_DATA_PENDING", None, True),
        ("EvalOutcome.ERROR", "ErrorCodes.SCAN_DATA_PENDING", None, True),
        ("ERROR", "SCAN_ERROR", "Pending scan data retrieval, please retry", True),
        ("ERROR", "SCAN_ERROR", "broken", False),
        ("ERROR", None, None, False),
        ("ALLOWED", "SCAN_DATA_PENDING", None, False),
        ("BLOCKED", "SCAN_DATA_PENDING", None, False),
    ],
)
def test_only_an_error_means_that_data_is_pending(outcome: str, code: str, text: str, pending: bool) -> None:
    read = models.scan_record(record(eval_outcome=outcome, error_code=code, error_message=text))
    assert read.data_pending is pending


def test_a_scan_that_was_never_seen_is_a_failed_scan() -> None:
    report = ours(scan=None, evaluations=[], files=[])
    report["complete"] = dict.fromkeys(report["complete"], None) | {"finished": False, "problem": "no network"}
    result = normalize(report)
    assert (result.scan.status, result.scan.outcome, result.scan.reference) == (Status.FAILED, None, None)
    assert [error.message for error in result.scan.errors] == ["no network"]
    assert result.findings == ()


def test_a_finished_report_without_its_scan_record_is_a_failed_scan() -> None:
    assert normalize(ours(scan=None)).scan.status is Status.FAILED
