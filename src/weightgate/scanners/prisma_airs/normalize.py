"""What a report of Prisma AIRS says, as one scan with its findings.

The service states no severity: every finding is `UNKNOWN`, and the policy derives it from threat, rule and rule state.
The service counts what it found in several places; where a count says more than the rows do, the scan is `partial`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from weightgate import strict
from weightgate.findings import Reference, Scan, ScanErrorRecord, Status, Unscanned, identify
from weightgate.scanners import common
from weightgate.scanners.interface import Inventory, Report, ScanResult
from weightgate.scanners.prisma_airs import statements
from weightgate.scanners.prisma_airs.models import Evaluation, FileRow, ScanRecord, Violation

NAME = "prisma-airs"

Row = TypeVar("Row", Evaluation, Violation, FileRow)


@dataclass(slots=True)
class Material:
    """What a report holds, whatever its shape; a list is `None` when the report has none."""

    record: ScanRecord
    evaluations: list[Evaluation] | None = None
    violations: list[Violation] | None = None
    files: list[FileRow] | None = None
    failed: bool = False
    """Whether the scan says nothing, whatever its outcome word."""
    errors: list[ScanErrorRecord] = field(default_factory=list)

    def note(self, code: str, message: str, *, failed: bool = False) -> None:
        """Add an error, which keeps the scan from being completed; `failed` says that the scan is worth nothing."""
        self.errors.append(common.problem(code, message))
        self.failed = self.failed or failed


def result(report: Report, inventory: Inventory | None, material: Material) -> ScanResult:
    """Return the scan and the findings of `material`, which was read from `report`."""
    record = material.record
    evaluations = _once(material, "evaluations", material.evaluations)
    violations = _once(material, "violations", material.violations)
    rows = [row for row in _once(material, "files", material.files) if row.kind != "DIRECTORY"]
    known = {file.path for file in inventory.files} if inventory else set()
    paths = common.Paths(report.root or "", known | {statements.relative(report.root, row.path) for row in rows})
    results: dict[str, set[str]] = {}
    for row in rows:
        results.setdefault(statements.relative(report.root, row.path), set()).add(row.result)
    _judge(material)
    if not material.failed:
        _check_rules(material, evaluations, violations)
        _check_files(material, results)
    findings = [statements.finding(paths, row) for row in violations]
    findings += statements.without_violations(evaluations, violations)
    findings += statements.unreported(record, evaluations, violations)
    scanned = record.files_scanned
    if scanned is None and results:
        scanned = sum(words == {"SUCCESS"} for words in results.values())
    return ScanResult(
        scan=_scan(report, material, _unscanned(results, inventory), scanned),
        findings=identify(findings),
        files=() if inventory else common.stored_files(results),
    )


def _once(material: Material, name: str, rows: list[Row] | None) -> list[Row]:
    """Return each row once; a row on two pages means that the list moved while it was read, and others were missed."""
    if rows is None:
        material.note(f"{name}-missing", f"the report does not hold the scan's {name}; scan again, or resume the scan")
        return []
    unique = {row.uuid or f"#{number}": row for number, row in enumerate(rows)}
    if len(unique) < len(rows):
        twice = len(rows) - len(unique)
        material.note(f"{name}-moved", f"{twice} of the {name} stand on two pages, so others may be missing")
    return list(unique.values())


def _judge(material: Material) -> None:
    """Note what keeps the outcome from being a verdict."""
    record = material.record
    text = record.error_message or "no explanation"
    if record.outcome == "ERROR":
        material.note(record.error_code or "ERROR", f"the scan failed: {text}", failed=True)
    elif record.outcome == "PENDING":
        material.note("not-finished", "the scan had not ended", failed=True)
    elif record.outcome not in ("ALLOWED", "BLOCKED"):
        material.note(
            "unknown-outcome", f"the outcome {record.outcome} is not known, so it allows nothing", failed=True
        )
    elif record.error_code is not None:
        material.note(record.error_code, f"the scan is {record.outcome} and yet reports an error: {text}")
    if record.files_scanned == 0:
        material.note("no-files", "the scan looked at no file", failed=True)


def _check_rules(material: Material, evaluations: list[Evaluation], violations: list[Violation]) -> None:
    record = material.record
    if material.evaluations is not None and not evaluations:
        material.note("no-rules", "no rule was evaluated, so nothing was judged")
    for row in evaluations:
        if row.result not in ("PASSED", "FAILED"):
            material.note("rule-not-evaluated", f"rule {strict.show(row.rule_name)} ended with {row.result}")
        elif record.outcome == "ALLOWED" and row.result == "FAILED" and row.state not in ("ALLOWING", "DISABLED"):
            name = strict.show(row.rule_name)
            material.note("contradiction", f"the scan is ALLOWED although the {row.state} rule {name} failed")
    if record.rules is not None and record.rules > len(evaluations):
        material.note(
            "evaluations-missing", f"{record.rules} rules were evaluated, {len(evaluations)} are in the report"
        )
    stated = sum(row.violations for row in evaluations)
    if stated > len(violations):
        material.note("violations-missing", f"the rules state {stated} violations, {len(violations)} are in the report")


def _check_files(material: Material, results: dict[str, set[str]]) -> None:
    record = material.record
    if material.files is not None and not results:
        material.note("no-files", "the report names no file, so it is not known what was scanned")
    stated = (record.files_scanned or 0) + (record.files_skipped or 0)
    if stated > len(results):
        material.note("files-missing", f"the scan states {stated} files, {len(results)} are in the report")
    left_out = sum(words != {"SUCCESS"} for words in results.values())
    if (record.files_skipped or 0) > left_out:
        skipped = f"{record.files_skipped} skipped files, the report names {left_out} files without a result"
        material.note("skipped-files-missing", f"the scan states {skipped}")


def _unscanned(results: dict[str, set[str]], inventory: Inventory | None) -> tuple[Unscanned, ...]:
    """Return every file without the one good result: SKIPPED, ERROR, FAILED, a word nobody knows, or not mentioned."""
    reasons = {
        path: f"Prisma AIRS says {', '.join(sorted(words))}" for path, words in results.items() if words != {"SUCCESS"}
    }
    if inventory is not None:
        for file in inventory.files:
            if file.path not in results:
                reasons[file.path] = common.NOT_MENTIONED
        for item in inventory.unreadable:
            reasons.setdefault(item.path, item.reason)
    return tuple(Unscanned(path, reason) for path, reason in sorted(reasons.items()))


def _scan(report: Report, material: Material, unscanned: tuple[Unscanned, ...], scanned: int | None) -> Scan:
    record = material.record
    errors = tuple(sorted(dict.fromkeys(material.errors), key=lambda item: (item.code, item.path or "", item.message)))
    lost = bool(unscanned or errors)
    return Scan(
        scanner=NAME,
        version=record.version,
        status=Status.FAILED if material.failed else Status.PARTIAL if lost else Status.COMPLETED,
        outcome=record.outcome,
        started_at=record.started_at,
        finished_at=None if record.outcome == "PENDING" else record.updated_at,
        files_scanned=scanned,
        unscanned=unscanned,
        errors=errors,
        reference=Reference(record.uuid, None, record.group_name or record.group),
        report_sha256=strict.digest(report.content).removeprefix("sha256:"),
    )
