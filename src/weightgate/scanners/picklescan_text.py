"""The text that picklescan's own program prints, `picklescan -p PATH -g > REPORT`.

It names the files with a dangerous import and those that it could not parse, and counts the rest: nothing in it says
which files were read. So it never vouches for a file, and a scan that it describes is at best `partial`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from weightgate.errors import MalformedReport
from weightgate.findings import Finding, ScanErrorRecord, identify
from weightgate.scanners import members as archives
from weightgate.scanners.common import Paths, finish, problem, root_of, stored_files
from weightgate.scanners.interface import Inventory, Report, ScanResult
from weightgate.scanners.picklescan import NAME, Import, finding

NOT_LISTED = "picklescan's text does not say which files it read; let weightgate run it"
MAX_ODD_LINES = 20
"""As many lines that are not known are reported one by one."""

_SUMMARY = "----------- SCAN SUMMARY -----------"
_ABORTED = "Unhandled exception"
_FOUND = re.compile(
    r"(?P<file>.+?): (?P<safety>\w+) import '(?P<module>\S*) (?P<name>.*)' FOUND(?: \(promoted by --strict\))?"
)
_ERROR = "ERROR: parsing pickle in "
_LOST = (
    re.compile(r"WARNING: could not parse (?P<file>.+) as pickle: (?P<why>.*)"),
    re.compile(_ERROR + r"(?P<file>.+?): (?P<why>.*)"),
    re.compile(r"Invalid file (?P<why>.*) in zip archive (?P<file>.+?): .*"),
)
_TRIED_AGAIN = re.compile(r"WARNING: Invalid PyTorch magic number for file .*Trying to scan as non-PyTorch file\.")
_COUNT = re.compile(r"(Scanned files|Infected files|Suspicious globals|Dangerous globals): (\d{1,15})")
_LISTING = "All globals found:"
_GLOBAL = re.compile(r"  \* (?P<module>.*)\.(?P<name>[^.]*) - (?P<safety>\w+)")


@dataclass(slots=True)
class _Said:
    """What the lines of a report say."""

    found: list[tuple[str, Import]] = field(default_factory=list)
    """File and import of every line that ends in FOUND."""
    lost: list[tuple[str, str]] = field(default_factory=list)
    """File and line of every warning about one."""
    counts: dict[str, int] = field(default_factory=dict)
    listed: list[Import] | None = None
    """The list of all globals; `None` without `-g`."""
    aborted: str | None = None
    """The exception that ended the scan."""
    odd: list[str] = field(default_factory=list)
    failed_to_parse: bool = False


def normalize(report: Report, inventory: Inventory | None) -> ScanResult:
    """Return what the text says; every file is `unscanned`, and `failed` is a scan without its summary.

    Raises `MalformedReport` when it is no such text, or when it counts other imports than it names.
    """
    said = _parse(report)
    _check(said, report.exit_code)
    sources = [file for file, _ in (*said.found, *said.lost)]
    stored = archives.stored_files(sources)
    root = root_of(report, inventory, sorted(stored))
    relative = Paths(root, ()).relative
    files = {file.path for file in inventory.files} if inventory else {path for path in map(relative, stored) if path}
    paths = Paths(root, files)
    errors = _errors(said, paths)
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for source, line in said.lost:
        path, _ = paths.locate(source)
        if path is not None:
            reasons[path].append(paths.clean(line))
    for path in files - reasons.keys():
        reasons[path].append(NOT_LISTED)
    scan = finish(
        scanner=NAME,
        version=report.version,
        report=report,
        inventory=inventory,
        files=files,
        scanned=(),
        reasons=reasons,
        errors=errors,
        files_scanned=said.counts.get("Scanned files"),
        failed=said.aborted is not None or "Scanned files" not in said.counts,
    )
    return ScanResult(scan, identify(_findings(said, paths)), stored_files(files) if inventory is None else ())


def _parse(report: Report) -> _Said:
    try:
        lines = report.content.decode("utf-8").split("\n")
    except UnicodeDecodeError as exc:
        raise MalformedReport(f"picklescan report: byte {exc.start} is not valid UTF-8; scan again") from exc
    said = _Said()
    for number, line in enumerate(lines):
        if line == _ABORTED:
            said.aborted = next((rest for rest in reversed(lines[number + 1 :]) if rest.strip()), line)
            break
        _take(line, said)
    if not (said.found or said.lost or said.counts or said.aborted):
        raise MalformedReport(
            "picklescan report: neither findings nor a summary in it; expected what `picklescan -p PATH -g` prints"
        )
    return said


def _take(line: str, said: _Said) -> None:
    if match := _COUNT.fullmatch(line):
        if match[1] in said.counts:
            raise MalformedReport(f"picklescan report: two lines {match[1]!r}; expected one report of one run")
        said.counts[match[1]] = int(match[2])
    elif line == _LISTING:
        said.listed = []
    elif said.listed is not None and (match := _GLOBAL.fullmatch(line)):
        said.listed.append(Import(match["module"], match["name"], match["safety"]))
    elif match := _FOUND.fullmatch(line):
        said.found.append((match["file"], Import(match["module"], match["name"], match["safety"])))
    elif match := next((match for lost in _LOST if (match := lost.fullmatch(line))), None):
        said.lost.append((match["file"], line))
        said.failed_to_parse = said.failed_to_parse or line.startswith(_ERROR)
    elif line.strip() and line != _SUMMARY and not _TRIED_AGAIN.fullmatch(line):
        said.odd.append(line)


def _check(said: _Said, exit_code: int | None) -> None:
    """Refuse a report that contradicts itself: what it counts and does not name would be lost."""
    dangerous = len(said.found)
    if said.counts and said.aborted is None:
        missing = {"Scanned files", "Suspicious globals", "Dangerous globals"} - said.counts.keys()
        if missing:
            raise MalformedReport(f"picklescan report: no line {min(missing)!r} in the summary; it was cut")
        counted = {word: said.counts[f"{word.capitalize()} globals"] for word in ("dangerous", "suspicious")}
        named = {"dangerous": dangerous}
        if said.listed is not None:
            named["suspicious"] = sum(each.safety == "suspicious" for each in said.listed)
        for word, number in named.items():
            if number != counted[word]:
                raise MalformedReport(f"picklescan report: {counted[word]} {word} globals, but {number} are named")
    expected = 2 if said.aborted is not None or said.failed_to_parse else 1 if dangerous else 0
    if exit_code is not None and exit_code != expected:
        raise MalformedReport(
            f"picklescan report: picklescan exited with {exit_code}, but what it printed goes with {expected}"
        )


def _errors(said: _Said, paths: Paths) -> list[ScanErrorRecord]:
    errors = [problem("unknown-line", paths.clean(line)) for line in said.odd[:MAX_ODD_LINES]]
    if len(said.odd) > MAX_ODD_LINES:
        errors.append(problem("unknown-line", f"{len(said.odd) - MAX_ODD_LINES} more lines that are not known"))
    if said.aborted is not None:
        errors.append(problem("aborted", f"picklescan stopped in the middle of the scan: {paths.clean(said.aborted)}"))
    elif not said.counts:
        errors.append(problem("aborted", "the report ends before its summary"))
    unnamed = said.counts.get("Suspicious globals", 0)
    if unnamed and said.listed is None:
        errors.append(problem("not-listed", f"{unnamed} suspicious imports are counted and not named; use `-g`"))
    for source in dict.fromkeys(source for source, _ in (*said.found, *said.lost)):
        path, named = paths.locate(source)
        if path is None:
            errors.append(problem("unknown-file", f"the report speaks of {named}, which is no file of the model"))
    return errors


def _findings(said: _Said, paths: Paths) -> list[Finding]:
    findings = []
    for source, each in said.found:
        path, place = paths.locate(source)
        findings.append(finding(each, path, place.removeprefix(":") if place else None, paths))
    # NOTE: the list of all globals repeats the dangerous ones; whose the others are, it does not say.
    rest = [each for each in said.listed or () if each.safety not in ("innocuous", "dangerous")]
    return findings + [finding(each, None, None, paths) for each in rest]
