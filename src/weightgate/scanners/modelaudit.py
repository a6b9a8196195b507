"""ModelAudit, the default scanner: `modelaudit scan … --format json`.

What it says in more than one place is believed only where all places agree: a file counts as scanned when `assets`
names it with a scanner of its own, `file_metadata` knows it, and nothing about it says "incomplete". `info` is also its
word for "could not be analysed", so severity is no sign of coverage.
"""

from __future__ import annotations

import glob
from dataclasses import replace
from pathlib import Path
from typing import Any

from weightgate.errors import MalformedReport, ScannerError
from weightgate.findings import Finding, ScanErrorRecord, identify
from weightgate.scanners import common
from weightgate.scanners import modelaudit_words as words
from weightgate.scanners.installations import program
from weightgate.scanners.interface import Inventory, Limits, Progress, Report, Scanner, ScanResult
from weightgate.scanners.process import Workspace

REPORT = "ModelAudit report"


class ModelAudit(Scanner):
    """Runs ModelAudit's own program, and reads its JSON reports."""

    name = "modelaudit"

    def run(self, inventory: Inventory, limits: Limits, progress: Progress) -> Report:
        """Run `modelaudit scan` over the model, from a working directory of its own; return its JSON report.

        Raises `ScannerNotInstalled`, `ScanTimeout`, or `ScannerError` with its last words when it left no report.
        """
        modelaudit = program(self.name)
        target = str(inventory.target)
        # NOTE: ModelAudit expands `*` and `?` itself; `[` means something only when one of those stands in the path.
        argument = glob.escape(target) if set(target) & set("*?") else target
        with Workspace() as workspace:
            path = workspace.path / "report.json"
            command: list[str | Path] = [
                *(modelaudit.path, "scan", "--format", "json", "--output", path),
                # --strict reads files of every type and does not lower severities for "well-known" repositories; two
                # flags that it implies are named, should that change. A .modelaudit.toml is read for text output only.
                *("--strict", "--no-whitelist", "--no-cache"),
                # Sooner than the limit on the process: then it still writes what it has, as incomplete.
                *("--timeout", str(max(1, int(limits.seconds * 0.9)))),
                *("--", argument),
            ]
            done = workspace.run(command, limits=limits, progress=progress)
            try:
                content = path.read_bytes()
            except OSError as exc:
                tail = done.stderr.strip()[-2000:] or "nothing on standard error"
                raise ScannerError(
                    f"modelaudit left no report (exit code {done.exit_code}): {tail}; run `weightgate doctor`"
                ) from exc
        return Report(
            content=content,
            exit_code=done.exit_code,
            stderr=done.stderr,
            version=modelaudit.version,
            root=target,
            started_at=done.started_at,
            finished_at=done.finished_at,
        )

    def normalize(self, report: Report, inventory: Inventory | None) -> ScanResult:
        """Return what a JSON report of `modelaudit scan` says; raises `MalformedReport` when `report` is none."""
        return _Reading(report, inventory).result()


