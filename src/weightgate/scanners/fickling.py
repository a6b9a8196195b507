"""fickling: runs `fickling --check-safety` on each bare pickle, and reads what it left.

A run of fickling is about one file. Its report names no file and is appended to, one JSON document for each pickle in
the file; exit code 1 means "unsafe" and also "crashed". So a run writes one `weightgate.fickling-run/v1` document with
path, exit code, report and standard error of each file; a bare report of fickling is read, too. See: fickling 0.1.12,
`cli.py`, `analysis.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from weightgate.errors import ScannerError, ScanTimeout
from weightgate.findings import Finding, Severity, identify
from weightgate.scanners.common import Paths, finish, problem, stored_files
from weightgate.scanners.fickling_report import NAME, SAFE, SCHEMA, Entry, Pickle, judge, read
from weightgate.scanners.installations import Program, program
from weightgate.scanners.interface import Inventory, Limits, Progress, Report, Scanner, ScanResult

if TYPE_CHECKING:
    from weightgate.scanners.process import Workspace

STDERR_TAIL = 4000
"""As many characters of a file's standard error are kept."""

FORMATS = frozenset({"pickle"})
"""The formats (see `weightgate.filetypes`) that it reads."""

_SEVERITIES = {
    "POSSIBLY_UNSAFE": Severity.LOW,
    "SUSPICIOUS": Severity.MEDIUM,
    "LIKELY_UNSAFE": Severity.HIGH,
    "LIKELY_OVERTLY_MALICIOUS": Severity.CRITICAL,
    "OVERTLY_MALICIOUS": Severity.CRITICAL,
}


class Fickling(Scanner):
    """Trail of Bits' fickling: what a bare pickle would do when it is loaded."""

    name = NAME

    def __init__(self, find: Callable[[str], Program] = program) -> None:
        """`find` returns the program by the scanner's name."""
        self._find = find

    def run(self, inventory: Inventory, limits: Limits, progress: Progress) -> Report:
        """Run fickling on each pickle of `inventory`, one after the other; `limits.seconds` is for all of them."""
        from weightgate.scanners.process import Workspace

        found = self._find(NAME)
        files = [file.path for file in inventory.files if file.format == "pickle"]
        deadline = time.monotonic() + limits.seconds
        started_at = _now()
        entries = []
        with Workspace() as workspace:
            for number, path in enumerate(files, 1):
                rest = deadline - time.monotonic()
                if rest <= 0:
                    read = f"{number - 1} of {len(files)} files were read"
                    raise ScanTimeout(f"fickling did not end within {limits.seconds:g} s: {read}")
                progress(f"fickling: file {number} of {len(files)}")
                entry = _run_one(workspace, found.path, inventory.root / path, replace(limits, seconds=rest), progress)
                entries.append({"path": path, **entry})
        version = None if found.version == "unknown" else found.version
        return Report(
            content=json.dumps({"schema": SCHEMA, "fickling": version, "files": entries}).encode("ascii"),
            version=version,
            root=str(inventory.target),
            started_at=started_at,
            finished_at=_now(),
        )

    def normalize(self, report: Report, inventory: Inventory | None) -> ScanResult:
        """Read `weightgate.fickling-run/v1`, or a bare `--json-output` file, which names no file.

        A bare report is about the model's file where the model is one file, else about no known file.
        """
        version, entries = read(report, inventory)
        files = {file.path for file in inventory.files} if inventory else {each.path for each in entries if each.path}
        formats = {file.path: file.format for file in inventory.files} if inventory else {}
        paths = Paths(report.root or "", files)
        errors, reasons, findings = [], {}, []
        files_scanned = 0
        for each in entries:
            documents, why = judge(each)
            files_scanned += bool(documents) and (each.path is None or each.path in files)
            findings += _findings(each, documents, why, paths)
            if each.path is not None and each.path not in files:
                named = paths.clean(each.path)
                errors.append(problem("unknown-file", f"the report speaks of {named}, which is no file of the model"))
            elif why is not None:
                errors.append(problem("not-analysed", paths.clean(why), each.path))
                if each.path is not None:
                    reasons[each.path] = [paths.clean(why)]
        for path, kind in formats.items():
            if kind not in FORMATS:
                reasons[path] = [f"fickling does not read {kind}"]
        scan = finish(
            scanner=NAME,
            version=report.version or version,
            report=report,
            inventory=inventory,
            files=files,
            scanned=[each.path for each in entries if each.path and each.path not in reasons],
            reasons=reasons,
            errors=errors,
            files_scanned=files_scanned,
            reads=FORMATS,
        )
        return ScanResult(scan, identify(findings), stored_files(files) if inventory is None else ())


def _run_one(
    workspace: Workspace, fickling: Path, file: Path, limits: Limits, progress: Progress
) -> dict[str, int | str | None]:
    """Run fickling on one file; a crash of it is part of what is returned."""
    # NOTE: fickling appends to its report, so that a fresh one is needed for every file.
    output = workspace.path / "report.json"
    output.unlink(missing_ok=True)
    exit_code: int | None = None
    try:
        done = workspace.run(
            [fickling, "--check-safety", "--json-output", str(output), str(file)],
            limits=limits,
            progress=progress,
            # NOTE: which of several results fickling reports depends on the order in sets.
            environ={"PYTHONHASHSEED": "0"},
        )
        exit_code, stderr = done.exit_code, done.stderr
    except ScanTimeout:
        raise
    except ScannerError as exc:
        stderr = str(exc)
    report = output.read_bytes().decode("utf-8", "replace") if output.is_file() else None
    return {"exit_code": exit_code, "report": report, "stderr": stderr[-STDERR_TAIL:]}


def _findings(entry: Entry, documents: tuple[Pickle, ...], why: str | None, paths: Paths) -> list[Finding]:
    findings = []
    for number, document in enumerate(documents, 1):
        if document.severity == SAFE:
            continue
        place = f"pickle {number}" if len(documents) > 1 else None
        evidence = "\n".join(document.lines) or document.severity
        for rule, trigger in sorted(document.triggers.items()) or [("UnsafePickle", document.severity)]:
            findings.append(_finding(entry, paths, rule, trigger, evidence, document.severity, place))
    if not findings and entry.exit_code == 1 and entry.report:
        # NOTE: it found something and what it wrote cannot be read: the worst is assumed.
        findings.append(_finding(entry, paths, "UnsafePickle", "unreadable report", why or "exit code 1", None, None))
    return findings


def _finding(
    entry: Entry, paths: Paths, rule: str, trigger: str, evidence: str, native: str | None, place: str | None
) -> Finding:
    owned = entry.path in paths.files
    where = place if owned or entry.path is None else ": ".join(filter(None, (entry.path, place)))
    return Finding(
        id="",
        scanner=NAME,
        rule=paths.title(rule),
        threat=None,
        category="pickle-analysis",
        severity=_SEVERITIES.get(native or "", Severity.UNKNOWN),
        native_severity=native,
        title=paths.title(f"{rule}: {trigger}"),
        # NOTE: which trigger stands for several differs from run to run, so the id must not depend on it; all lines do
        # come, in changing order.
        description=paths.clean(evidence),
        path=entry.path if owned else None,
        location=paths.clean(where) if where else None,
        remediation=None,
        references=(),
        enforcement=None,
    )


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
