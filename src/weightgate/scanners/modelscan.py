"""ModelScan: runs `modelscan scan`, and reads its JSON report.

Its report is no list of what is clean. Files and members of archives that it skips are named only with
`--show-skipped`; it goes by lower-case file extensions; of torch's old format it reads the first pickle and calls the
file scanned; it forgets that an archive broke off when it had read one member. So a file counts only when the report
says that all of it was scanned, nothing in the report says otherwise, and its content is what its name made ModelScan
read. See: ModelScan 0.8.8, `modelscan.py`, `tools/picklescanner.py`, `settings.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from weightgate.errors import ScannerError
from weightgate.findings import Finding, ScanErrorRecord, Severity, identify
from weightgate.scanners import members as archives
from weightgate.scanners.common import Paths, finish, problem, stored_files
from weightgate.scanners.installations import Program, program
from weightgate.scanners.interface import Inventory, Limits, Progress, Report, Scanner, ScanResult
from weightgate.scanners.modelscan_report import NAME, WHERE, Note, Said, read, text

_SEVERITIES = {word: Severity(word) for word in ("CRITICAL", "HIGH", "MEDIUM", "LOW")}

_TORCH_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt")
_READ_BY_NAME = {
    "pickle": (".pkl", ".pickle", ".joblib", ".dill", ".dat", ".data", ".npy"),
    "numpy": (".npy",),
    "hdf5": (".h5",),
    "keras-zip": (".keras",),
    "tensorflow-savedmodel": (".pb",),
}
"""By format of the content: the extensions that make ModelScan read such a file as what it is."""
FORMATS = frozenset({*_READ_BY_NAME, *archives.ZIP_FORMATS, "torch-legacy", "zlib", "gzip", "unknown"})
"""The formats (see `weightgate.filetypes`) that it reads, or may try to read for the sake of a file's name."""
_FIRST_PICKLE_ONLY = "modelscan reads only the first pickle of torch's format before 1.6"


class ModelScan(Scanner):
    """Protect AI's ModelScan: unsafe operators in pickles, torch files, numpy arrays, Keras and TensorFlow models."""

    name = NAME

    def __init__(self, find: Callable[[str], Program] = program) -> None:
        """`find` returns the program by the scanner's name."""
        self._find = find

    def run(self, inventory: Inventory, limits: Limits, progress: Progress) -> Report:
        """Run `modelscan scan` over links to the files of `inventory`, so that it follows no other link."""
        from weightgate.scanners.process import Workspace

        found = self._find(NAME)
        with Workspace() as workspace:
            target = _mirror(inventory, workspace.path / "model")
            output = workspace.path / "report.json"
            options = ("-r", "json", "--show-skipped", "-l", "ERROR", "-o", str(output))
            done = workspace.run([found.path, "scan", "-p", target, *options], limits=limits, progress=progress)
            if not output.is_file():
                said = (done.stdout[-2000:].decode("utf-8", "replace") + done.stderr[-2000:]).strip()
                raise ScannerError(
                    f"modelscan left no report (exit code {done.exit_code}); it said: {said or 'nothing'}"
                )
            return Report(
                content=output.read_bytes(),
                exit_code=done.exit_code,
                stderr=done.stderr,
                version=None if found.version == "unknown" else found.version,
                root=str(target),
                started_at=done.started_at,
                finished_at=done.finished_at,
            )

    def normalize(self, report: Report, inventory: Inventory | None) -> ScanResult:
        """Read `modelscan … -r json -o REPORT`; `Scan.files_scanned` counts the files with anything scanned in them."""
        said = read(report)
        files = archives.stored_files(said.sources()) if inventory is None else {file.path for file in inventory.files}
        coverage = _Coverage(Paths(said.root, files), inventory)
        coverage.add(said)
        findings = [_finding(issue, coverage.paths) for issue in said.issues]
        scan = finish(
            scanner=NAME,
            version=report.version or said.version,
            report=report,
            inventory=inventory,
            files=files,
            scanned=coverage.looked_at,
            reasons=coverage.reasons(said),
            errors=coverage.errors,
            files_scanned=len(coverage.looked_at),
            reads=FORMATS,
        )
        return ScanResult(scan, identify(findings), stored_files(files) if inventory is None else ())


def _mirror(inventory: Inventory, top: Path) -> Path:
    """Make `top` a directory of links to the files of `inventory`; return what to scan in it."""
    try:
        top.mkdir()
        for file in inventory.files:
            link = top / file.path
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(inventory.root / file.path)
    except OSError as exc:
        raise ScannerError(f"the model could not be laid out for modelscan: {exc}") from exc
    return top if inventory.single is None else top / inventory.single