class _Reading:
    """One report being read: the files that it knows, and what it holds against them."""

    def __init__(self, report: Report, inventory: Inventory | None) -> None:
        self.report = report
        self.inventory = inventory
        top = common.as_record(common.load_report(report, "ModelAudit"), REPORT)
        self.top = top
        self.issues = _records(top, "issues")
        self.checks = _records(top, "checks")
        self.assets = _records(top, "assets")
        metadata = common.required(top, "file_metadata", dict, REPORT)
        self.metadata = {
            path: common.as_record(value, f"{REPORT}: file_metadata: {path!r}") for path, value in metadata.items()
        }
        self.files_scanned = common.required(top, "files_scanned", int, REPORT)
        self.has_errors = common.required(top, "has_errors", bool, REPORT)
        self.success = common.required(top, "success", bool, REPORT)
        if not 0 <= self.files_scanned < 2**53:
            raise MalformedReport(f"{REPORT}: files_scanned: found {self.files_scanned}; expected a count")

        listed = [common.required(asset, "path", str, f"{REPORT}: assets") for asset in self.assets]
        root = common.root_of(report, inventory, listed)
        if inventory is not None:
            self.files = {file.path for file in inventory.files}
        else:
            bare = common.Paths(root, ())
            named = {path for text in (*listed, *self.metadata) if (path := bare.relative(text))}
            self.files = named - common.parents(named)
        self.folders = common.parents(self.files)
        unreadable = {item.path for item in inventory.unreadable} if inventory is not None else set()
        self.paths = common.Paths(root, self.files | unreadable)
        self.errors: list[ScanErrorRecord] = []
        self.reasons: dict[str, list[str]] = {}

    def result(self) -> ScanResult:
        scanned = self._vouched()
        self._incomplete()
        findings = [self._finding(issue) for issue in self.issues]
        self._operational_errors()
        self._contradictions(findings)
        scan = common.finish(
            scanner=ModelAudit.name,
            version=self.report.version,
            report=self._dated(),
            inventory=self.inventory,
            files=self.files,
            scanned=scanned,
            reasons=self.reasons,
            errors=self.errors,
            files_scanned=self.files_scanned,
            failed=bool(self.top.get("dry_run")),
        )
        return ScanResult(scan, identify(findings), () if self.inventory else common.stored_files(self.files))

    def _vouched(self) -> set[str]:
        """Return the files that `assets` and `file_metadata` both name; a directory's entry vouches for none."""
        known = {path for text in self.metadata if (path := self._file(text)) is not None}
        scanned = set()
        for asset in self.assets:
            path = self._file(asset["path"])
            if path is None:
                continue
            kind = common.required(asset, "type", str, f"{REPORT}: assets: {path!r}")
            if kind in words.NOT_SCANNERS:
                self._against(path, words.NOT_SCANNERS[kind])
            elif path not in known:
                self._against(path, "the report has no metadata about this file")
            else:
                scanned.add(path)
        return scanned

    def _file(self, text: str) -> str | None:
        """Return the model's file that `text` names; what is neither file nor directory of the model is an error."""
        path = self.paths.relative(text)
        if path in self.files:
            return path
        if text == self.paths.root or path in self.folders:
            return None
        code, what = (
            ("path-outside-model", "outside the model") if path is None else ("unknown-path", "not in the model")
        )
        self._error(code, f"the report speaks of {text!r}, which is {what}")
        return None

    def _incomplete(self) -> None:
        """Note every file about which anything says that it was not analysed to its end."""
        for text, metadata in self.metadata.items():
            self._blame(text, words.incompleteness(metadata))
        for issue in self.issues:
            self._blame(_location(issue), words.incompleteness(issue.get("details")))
        for check in self.checks:
            if not words.is_runtime_check(check):
                self._blame(_location(check), words.incompleteness(check.get("details")))

    def _blame(self, text: str, reasons: list[str]) -> None:
        """Hold `reasons` against every file that `text` can mean, with the member or place that it names."""
        if not reasons:
            return
        owners = [owner for owner in self.paths.owners(text) if owner[0] in self.files]
        for path, rest in owners:
            place = f"{self.paths.clean(rest).strip()}: " if rest else ""
            for reason in reasons:
                self._against(path, place + self.paths.clean(reason))
        inside = self._below(text) if not owners else []
        for path in inside:
            self._against(path, *reasons)
        if not owners and not inside:
            self._error("incomplete", f"{text or 'the scan'}: {', '.join(reasons)}")

    def _below(self, text: str) -> list[str]:
        if text == self.paths.root:
            return sorted(self.files)
        folder = self.paths.relative(text)
        return sorted(path for path in self.files if folder and path.startswith(f"{folder}/"))

    def _finding(self, issue: dict[str, Any]) -> Finding:
        where = f"{REPORT}: issues"
        text = _location(issue)
        path, location = self.paths.locate(text)
        if text and path is None and text != self.paths.root:
            outside = self.paths.relative(text) is None
            self._error("path-outside-model" if outside else "unknown-path", f"an issue is about {text!r}")
        details = common.member(issue, "details", dict, where) or {}
        message = common.member(issue, "message", str, where) or ""
        why = common.member(issue, "why", str, where) or ""
        kind = common.member(issue, "type", str, where) or ""
        rule = common.member(issue, "rule_code", str, where) or kind or "unnamed"
        severity = common.member(issue, "severity", str, where)
        advice = words.text_of(details.get("recommendation")) or words.text_of(details.get("remediation"))
        return Finding(
            id="",
            scanner=ModelAudit.name,
            rule=common.shorten(rule, common.TITLE),
            threat=None,
            category=words.category(rule, kind),
            severity=words.severity(severity, details),
            native_severity=severity,
            title=self.paths.title(message),
            description=self.paths.clean(f"{message}\n\n{why}" if why and why != message else message),
            path=path,
            location=location,
            remediation=self.paths.clean(advice or "") or None,
            references=words.cves(details),
            enforcement=None,
        )

    def _operational_errors(self) -> None:
        for text, metadata in self.metadata.items():
            if metadata.get("operational_error") not in (None, False):
                reason = words.text_of(metadata.get("operational_error_reason")) or "operational-error"
                self._error(reason, "ModelAudit reports an operational error", self.paths.file(text))
        if self.has_errors and not self.errors:
            self._error("operational-error", "ModelAudit reports errors (has_errors) and does not say which")
        if self.top.get("scanner_selection"):
            self._error("scanner-selection", "some scanners of ModelAudit were switched off for this scan")

    def _contradictions(self, findings: list[Finding]) -> None:
        """Note where two places of the report, or the report and the exit code, do not agree."""
        severe = {finding.path for finding in findings if finding.native_severity not in ("info", "debug")}
        for check in self.checks:
            path = self.paths.locate(_location(check))[0]
            if words.is_failure(check) and path not in severe:
                self._error(
                    "issue-missing", f"the failed check {words.text_of(check.get('name'))!r} has no issue", path
                )
        if not self.success and not self.reasons and not self.errors:
            self._error("unsuccessful", "ModelAudit says that it did not succeed (success: false) and not why")
        code = self.report.exit_code
        if code is None:
            return
        unsettled = self.has_errors or not self.success or self.files_scanned == 0
        expected = {0: not severe and not unsettled, 1: bool(severe), 2: unsettled}
        if not expected.get(code, False):
            self._error("exit-code", f"the exit code {code} does not fit the report")

    def _dated(self) -> Report:
        """Return the report with its own start time where nobody else took the time."""
        if self.report.started_at is not None:
            return self.report
        start, seconds = self.top.get("start_time"), self.top.get("duration")
        if not isinstance(start, float) or not isinstance(seconds, float):
            return self.report
        return replace(self.report, started_at=words.utc(start), finished_at=words.utc(start + seconds))

    def _against(self, path: str, *reasons: str) -> None:
        self.reasons.setdefault(path, []).extend(reasons)

    def _error(self, code: str, message: str, path: str | None = None) -> None:
        self.errors.append(common.problem(code, message, path))


def _records(top: dict[str, Any], key: str) -> list[dict[str, Any]]:
    common.required(top, key, list, REPORT)
    return common.records(top, key, REPORT) or []


def _location(record: dict[str, Any]) -> str:
    return common.member(record, "location", str, f"{REPORT}: a location") or ""
