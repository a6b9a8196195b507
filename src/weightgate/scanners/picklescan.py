"""picklescan: runs its functions file by file, and reads what that run or its own program wrote.

The program has no machine-readable report, and its text does not list what was read (`picklescan_text` reads it, and
never finds it complete). So a run goes through `picklescan_driver.py`, which the Python of picklescan's environment
executes in a process of its own, for those files whose content picklescan can read, whatever they are called. What it
prints, `weightgate.picklescan-run/v1`, is the raw report. See: picklescan 1.0.5, `scanner.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from weightgate import strict
from weightgate.errors import InvalidDocument, MalformedReport, ScannerError
from weightgate.findings import Finding, Severity, identify
from weightgate.scanners import members as archives
from weightgate.scanners.common import Paths, finish, load_report, problem, stored_files
from weightgate.scanners.installations import Program, program
from weightgate.scanners.interface import Inventory, Limits, Progress, Report, Scanner, ScanResult

NAME = "picklescan"
SCHEMA = "weightgate.picklescan-run/v1"
FORMATS = frozenset({"pickle", "torch-legacy", "torch-zip", "numpy", "npz", "zip"})
"""The formats (see `weightgate.filetypes`) that it reads. 7z archives it would unpack to disk first."""

_DRIVER = Path(__file__).with_name("picklescan_driver.py")
_SAFE = "innocuous"
_SEVERITIES = {"dangerous": Severity.CRITICAL, "suspicious": Severity.MEDIUM}


class Picklescan(Scanner):
    """picklescan: dangerous and unknown imports in pickles, torch files and numpy arrays."""

    name = NAME

    def __init__(self, find: Callable[[str], Program] = program) -> None:
        """`find` returns the program by the scanner's name."""
        self._find = find

    def run(self, inventory: Inventory, limits: Limits, progress: Progress) -> Report:
        """Scan the files of `inventory` whose format picklescan reads, in one process."""
        from weightgate.scanners.process import Workspace

        found = self._find(NAME)
        if found.python is None:
            raise ScannerError(
                f"{found.path}: the Python of picklescan's environment is not known, and its own program does not say "
                "what it read; run `weightgate scanners install picklescan` and let weightgate use that one"
            )
        files = [file for file in inventory.files if file.format in FORMATS]
        tasks = [[file.path, str(inventory.root / file.path), file.format] for file in files]
        with Workspace() as workspace:
            list_file = workspace.path / "tasks.json"
            list_file.write_text(json.dumps(tasks), "ascii")
            done = workspace.run([found.python, "-I", _DRIVER, list_file], limits=limits, progress=progress)
        if done.exit_code != 0:
            raise ScannerError(f"picklescan failed with exit code {done.exit_code}: {done.stderr[-2000:].strip()}")
        return Report(
            content=done.stdout,
            exit_code=done.exit_code,
            stderr=done.stderr,
            version=None if found.version == "unknown" else found.version,
            root=str(inventory.target),
            started_at=done.started_at,
            finished_at=done.finished_at,
        )

    def normalize(self, report: Report, inventory: Inventory | None) -> ScanResult:
        """Read `weightgate.picklescan-run/v1`, or else the text of `picklescan -p PATH -g`."""
        if not report.content.lstrip().startswith(b"{"):
            from weightgate.scanners import picklescan_text

            return picklescan_text.normalize(report, inventory)
        said = _read(report)
        files = {file.path for file in said.files} if inventory is None else {file.path for file in inventory.files}
        paths = Paths(report.root or "", files)
        errors = [
            problem("unknown-file", f"the report speaks of {paths.clean(file.path)}, which is no file of the model")
            for file in said.files
            if file.path not in files
        ]
        errors += [problem("exception", paths.clean(file.error), file.path) for file in said.files if file.error]
        reasons = {file.path: file.gaps() for file in said.files if file.path in files}
        if inventory is not None:
            _add_unread(reasons, said, inventory)
        scan = finish(
            scanner=NAME,
            version=report.version or said.version,
            report=report,
            inventory=inventory,
            files=files,
            scanned=[path for path, gaps in reasons.items() if not gaps],
            reasons={path: [paths.clean(gap) for gap in gaps] for path, gaps in reasons.items() if gaps},
            errors=errors,
            files_scanned=sum(file.read and file.path in files for file in said.files),
            reads=FORMATS,
        )
        found = [finding(each, file.path, part.member, paths) for file, part, each in said.imports()]
        return ScanResult(scan, identify(found), stored_files(files) if inventory is None else ())


@dataclass(frozen=True, slots=True)
class Import:
    """One import that a pickle makes, as picklescan judges it."""

    module: str
    name: str
    safety: str


