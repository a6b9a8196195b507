"""Recognise what a stored report is: ours, the pipeline's bare scan record, or one of the predecessor, Guardian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from weightgate import strict
from weightgate.errors import InvalidDocument, MalformedReport
from weightgate.findings import Scan, Status
from weightgate.scanners import common
from weightgate.scanners.interface import Inventory, Report, ScanResult
from weightgate.scanners.prisma_airs import document, guardian, models, normalize, references
from weightgate.scanners.prisma_airs.document import Document, Listing
from weightgate.scanners.prisma_airs.models import Raw
from weightgate.scanners.prisma_airs.normalize import NAME, Material

T = TypeVar("T")


def read(report: Report, inventory: Inventory | None) -> ScanResult:
    """Return what `report` says; raises `MalformedReport` when it is none of the three shapes or a row is broken."""
    value = common.load_report(report, NAME)
    try:
        if isinstance(value, dict) and "schema" in value:
            return _ours(report, inventory, document.read(value))
        if isinstance(value, dict) and ("scan_status_json" in value or "aggregate_eval_outcome" in value):
            return guardian.read(report, inventory, value)
        if isinstance(value, dict) and "eval_outcome" in value:
            return normalize.result(report, inventory, Material(models.scan_record(value)))
    except (InvalidDocument, ValueError) as exc:
        raise MalformedReport(f"{NAME} report: {exc}; scan again, or pass the report as it was written") from exc
    raise MalformedReport(
        f"{NAME} report: no {document.SCHEMA}, scan record (eval_outcome) or Guardian report (aggregate_eval_outcome); "
        "pass model-scan-report.json as the scan left it"
    )


def _ours(report: Report, inventory: Inventory | None, stored: Document) -> ScanResult:
    if stored.scan is None:
        return ScanResult(_never_seen(report, stored), ())
    material = Material(models.scan_record(stored.scan))
    if material.record.group != stored.request.security_group_uuid.lower():
        asked = stored.request.security_group_uuid
        text = f"the scan used security group {material.record.group}; expected {asked}"
        material.note("group-mismatch", text, failed=True)
    results = stored.results
    if results is None:
        material.note("not-finished", stored.problem or "the scan did not end", failed=True)
        material.evaluations, material.violations, material.files = [], [], []
        return normalize.result(report, inventory, material)
    if stored.problem is not None:
        material.note("incomplete", stored.problem)
    material.evaluations = _rows(material, "evaluations", results.evaluations, models.evaluation)
    material.violations = _rows(material, "violations", results.violations, models.violation)
    material.files = _rows(material, "files", results.files, models.file_row)
    _check_revision(material, stored.request.revision, results.model_version)
    return normalize.result(report, inventory, material)


def _rows(material: Material, name: str, listing: Listing, read_row: Callable[[Any], T]) -> list[T]:
    if listing.problem is not None:
        material.note(f"{name}-incomplete", f"not all {name} could be read: {listing.problem}")
    if listing.stated is not None and len(listing.rows) < listing.stated:
        found = len(listing.rows)
        material.note(f"{name}-missing", f"the service states {listing.stated} {name}, {found} are in the report")
    return [_row(name, number, read_row, raw) for number, raw in enumerate(listing.rows)]


def _row(name: str, number: int, read_row: Callable[[Any], T], raw: Raw) -> T:
    try:
        return read_row(raw)
    except ValueError as exc:
        raise ValueError(f"/{name}/{number}: {exc}") from exc


def _check_revision(material: Material, asked: str | None, scanned: Raw | None) -> None:
    """Note when the commit that the service names is not the commit that was asked for."""
    commit = (scanned or {}).get("hf_commit_sha")
    if not isinstance(commit, str) or not references.is_commit(commit):
        return
    if asked is not None and references.is_commit(asked) and commit.lower() != asked:
        material.note("revision-mismatch", f"commit {commit} was scanned; expected {asked}", failed=True)


def _never_seen(report: Report, stored: Document) -> Scan:
    """Return the scan of a report whose scan the service never showed."""
    return Scan(
        scanner=NAME,
        version=None,
        status=Status.FAILED,
        outcome=None,
        started_at=report.started_at,
        finished_at=None,
        files_scanned=None,
        unscanned=(),
        errors=(common.problem("not-finished", stored.problem or "no scan was created"),),
        reference=None,
        report_sha256=strict.digest(report.content).removeprefix("sha256:"),
    )
