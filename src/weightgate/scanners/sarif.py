"""SARIF 2.1.0 from any tool: reports that something else left, never a run.

SARIF is made to carry results, less to prove that a tool looked. So the files are those that `artifacts` lists, and
only a run that says it succeeded vouches for them. A scan that is said to be incomplete vouches for no file, because
SARIF does not say which files were left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from weightgate import strict
from weightgate.errors import InvalidDocument, MalformedReport, UsageError
from weightgate.findings import Finding, ScanErrorRecord, identify
from weightgate.scanners import common, modelaudit_words
from weightgate.scanners import sarif_words as words
from weightgate.scanners.interface import Inventory, Limits, Progress, Report, Scanner, ScanResult
from weightgate.scanners.sarif_places import REPORT, Place, Places, locations, parse, region

_UNKNOWN_COVERAGE = "the scan was not complete, and SARIF does not say for which files"


class Sarif(Scanner):
    """Reads SARIF 2.1.0."""

    name = "sarif"

    def run(self, inventory: Inventory, limits: Limits, progress: Progress) -> Report:
        """Raise `UsageError`: SARIF is a format and no program."""
        raise UsageError(
            "sarif is a report format and cannot be run; run the tool that writes it, then use "
            "`weightgate normalize --scanner sarif REPORT`"
        )

    def normalize(self, report: Report, inventory: Inventory | None) -> ScanResult:
        """Return what all runs of a SARIF 2.1.0 log say together; raises `MalformedReport` when `report` is none."""
        log = common.as_record(common.load_report(report, "SARIF"), REPORT)
        if log.get("version") != "2.1.0":
            raise MalformedReport(f'{REPORT}: version: found {strict.show(log.get("version"))}; expected "2.1.0"')
        common.required(log, "runs", list, REPORT)
        runs = [_Run(run) for run in common.records(log, "runs", REPORT) or []]
        model = _model(report, inventory, [place.text for run in runs for place in run.targets if not place.foreign])
        if log.get("inlineExternalProperties"):
            model.error("external-properties", "parts of the log stand outside its runs (inlineExternalProperties)")
        for run in runs:
            run.read(model)
        counts = [run.files_scanned for run in runs if run.files_scanned is not None]
        scan = common.finish(
            scanner=self.name,
            version="; ".join(dict.fromkeys(run.version for run in runs)) or report.version,
            report=_dated(report, runs),
            inventory=inventory,
            files=model.files,
            scanned=model.scanned,
            reasons=model.reasons,
            errors=model.errors,
            files_scanned=sum(counts) if counts else None,
            failed=not runs or any(run.failed for run in runs),
        )
        return ScanResult(scan, identify(model.findings), () if inventory else common.stored_files(model.files))


@dataclass
class _Model:
    """The model's files, and what the runs say about them."""

    paths: common.Paths
    files: set[str]
    folders: set[str]
    scanned: set[str] = field(default_factory=set)
    reasons: dict[str, list[str]] = field(default_factory=dict)
    errors: list[ScanErrorRecord] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def error(self, code: str, message: str, path: str | None = None) -> None:
        self.errors.append(common.problem(code, message, path))

    def against(self, path: str, reason: str) -> None:
        self.reasons.setdefault(path, []).append(reason)

    def stray(self, place: Place, what: str) -> None:
        """Note that `what` is about a place that is no file of the model."""
        outside = place.foreign or self.paths.relative(place.text) is None
        self.error("path-outside-model" if outside else "unknown-path", f"{what} is about {place.text!r}")

    def blame(self, place: Place | None, what: str, reason: str) -> None:
        """Hold `reason` against every file that `place` can mean; against the whole scan when that is none."""
        owners = [] if place is None or place.foreign else self.paths.owners(place.text)
        for path, _ in owners:
            self.against(path, reason)
        if not owners:
            self.error("incomplete", f"{what}: {reason}")


def _model(report: Report, inventory: Inventory | None, listed: list[str]) -> _Model:
    root = common.root_of(report, inventory, listed)
    if inventory is not None:
        files = {file.path for file in inventory.files}
        links = {item.path for item in inventory.unreadable}
    else:
        bare = common.Paths(root, ())
        named = {path for text in listed if (path := bare.relative(text))}
        files, links = named - common.parents(named), set()
    return _Model(common.Paths(root, files | links), files, common.parents(files))


