"""Reports of Protect AI Guardian, the predecessor: `aggregate_eval_outcome` PASS, FAIL or ERROR, no list of files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from weightgate import strict
from weightgate.findings import Finding, Scan, ScanErrorRecord, Severity, Status, Unscanned, identify
from weightgate.scanners import common
from weightgate.scanners.interface import Inventory, Report, ScanResult
from weightgate.scanners.prisma_airs import statements
from weightgate.scanners.prisma_airs.models import Raw, Violation, word

NAME = "prisma-airs"
_LEVELS = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)


def read(report: Report, inventory: Inventory | None, value: Raw) -> ScanResult:
    """Return what the Guardian report `value` says; never completed, since it does not tell which files were scanned.

    It counts violations by severity without saying which is which, so each counts as the worst that was counted.
    Raises `ValueError` or `MalformedReport` for a broken one.
    """
    where = f"{NAME} report"
    status = common.member(value, "http_status_code", int, where)
    body = common.as_record(value.get("scan_status_json", value), where)
    outcome = word(common.member(body, "aggregate_eval_outcome", str, where) or "null")
    rows = common.records(body, "violations", where)
    counts = _counts(common.member(body, "aggregate_eval_summary", dict, where) or {}, where)
    paths = common.Paths(report.root or "", [file.path for file in inventory.files] if inventory else [])
    findings = [statements.finding(paths, _violation(row, where)) for row in rows or []]
    worst = next((level for level in _LEVELS if counts[level]), Severity.UNKNOWN)
    errors = [common.problem("files-missing", "the report does not tell which files were scanned")]
    failed = outcome not in ("PASS", "FAIL") or (status is not None and status != 200)
    if failed:
        errors.append(common.problem("scan-failed", f"the scan ended with {outcome}, HTTP status {status}"))
    if rows is None:
        errors.append(common.problem("violations-missing", "the report does not hold the scan's violations"))
    if sum(counts.values()) > len(findings):
        errors.append(common.problem("violations-missing", f"the report counts {sum(counts.values())} violations"))
        findings.append(_uncounted(sum(counts.values()) - len(findings)))
    return ScanResult(
        scan=_scan(report, outcome, failed, errors, inventory),
        findings=identify([replace(finding, severity=worst) for finding in findings]),
    )


def _counts(summary: dict[str, Any], where: str) -> dict[Severity, int]:
    counts = {}
    for level in _LEVELS:
        count = common.member(summary, f"{level.value.lower()}_count", int, where) or 0
        if count < 0:
            raise ValueError(f"{level.value.lower()}_count: found {count}; expected a number of at least 0")
        counts[level] = count
    return counts


def _violation(row: Raw, where: str) -> Violation:
    def text(key: str) -> str | None:
        return common.member(row, key, str, where) or None

    remediation = row.get("remediation")
    steps = remediation.get("steps") if isinstance(remediation, dict) else [remediation]
    return Violation(
        uuid=None,
        rule_instance=text("policy_instance_uuid"),
        rule_name=text("policy_name") or "unnamed-rule",
        rule_description="",
        state="UNKNOWN",
        description=text("issue") or "",
        threat=text("threat"),
        threat_description=None,
        file=text("file"),
        module=text("module"),
        operator=text("operator"),
        steps=tuple(step for step in steps or [] if isinstance(step, str) and step),
        urls=(),
    )


def _uncounted(number: int) -> Finding:
    row = {
        "policy_name": statements.UNREPORTED,
        "issue": f"{number} violations that the report counts and does not name",
    }
    return statements.finding(common.Paths("", []), _violation(row, NAME))


def _scan(
    report: Report, outcome: str, failed: bool, errors: list[ScanErrorRecord], inventory: Inventory | None
) -> Scan:
    return Scan(
        scanner=NAME,
        version=None,
        status=Status.FAILED if failed else Status.PARTIAL,
        outcome=outcome,
        started_at=None,
        finished_at=None,
        files_scanned=None,
        unscanned=tuple(Unscanned(file.path, common.NOT_MENTIONED) for file in inventory.files) if inventory else (),
        errors=tuple(sorted(errors, key=lambda item: (item.code, item.message))),
        reference=None,
        report_sha256=strict.digest(report.content).removeprefix("sha256:"),
    )