@dataclass(frozen=True, slots=True)
class _Part:
    """One stream: a file, or a member of an archive."""

    member: str | None
    globals: tuple[Import, ...]
    issues_count: int
    scan_err: bool
    warnings: tuple[str, ...]
    error: str | None

    @property
    def why(self) -> str | None:
        """Why the stream does not count as read, or `None`."""
        if self.error is None and not self.warnings:
            return "picklescan reports an error of the scan" if self.scan_err else None
        return "; ".join([*self.warnings, *([self.error] if self.error else [])])


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    format: str
    parts: tuple[_Part, ...]
    error: str | None

    @property
    def read(self) -> bool:
        """Whether anything of the file was read."""
        return any(part.error is None for part in self.parts)

    def gaps(self) -> list[str]:
        """Return why the file is not covered; nothing when it is."""
        if self.error is not None and not self.parts:
            return [self.error]
        reasons = [self.error] if self.error else []
        if self.format in archives.ZIP_FORMATS:
            return reasons + self._members()
        if len(self.parts) != 1 or self.parts[0].member is not None:
            return [*reasons, "the report does not say that it was read"]
        return reasons + ([self.parts[0].why] if self.parts[0].why else [])

    def _members(self) -> list[str]:
        by_name: dict[str, str | None] = {}
        for part in self.parts:
            # NOTE: two members can share a name; one that was not read speaks for both.
            by_name[part.member or ""] = by_name.get(part.member or "") or part.why
        return archives.gaps(by_name, torch=self.format == "torch-zip")


@dataclass(frozen=True, slots=True)
class _Said:
    version: str
    files: tuple[_File, ...]

    def imports(self) -> list[tuple[_File, _Part, Import]]:
        """Return every import that is worth a finding, each with its place."""
        return [
            (file, part, each)
            for file in self.files
            for part in file.parts
            for each in part.globals
            if each.safety != _SAFE
        ]


_PART = strict.record(
    _Part,
    {
        "member": strict.nullable(strict.string),
        "globals": strict.array(
            strict.record(Import, {"module": strict.string, "name": strict.string, "safety": strict.text})
        ),
        "issues_count": strict.count,
        "scan_err": strict.boolean,
        "warnings": strict.array(strict.text),
        "error": strict.nullable(strict.text),
    },
)
_FILE = strict.record(
    _File,
    {
        "path": strict.text,
        "format": strict.word(*sorted(FORMATS)),
        "parts": strict.array(_PART),
        "error": strict.nullable(strict.text),
    },
)
_SAID = strict.record(
    lambda schema, picklescan, files: _Said(picklescan, files),
    {"schema": strict.word(SCHEMA), "picklescan": strict.text, "files": strict.array(_FILE)},
)


def _read(report: Report) -> _Said:
    if report.exit_code not in (None, 0):
        raise MalformedReport(
            f"picklescan report: it was left with exit code {report.exit_code}; expected 0; scan again"
        )
    value = load_report(report, NAME)
    try:
        said = _SAID(value, "")
        seen: set[str] = set()
        for number, file in enumerate(said.files):
            if file.path in seen:
                strict.fail(f"/files/{number}/path", f"the path {strict.show(file.path)} stands twice in the report")
            seen.add(file.path)
            for place, part in enumerate(file.parts):
                dangerous = sum(each.safety == "dangerous" for each in part.globals)
                if dangerous != part.issues_count:
                    at = f"/files/{number}/parts/{place}/issues_count"
                    strict.fail(at, f"found {part.issues_count}, but {dangerous} dangerous globals are listed")
    except InvalidDocument as exc:
        raise MalformedReport(
            f"picklescan report: at {exc.pointer or 'the top level'}: {exc.problem}; scan again"
        ) from exc
    return said


def _add_unread(reasons: dict[str, list[str]], said: _Said, inventory: Inventory) -> None:
    """Add what the inventory knows: files that picklescan does not read, and those it read as something else."""
    formats = {file.path: file.format for file in said.files}
    for file in inventory.files:
        if file.path not in formats:
            if file.format not in FORMATS:
                reasons[file.path] = [f"picklescan does not read {file.format}"]
        elif formats[file.path] != file.format:
            reasons[file.path].append(f"it was read as {formats[file.path]}, but what it holds is {file.format}")


def finding(each: Import, path: str | None, location: str | None, paths: Paths) -> Finding:
    """Return the finding about one import; a `safety` that is not known gives the severity `UNKNOWN`."""
    named = f"{each.module}.{each.name}"
    known = each.safety if each.safety in _SEVERITIES else "unknown"
    owned = path in paths.files
    place = location if owned else ":".join(filter(None, (path, location)))
    return Finding(
        id="",
        scanner=NAME,
        rule=paths.title(f"{known}-global/{named}"),
        threat=None,
        category="pickle-import",
        severity=_SEVERITIES.get(each.safety, Severity.UNKNOWN),
        native_severity=each.safety,
        title=paths.title(f"{known} import {named}"),
        description=paths.clean(f"{each.safety} import '{each.module} {each.name}'"),
        path=path if owned else None,
        location=paths.clean(place) if place else None,
        remediation=None,
        references=(),
        enforcement=None,
    )
