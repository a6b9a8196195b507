"""ModelScan's JSON report, checked: as many entries as it counts, and the exit code that goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from weightgate.errors import MalformedReport
from weightgate.scanners.common import as_record, load_report, member, records
from weightgate.scanners.interface import Report

T = TypeVar("T")

NAME = "modelscan"
WHERE = "modelscan report"


@dataclass(frozen=True, slots=True)
class Note:
    """An entry of `skipped_files` or `errors`."""

    category: str
    description: str
    source: str | None

    @property
    def why(self) -> str:
        """Category and description, for people."""
        return f"{self.category}: {self.description}"


@dataclass(frozen=True, slots=True)
class Said:
    """A report, every part of it checked."""

    root: str
    """The absolute path that was scanned, empty when the report does not tell."""
    version: str | None
    scanned: tuple[str, ...]
    skipped: tuple[Note, ...] | None
    """`None`: the report was written without `--show-skipped`."""
    issues: tuple[dict[str, Any], ...]
    errors: tuple[Note, ...]

    def sources(self) -> set[str]:
        """Return every path string of the report."""
        notes = [note.source for note in (*(self.skipped or ()), *self.errors)]
        issues = [text(issue, "source", f"{WHERE}: issues") for issue in self.issues]
        return {source for source in (*self.scanned, *notes, *issues) if source}


def read(report: Report) -> Said:
    """Return what `report` says. Raises `MalformedReport` for what ModelScan does not write, and for lost entries."""
    try:
        top = as_record(load_report(report, NAME), WHERE)
    except MalformedReport as exc:
        raise MalformedReport(
            f"{exc}; standard output is no report (its lines are wrapped and brackets are lost): write one with "
            "`modelscan scan -p MODEL -r json --show-skipped -o REPORT`"
        ) from exc
    summary = _need(top, "summary", dict, WHERE)
    where = f"{WHERE}: summary"
    part = _need(summary, "scanned", dict, where)
    scanned = _counted(part, "total_scanned", member(part, "scanned_files", list, where) or [], where)
    skipped = None
    if "skipped" in summary:
        part = _need(summary, "skipped", dict, where)
        skipped = _notes(_counted(part, "total_skipped", _need(part, "skipped_files", list, where), where), where)
    issues = _counted(summary, "total_issues", _need(top, "issues", list, WHERE), where)
    root = text(summary, "absolute_path", where) or ""
    said = Said(
        root=root if root.startswith("/") else "",
        version=text(summary, "modelscan_version", where),
        scanned=tuple(_path(source, where) for source in scanned),
        skipped=skipped,
        issues=tuple(as_record(issue, f"{WHERE}: issues") for issue in issues),
        errors=_notes(_need(top, "errors", list, WHERE), WHERE),
    )
    _check_exit_code(report.exit_code, said)
    return said


def _check_exit_code(code: int | None, said: Said) -> None:
    """ModelScan's exit code follows from its report; another one means that the report is not of that run."""
    expected = 3 if not said.scanned else 2 if said.errors else 1 if said.issues else 0
    if code is not None and code != expected:
        raise MalformedReport(
            f"{WHERE}: modelscan exited with {code}, but what it wrote goes with {expected}; "
            "a report of another run, or one that was edited: scan again into a fresh file"
        )


def _need(record: dict[str, Any], key: str, kind: type[T], where: str) -> T:
    value = member(record, key, kind, where)
    if value is None:
        raise MalformedReport(f"{where}: {key} is missing; expected what modelscan writes with `-r json -o REPORT`")
    return value


def text(record: dict[str, Any], key: str, where: str) -> str | None:
    """Return the string `record[key]`, `None` when absent or empty; raises `MalformedReport` for another type."""
    return member(record, key, str, where) or None


def _path(value: Any, where: str) -> str:
    if type(value) is not str or not value:
        raise MalformedReport(f"{where}: scanned: found {value!r}; expected a path")
    return value


def _counted(record: dict[str, Any], key: str, items: list[Any], where: str) -> list[Any]:
    """Return `items`, which must be as many as `record[key]` says: an entry that was lost would hide a file."""
    total = _need(record, key, int, where)
    if total != len(items):
        raise MalformedReport(f"{where}: {key} is {total}, but {len(items)} are listed; the report is incomplete")
    return items


def _notes(items: list[Any], where: str) -> tuple[Note, ...]:
    notes = []
    for item in records({"notes": items}, "notes", where) or []:
        category, description = text(item, "category", where), text(item, "description", where)
        notes.append(Note(category or "unknown", description or "no reason given", text(item, "source", where)))
    return tuple(notes)