@dataclass(slots=True)
class _Coverage:
    """What the report says about each file, the file itself and the members of an archive apart."""

    paths: Paths
    inventory: Inventory | None
    looked_at: set[str] = field(default_factory=set)
    """Files of which anything was scanned."""
    errors: list[ScanErrorRecord] = field(default_factory=list)
    _whole: set[str] = field(default_factory=set)
    _against: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _unsupported: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _members: defaultdict[str, dict[str, str | None]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, said: Said) -> None:
        """Take in all entries; those that speak against a file come last and win."""
        for source in said.scanned:
            owners = self._owners(source)
            for path, name in owners:
                if len(owners) > 1:
                    self._against[path].append(f"the report's {source} can mean more than one file")
                self._scanned(path, name)
        for note in said.skipped or ():
            for path, name in self._owners(note.source or ""):
                self._lost(path, name, note)
        for note in said.errors:
            owners = self._owners(note.source) if note.source else []
            for path, name in owners:
                self._lost(path, name, note)
            message = self.paths.clean(note.description)
            self.errors.append(problem(note.category, message, owners[0][0] if owners else None))
        for issue in said.issues:
            self._owners(issue.get("source") or "")

    def _owners(self, source: str) -> list[tuple[str, str | None]]:
        """Return the (file, member) pairs that `source` can mean; none is an error of the report."""
        owners = [
            (path, rest[1:] if rest else None)
            for path, rest in self.paths.owners(source)
            if rest is None or (rest.startswith(":") and len(rest) > 1)
        ]
        if not owners:
            named = self.paths.clean(source) or "an empty path"
            self.errors.append(problem("unknown-file", f"the report speaks of {named}, which is no file of the model"))
        return owners

    def _scanned(self, path: str, name: str | None) -> None:
        self.looked_at.add(path)
        if name is None:
            self._whole.add(path)
            return
        why = _FIRST_PICKLE_ONLY if name.endswith(_TORCH_SUFFIXES) else None
        self._members[path].setdefault(name, why)

    def _lost(self, path: str, name: str | None, note: Note) -> None:
        if name is not None:
            self._members[path][name] = self.paths.clean(note.why)
        elif note.category == "SCAN_NOT_SUPPORTED":
            self._unsupported[path].append(note.why)
        else:
            self._against[path].append(self.paths.clean(note.why))

    def reasons(self, said: Said) -> dict[str, list[str]]:
        """Return why each file that is not covered is not."""
        formats = {file.path: file.format for file in self.inventory.files} if self.inventory else {}
        found = {path: self._gaps(path, formats.get(path)) for path in self.paths.files}
        if said.skipped is None:
            for reasons in found.values():
                reasons.append("the report was written without --show-skipped, so what was skipped is unknown")
        return {path: reasons for path, reasons in found.items() if reasons}

    def _gaps(self, path: str, kind: str | None) -> list[str]:
        """`kind` is the format of the content; `None` when the file is not here."""
        reasons = list(self._against[path])
        members = self._members[path]
        if not members or ":" not in path:
            # NOTE: ModelScan calls every archive unsupported and takes that back when it lists members of it, except
            # where the archive's name has a colon.
            reasons += self._unsupported[path]
        if members and kind is not None and kind not in archives.ZIP_FORMATS:
            reasons.append(f"the report lists members of it, but what it holds is {kind}")
        if self.inventory is not None and kind in archives.ZIP_FORMATS and (members or path in self._whole):
            reasons += _unmentioned(self.inventory.root / path, path, members)
        if members:
            reasons += archives.gaps(members, torch=kind == "torch-zip")
        elif path in self._whole:
            reasons += _not_as_named(path, kind)
        return reasons


def _unmentioned(place: Path, path: str, members: dict[str, str | None]) -> Sequence[str]:
    """Add the members that the report does not mention: ModelScan forgets them when an archive breaks off."""
    try:
        names = archives.listed(place)
    except ScannerError as exc:
        return [str(exc)]
    prefix = len(f"{path}:")
    # NOTE: ModelScan passes `file:member` through `pathlib`, which drops `//` and `/./`.
    plain = [str(PurePosixPath(f"{path}:{name}"))[prefix:] for name in names]
    for name in plain:
        members.setdefault(name, "the report does not mention it")
    twice = sorted({name for name in plain if plain.count(name) > 1}) if len(set(plain)) != len(plain) else []
    return [f"two members are named {name}, and modelscan reads only one" for name in twice]


def _not_as_named(path: str, kind: str | None) -> list[str]:
    if kind == "torch-legacy" or path.endswith(_TORCH_SUFFIXES):
        return [_FIRST_PICKLE_ONLY]
    if kind is None or path.endswith(_READ_BY_NAME.get(kind, ())):
        return []
    return [f"modelscan reads files by their names, and what this one holds is {kind}"]


def _finding(issue: dict[str, Any], paths: Paths) -> Finding:
    where = f"{WHERE}: issues"
    scanner, module, operator = (text(issue, key, where) for key in ("scanner", "module", "operator"))
    native = text(issue, "severity", where)
    description = paths.clean(text(issue, "description", where) or "no description")
    path, place = paths.locate(text(issue, "source", where) or "")
    named = ".".join(word for word in (module, operator) if word)
    short = (scanner or "").rsplit(".", 1)[-1]
    return Finding(
        id="",
        scanner=NAME,
        rule=paths.title("/".join(word for word in (short, named) if word) or "unsafe-operator"),
        threat=None,
        category="unsafe-operator",
        severity=_SEVERITIES.get(native or "", Severity.UNKNOWN),
        native_severity=native,
        title=paths.title(description),
        description=description,
        path=path,
        location=place.removeprefix(":") if place else None,
        remediation=None,
        references=(),
        enforcement=None,
    )