class _Run:
    """One run of one tool."""

    def __init__(self, run: dict[str, Any]) -> None:
        self.rules = words.Rules(common.required(run, "tool", dict, REPORT))
        self.tool = common.required(self.rules.driver, "name", str, f"{REPORT}: tool.driver")
        number = common.member(self.rules.driver, "version", str, REPORT)
        number = number or common.member(self.rules.driver, "semanticVersion", str, REPORT)
        self.version = common.shorten(f"{self.tool} {number}" if number else self.tool, common.TITLE) or "unnamed tool"
        self.invocations = common.records(run, "invocations", REPORT) or []
        self.results = common.records(run, "results", REPORT)
        self.external = bool(run.get("externalPropertyFileReferences"))
        self.places = Places(run, self._directory())
        self._own = [artifact for artifact in self.places.artifacts if words.is_target(artifact)]
        self.targets = [place for artifact in self._own if (place := self._place(artifact, "location")) is not None]
        self.failed = self.results is None or any(words.is_failure(item, self.tool) for item in self.invocations)
        self.files_scanned = self._files_scanned()

    def read(self, model: _Model) -> None:
        """Add to `model` what this run says about it."""
        whole = self._judge(model)
        for artifact in self._own:
            place = self._place(artifact, "location")
            path = None if place is None or place.foreign else model.paths.file(place.text)
            if path is None:
                if place is not None and model.paths.relative(place.text) not in model.folders:
                    model.stray(place, "an artifact")
            elif not whole:
                model.against(path, _UNKNOWN_COVERAGE)
            elif (reason := words.not_scanned(artifact, self.tool)) is not None:
                model.against(path, reason)
            else:
                model.scanned.add(path)
        for result in self.results or []:
            self._read_result(result, model)

    def _judge(self, model: _Model) -> bool:
        """Note what stands against the run as a whole; return whether it vouches for its artifacts."""
        problems: list[tuple[str, str]] = []
        if not self.invocations:
            problems.append(("no-invocation", "the report does not say whether the tool succeeded (no invocations)"))
        if self.results is None:
            problems.append(("no-results", "the run has no results, not even an empty list: it never started"))
        if self.external:
            problems.append(("external-properties", "parts of the run stand in other files, which are not read"))
        if not self._own:
            problems.append(("no-artifacts", "the run does not list the files that it scanned (artifacts)"))
        for invocation in self.invocations:
            problems += words.problems_of(invocation)
            for notice in words.notices_of(invocation):
                self._read_notice(notice, model)
        for code, message in problems:
            model.error(code, f"{self.tool}: {message}")
        return not problems

    def _read_notice(self, notice: dict[str, Any], model: _Model) -> None:
        """A notification is an error, or a warning about a file that the tool perhaps could not read."""
        level = common.member(notice, "level", str, REPORT) or "warning"
        text = words.message_of(notice, {}) or "a notification without text"
        places = [place for physical in locations(notice) if (place := self._place(physical, "artifactLocation"))]
        if level not in ("none", "note"):
            for place in places:
                model.blame(place, f"{self.tool}: a notification about {place.text!r}", text)
        if level not in ("none", "note", "warning"):
            model.error("notification", f"{self.tool}: {text}")

    def _read_result(self, result: dict[str, Any], model: _Model) -> None:
        reasons = modelaudit_words.incompleteness(common.member(result, "properties", dict, REPORT))
        is_finding = words.is_finding(result)
        for physical in locations(result):
            place = self._place(physical, "artifactLocation")
            for reason in reasons:
                model.blame(place, f"{self.tool}: a result", reason)
            if is_finding:
                model.findings.append(self._finding(result, place, region(physical), model))

    def _finding(self, result: dict[str, Any], place: Place | None, where: str, model: _Model) -> Finding:
        name, rule = self.rules.of(result)
        severity, native = words.severity_of(result, rule, self.tool)
        path, location = (None, None) if place is None else model.paths.locate(place.text)
        if place is not None and (path is None or place.foreign):
            model.stray(place, "a result")
        text = words.message_of(result, rule)
        advice = words.remediation_of(result, rule)
        suppressed = "\n\nSuppressed in the report, which excuses nothing here." if result.get("suppressions") else ""
        return Finding(
            id="",
            scanner=Sarif.name,
            rule=name,
            threat=None,
            category=words.category_of(name, result, rule, self.tool),
            severity=severity,
            native_severity=native,
            title=model.paths.title(text),
            description=model.paths.clean(text) + suppressed,
            path=path,
            location=(location or "") + where or None,
            remediation=model.paths.clean(advice or "") or None,
            references=words.references_of(name, result, rule),
            enforcement=None,
        )

    def _place(self, holder: dict[str, Any], key: str) -> Place | None:
        return self.places.place(common.member(holder, key, dict, REPORT) or {})

    def _directory(self) -> str:
        """Return the directory of locations without a base: ModelAudit's are relative to its working directory."""
        if self.tool != words.MODELAUDIT or not self.invocations:
            return ""
        location = common.member(self.invocations[0], "workingDirectory", dict, REPORT) or {}
        place = parse(common.member(location, "uri", str, REPORT) or "")
        return "" if place.foreign else place.text

    def _files_scanned(self) -> int | None:
        """Return the tool's own count, else that of the files it lists, `None` when it lists none."""
        properties = (common.member(item, "properties", dict, REPORT) or {} for item in self.invocations)
        counts = [count for item in properties if type(count := item.get("filesScanned")) is int and 0 <= count < 2**31]
        return sum(counts) if counts else len(self.targets) or None


def _dated(report: Report, runs: list[_Run]) -> Report:
    """Return the report with the times of its invocations where nobody else took the time."""
    if report.started_at is not None:
        return report
    invocations = [item for run in runs for item in run.invocations]
    starts = [time for item in invocations if (time := _time(item.get("startTimeUtc")))]
    ends = [time for item in invocations if (time := _time(item.get("endTimeUtc")))]
    return replace(report, started_at=min(starts, default=None), finished_at=max(ends, default=None))


def _time(value: Any) -> str | None:
    try:
        return strict.time(value, "")
    except InvalidDocument:
        return None
