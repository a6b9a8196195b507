"""Everything that a finished scan left is read, page by page; what is missing makes the scan partial."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from support.aims_server import (
    COMMIT,
    MODEL,
    AimsServer,
    Change,
    Script,
    Status,
    evaluation,
    file,
    identifier,
    violation,
)
from weightgate import findings
from weightgate.findings import Enforcement, FindingsDocument, Generator, Model, Severity, Source
from weightgate.findings import Status as ScanStatus
from weightgate.scanners.interface import Report, ScanResult
from weightgate.scanners.prisma_airs import PrismaAirs

Scan = Callable[..., Report]
RULE = "Load Time Code Execution Check"
VIOLATIONS = "/rule-violations"


def many(count: int, **fields: Any) -> Script:
    """A blocked scan with `count` violations of one rule."""
    return Script(
        outcome="BLOCKED",
        evaluations=[evaluation(RULE, "FAILED", violation_count=count)],
        violations=[violation(number) for number in range(count)],
        files=[file(f"weights-{number}.pkl") for number in range(count)],
        **fields,
    )


def codes(result: ScanResult) -> list[str]:
    return [error.code for error in result.scan.errors]


def without(key: str, *numbers: int) -> Change:
    """A page of `key` that lacks rows, and states the same total."""
    return Change(lambda page: {**page, key: [row for n, row in enumerate(page[key]) if n not in numbers]})


@pytest.fixture
def result(scan: Scan, airs: PrismaAirs) -> Callable[[], ScanResult]:
    return lambda: airs.normalize(scan())


Result = Callable[[], ScanResult]


@pytest.mark.parametrize("totals", [True, False], ids=["totals", "null-totals"])
@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 237])
def test_all_violations_are_read(server: AimsServer, result: Result, count: int, totals: bool) -> None:
    server.models[MODEL] = many(count, totals=totals) if count else Script(totals=totals)
    found = result()
    assert found.scan.errors == ()
    assert found.scan.status is ScanStatus.COMPLETED
    assert len(found.findings) == count
    assert len({finding.id for finding in found.findings}) == count


def test_237_violations_are_three_pages(server: AimsServer, result: Result) -> None:
    server.models[MODEL] = many(237)
    result()
    windows = [(dict(item.query)["skip"], dict(item.query)["limit"]) for item in server.log("GET", VIOLATIONS)]
    assert windows == [("0", "100"), ("100", "100"), ("200", "100")]


def test_a_service_with_smaller_pages_is_read_to_the_stated_total(server: AimsServer, result: Result) -> None:
    server.models[MODEL] = many(237)
    server.fault("GET", VIOLATIONS, Change(lambda page: {**page, "violations": page["violations"][:50]}), times=-1)
    found = result()
    assert (len(found.findings), found.scan.status) == (237, ScanStatus.COMPLETED)


@pytest.mark.parametrize("name", ["evaluations", "rule-violations", "files"])
def test_a_page_that_cannot_be_had_makes_the_scan_partial(server: AimsServer, result: Result, name: str) -> None:
    server.models[MODEL] = many(237)
    server.fault("GET", f"/{name}", Status(500), times=-1, skip=0 if name == "evaluations" else 1)
    found = result()
    assert (found.scan.status, found.scan.outcome) == (ScanStatus.PARTIAL, "BLOCKED")
    assert f"{name.removeprefix('rule-')}-incomplete" in codes(found)


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_results_that_are_refused_make_the_scan_partial(server: AimsServer, result: Result, status: int) -> None:
    server.fault("GET", "/files", Status(status), times=-1)
    found = result()
    assert found.scan.status is ScanStatus.PARTIAL
    assert "files-incomplete" in codes(found)


def test_a_page_short_of_the_stated_total_makes_the_scan_partial(server: AimsServer, result: Result) -> None:
    server.models[MODEL] = many(237)
    server.models[MODEL].evaluations = [evaluation(RULE, "FAILED", violation_count=0)]
    server.fault("GET", VIOLATIONS, without("violations", 5, 6), skip=2)
    server.fault("GET", VIOLATIONS, without("violations", *range(100)), times=-1, skip=2)
    found = result()
    assert found.scan.status is ScanStatus.PARTIAL
    assert codes(found) == ["violations-missing"]


def test_without_a_total_the_rules_own_counts_tell_that_rows_are_missing(server: AimsServer, result: Result) -> None:
    server.models[MODEL] = many(237, totals=False)
    server.fault("GET", VIOLATIONS, without("violations", 5), skip=1)
    found = result()
    assert found.scan.status is ScanStatus.PARTIAL
    assert codes(found) == ["violations-missing"]


@pytest.mark.parametrize("totals", [True, False], ids=["totals", "null-totals"])
def test_rows_that_stand_on_two_pages_make_the_scan_partial(server: AimsServer, result: Result, totals: bool) -> None:
    server.models[MODEL] = many(237, totals=totals)

    def shifted(page: Any) -> Any:
        return {**page, "violations": [violation(99), *page["violations"][:-1]]}

    server.fault("GET", VIOLATIONS, Change(shifted), skip=1)
    found = result()
    assert found.scan.status is ScanStatus.PARTIAL
    assert "violations-moved" in codes(found)
    assert len(found.findings) == 236


def test_files_without_a_good_result_are_unscanned(server: AimsServer, result: Result) -> None:
    words = {"a.bin": "SKIPPED", "b.bin": "ERROR", "c.bin": "FAILED", "d.bin": "QUARANTINED", "e.bin": "SUCCESS"}
    server.models[MODEL] = Script(files=[file(path, word) for path, word in words.items()])
    found = result()
    assert found.scan.status is ScanStatus.PARTIAL
    assert {item.path: item.reason for item in found.scan.unscanned} == {
        "a.bin": "Prisma AIRS says SKIPPED",
        "b.bin": "Prisma AIRS says ERROR",
        "c.bin": "Prisma AIRS says FAILED",
        "d.bin": "Prisma AIRS says QUARANTINED",
    }
    assert [item.path for item in found.files] == sorted(words)


def test_without_a_count_only_files_with_a_good_result_are_counted(server: AimsServer, result: Result) -> None:
    server.models[MODEL] = Script(files=[file("a.bin"), file("b.bin", "SKIPPED"), file("c.bin", "FAILED")])
    change = Change(lambda record: {**record, "total_files_scanned": None})
    server.fault("GET", "/v1/scans/[0-9a-f-]+", change, times=-1)
    assert result().scan.files_scanned == 1


def test_files_in_subdirectories_are_read_and_directories_are_no_files(server: AimsServer, result: Result) -> None:
    server.models[MODEL] = Script(files=[file("sub", kind="DIRECTORY"), file("sub/a.bin"), file("b.bin")])
    found = result()
    assert [item.path for item in found.files] == ["b.bin", "sub/a.bin"]
    assert found.scan.status is ScanStatus.COMPLETED


BROKEN: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no-rules": ({"evaluations": []}, ["no-rules"]),
    "rule-error": ({"evaluations": [evaluation(result="ERROR")]}, ["rule-not-evaluated"]),
    "rule-unknown": ({"evaluations": [evaluation(result="DEFERRED")]}, ["rule-not-evaluated"]),
    "more-rules": ({"summary": {"total_rules": 9, "rules_failed": 0}}, ["evaluations-missing"]),
    "contradiction": (
        {"evaluations": [evaluation(result="FAILED", violation_count=1)], "violations": [violation()]},
        ["contradiction"],
    ),
    "contradiction-unknown-state": (
        {
            "evaluations": [evaluation(result="FAILED", violation_count=1, rule_instance_state="STRICT")],
            "violations": [violation()],
        },
        ["contradiction"],
    ),
    "allowed-with-error": ({"error_code": "WORKER_ERROR"}, ["WORKER_ERROR"]),
}


@pytest.mark.parametrize(("fields", "expected"), BROKEN.values(), ids=BROKEN.keys())
def test_an_allowed_scan_that_contradicts_itself_is_partial(
    server: AimsServer, result: Result, fields: dict[str, Any], expected: list[str]
) -> None:
    server.models[MODEL] = Script(**fields)
    found = result()
    assert (found.scan.status, found.scan.outcome) == (ScanStatus.PARTIAL, "ALLOWED")
    assert codes(found) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"total_files_scanned": 5}, (ScanStatus.PARTIAL, ["files-missing"])),
        ({"total_files_skipped": 1, "total_files_scanned": 0}, (ScanStatus.FAILED, ["no-files"])),
        ({"total_files_skipped": 1, "total_files_scanned": None}, (ScanStatus.PARTIAL, ["skipped-files-missing"])),
        ({"total_files_skipped": None, "total_files_scanned": None}, (ScanStatus.COMPLETED, [])),
        ({"eval_outcome": "WARNING"}, (ScanStatus.FAILED, ["unknown-outcome"])),
        ({"eval_outcome": "allowed\n<b>"}, (ScanStatus.FAILED, ["unknown-outcome"])),
    ],
    ids=["more-files", "no-file", "skipped-not-listed", "null-counts", "warning", "hostile-word"],
)
def test_what_the_scan_record_says_counts(
    server: AimsServer, result: Result, change: dict[str, Any], expected: tuple[ScanStatus, list[str]]
) -> None:
    server.fault("GET", "/v1/scans/[0-9a-f-]+", Change(lambda record: {**record, **change}), times=-1, skip=1)
    server.models[MODEL].polls = 1
    found = result()
    assert (found.scan.status, codes(found)) == expected


def test_a_scan_without_files_is_not_completed(server: AimsServer, result: Result) -> None:
    server.models[MODEL] = Script(files=[])
    found = result()
    assert found.scan.status is ScanStatus.FAILED
    assert codes(found) == ["no-files"]


def test_an_unknown_outcome_is_recorded_and_fails(server: AimsServer, result: Result) -> None:
    server.models[MODEL] = Script(outcome="MOSTLY_HARMLESS")
    found = result()
    assert (found.scan.status, found.scan.outcome) == (ScanStatus.FAILED, "MOSTLY_HARMLESS")


def test_another_commit_than_the_pinned_one_fails(server: AimsServer, result: Result) -> None:
    server.models[MODEL].commit = "9" * 40
    found = result()
    assert (found.scan.status, codes(found)) == (ScanStatus.FAILED, ["revision-mismatch"])


def test_the_commit_that_was_scanned_stands_in_the_report(server: AimsServer, scan: Scan) -> None:
    report = json.loads(scan(f"{MODEL}/tree/main").content)
    assert report["request"]["revision"] == "main"
    assert report["model_version"]["hf_commit_sha"] == COMMIT


def test_a_violation_becomes_a_finding(server: AimsServer, result: Result) -> None:
    server.models[MODEL] = many(1)
    (found,) = result().findings
    assert dataclasses.asdict(found) | {"id": "-"} == {
        "id": "-",
        "scanner": "prisma-airs",
        "rule": RULE,
        "threat": "PAIT-PKL-100",
        "category": "load-time-code-execution",
        "severity": Severity.UNKNOWN,
        "native_severity": None,
        "title": f"{RULE}: Pickle runs code when it is loaded",
        "description": "The file `weights-0.pkl` runs **code**",
        "path": "weights-0.pkl",
        "location": "posix.system",
        "remediation": "Use safetensors\nRetrain",
        "references": ("https://kb.example.com/PAIT-PKL-100", "https://kb.example.com/fix"),
        "enforcement": Enforcement.BLOCKING,
    }


def test_an_allowed_scan_keeps_its_non_blocking_violations(server: AimsServer, result: Result) -> None:
    state = {"rule_instance_state": "ALLOWING"}
    server.models[MODEL] = Script(
        evaluations=[evaluation(RULE, "FAILED", violation_count=1, **state)], violations=[violation(**state)]
    )
    found = result()
    assert (found.scan.status, found.scan.outcome) == (ScanStatus.COMPLETED, "ALLOWED")
    assert [(item.enforcement, item.severity) for item in found.findings] == [(Enforcement.ALLOWING, Severity.UNKNOWN)]


def test_a_failed_rule_without_violation_is_a_finding(server: AimsServer, result: Result) -> None:
    server.models[MODEL] = Script(outcome="BLOCKED", evaluations=[evaluation(), evaluation("License Exists", "FAILED")])
    (found,) = result().findings
    assert (found.rule, found.category, found.enforcement) == ("License Exists", "license-exists", Enforcement.BLOCKING)


def test_failed_rules_that_are_only_counted_are_a_finding(server: AimsServer, result: Result) -> None:
    server.models[MODEL] = Script(summary={"rules_failed": 2, "total_rules": 1})
    (found,) = result().findings
    assert (found.rule, found.severity, found.enforcement) == ("unreported-rules", Severity.UNKNOWN, None)


def test_ids_do_not_depend_on_the_services_own(server: AimsServer, result: Result) -> None:
    server.models[MODEL] = many(3)
    before = result().findings
    script = server.models[MODEL]
    script.violations = [{**row, "uuid": identifier("again", row["uuid"])} for row in reversed(script.violations)]
    assert result().findings == before


@pytest.mark.parametrize("state", ["DISABLED", "PARANOID"])
def test_an_unknown_rule_state_is_no_permission(server: AimsServer, result: Result, state: str) -> None:
    script = many(1)
    script.violations = [violation(rule_instance_state=state)]
    server.models[MODEL] = script
    (found,) = result().findings
    assert found.enforcement is None


def test_the_result_is_a_valid_findings_document(server: AimsServer, scan: Scan, airs: PrismaAirs) -> None:
    server.models[MODEL] = many(3)
    server.models[MODEL].files.append(file("skipped.bin", "SKIPPED"))
    result = airs.normalize(scan())
    model = Model(MODEL, Source.HUGGINGFACE, "acme/tiny", COMMIT, None, result.files)
    document = FindingsDocument(
        "2026-11-23T10:00:00Z", Generator("weightgate", "0"), model, (result.scan,), result.findings
    )
    assert findings.read(findings.write(document)) == document


def test_the_same_answers_give_the_same_report(server: AimsServer, scan: Scan) -> None:
    server.models[MODEL] = many(3)
    first = scan()
    scan_id = json.loads(first.content)["scan"]["uuid"]
    second, third = scan(resume=scan_id), scan(resume=scan_id)
    assert second.content == third.content
    assert json.loads(first.content)["violations"] == json.loads(second.content)["violations"]
