"""What every adapter does with a report: read it strictly, find the model's files in it, sum up what it vouches for.

Everything here fails closed: a path that is no known file covers none, a file that nothing vouches for is `unscanned`.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from weightgate import strict
from weightgate.errors import InvalidDocument, MalformedReport
from weightgate.findings import ModelFile, Scan, ScanErrorRecord, Status, Unscanned
from weightgate.scanners.interface import Inventory, Report

T = TypeVar("T")

NOT_MENTIONED = "the report does not mention this file"
TITLE = 200
"""Most characters of a finding's title."""
TEXT = 4000
"""Most characters of a description, a reason or an error's message."""

# A temporary directory of the scanner, as Python's `tempfile` names it: it differs from run to run, and ids must not.
# The look-behind lets a match start only where a path starts, which keeps hostile text linear.
_TEMPORARY = re.compile(r"(?<![\w.+/-])(?:/[\w.+-]+)*/tmp[a-z0-9_]{8}(?![\w-])")
_ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,16}\b")


def load_report(report: Report, scanner: str) -> Any:
    """Return the one strict JSON document that `report` holds.

    Raises `MalformedReport` for anything else: truncated, a second document behind it, duplicate keys, NaN, not UTF-8.
    """
    try:
        return strict.loads(report.content, f"{scanner} report")
    except InvalidDocument as exc:
        raise MalformedReport(f"{exc}; scan again, or pass the report as {scanner} wrote it") from exc


def as_record(value: Any, where: str) -> dict[str, Any]:
    """Return `value` when it is a JSON object; raises `MalformedReport` naming `where` otherwise."""
    if type(value) is not dict:
        raise MalformedReport(f"{where}: found {strict.show(value)}; expected an object")
    return value


def member(record: Mapping[str, Any], key: str, kind: type[T], where: str) -> T | None:
    """Return `record[key]`, `None` when absent or null; raises `MalformedReport` when it is not exactly a `kind`."""
    value = record.get(key)
    if value is None or type(value) is kind:
        return value
    raise MalformedReport(f"{where}: {key}: found {strict.show(value)}; expected {kind.__name__}")


def required(record: Mapping[str, Any], key: str, kind: type[T], where: str) -> T:
    """Return `record[key]`; raises `MalformedReport` when it is absent, null or not exactly a `kind`."""
    value = member(record, key, kind, where)
    if value is None:
        raise MalformedReport(f"{where}: the key {strict.show(key)} is missing; expected {kind.__name__}")
    return value


def records(record: Mapping[str, Any], key: str, where: str) -> list[dict[str, Any]] | None:
    """Return `record[key]`, a list of objects, `None` when it is absent or null; raises `MalformedReport` otherwise."""
    items = member(record, key, list, where)
    if items is None:
        return None
    return [as_record(item, f"{where}: {key}/{number}") for number, item in enumerate(items)]


def infer_root(paths: Iterable[str]) -> str:
    """Return the directory that holds all of `paths`: of absolute paths their common parent, else the empty string."""
    parents = {os.path.dirname(path) for path in paths}
    if not parents or not all(parent.startswith("/") for parent in parents):
        return ""
    return os.path.commonpath(parents)


def root_of(report: Report, inventory: Inventory | None, paths: Sequence[str]) -> str:
    """Return the directory that `report`'s absolute paths are relative to; `paths` are the files that it lists.

    It is `report.root`, else the inventory's, else what `paths` have in common. A root that is one file means the
    directory of that file.
    """
    if inventory is not None:
        given = report.root or str(inventory.target)
        return given if inventory.single is None else os.path.dirname(given)
    if report.root is None:
        return infer_root(paths)
    return os.path.dirname(report.root) if report.root in paths else report.root.rstrip("/") or "/"


def parents(paths: Iterable[str]) -> set[str]:
    """Return every directory above one of the relative `paths`, without the root itself."""
    found: set[str] = set()
    for path in paths:
        folder = path
        while (folder := os.path.dirname(folder)) and folder not in found and folder != "/":
            found.add(folder)
    return found


class Paths:
    """The model's files, and where a report's path strings point among them."""

    def __init__(self, root: str, files: Iterable[str]) -> None:
        """`root` is absolute, or empty where the report's paths are relative; `files` are relative to it."""
        self.root = root
        self.files = frozenset(files)
        self._longest = max(map(len, self.files), default=0)
        self._prefix = root.rstrip("/") + "/" if root else ""
        # Not inside a longer name: with the root /m, /models is another directory.
        self._in_text = re.compile(rf"(?<![\w./-]){re.escape(root)}(?:/|(?![\w.-]))") if root.strip("/") else None

    def relative(self, text: str) -> str | None:
        """Return `text` relative to the root, whether or not such a file is known; `None` when it lies outside."""
        if text.startswith("/"):
            if not self._prefix or not text.startswith(self._prefix):
                return None
            text = text[len(self._prefix) :]
        return None if not text or text.startswith("/") or ".." in text.split("/") else text

    def file(self, text: str) -> str | None:
        """Return the known file whose path `text` is, absolute or relative, with nothing behind it; else `None`."""
        path = self.relative(text)
        return path if path in self.files else None

    def owners(self, text: str) -> list[tuple[str, str | None]]:
        """Return the known files that `text` can mean, longest path first, each with the rest of `text`, or `None`.

        A rest starts with `:` (an archive's member) or ` (` (a position). `:` is legal in names, so the first colon
        decides nothing: with the files `a` and `a:b`, the text `a:b:c` is `:c` in `a:b` or `:b:c` in `a`.
        """
        if text.startswith("/"):
            if not self._prefix or not text.startswith(self._prefix):
                return []
            text = text[len(self._prefix) :]
        found: list[tuple[str, str | None]] = [(text, None)] if text in self.files else []
        for end in range(min(len(text) - 1, self._longest), 0, -1):
            if (text[end] == ":" or text.startswith(" (", end)) and text[:end] in self.files:
                found.append((text[:end], text[end:]))
        return found

    def locate(self, text: str) -> tuple[str | None, str | None]:
        """Return (file, location) of `text`, for a finding; the file is `None` when no known file owns it.

        Of an absolute path outside the root only the last step is kept: a scanner resolves `../../x` against the place
        where the model happens to lie, and a finding's id must be the same wherever that is.
        """
        owners = self.owners(text)
        if not owners:
            outside = text.startswith("/") and not text.startswith(self._prefix or "//")
            return None, self.clean(f"outside the model: {text.rsplit('/', 1)[1]}" if outside else text) or None
        path, rest = owners[0]
        return path, None if rest is None else self.clean(rest)

    def clean(self, text: str) -> str:
        """Return `text` cut to size, without what differs between runs: the root, temporary directories, addresses."""
        if self._in_text is not None:
            text = self._in_text.sub("", text)
        text = shorten(text, TEXT)
        if "/tmp" in text:  # noqa: S108 - looked for, not used
            text = _TEMPORARY.sub("(temporary)", text)
        return _ADDRESS.sub("at 0x…", text) if "at 0x" in text else text

    def title(self, text: str) -> str:
        """Return `text` cleaned, on one line of at most 200 characters, never empty."""
        return shorten(" ".join(self.clean(text).split()), TITLE) or "(no text)"


def shorten(text: str, limit: int) -> str:
    """Return `text`, cut to `limit` characters with `…` as the last when it is longer."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def problem(code: str, message: str, path: str | None = None) -> ScanErrorRecord:
    """Return an error record with its message cut to size."""
    return ScanErrorRecord(code, shorten(message, TEXT), path)


def stored_files(paths: Iterable[str]) -> tuple[ModelFile, ...]:
    """Return the files of a model that is not here, by path: size 0, sha256 `None`, format `unknown`."""
    return tuple(ModelFile(path, 0, None, "unknown") for path in sorted(set(paths)))


def finish(
    *,
    scanner: str,
    version: str | None,
    report: Report,
    inventory: Inventory | None,
    files: Iterable[str],
    scanned: Iterable[str],
    reasons: Mapping[str, Sequence[str]],
    errors: Sequence[ScanErrorRecord],
    files_scanned: int | None,
    failed: bool = False,
    reads: Collection[str] = (),
) -> Scan:
    """Return the scan: `failed`, `partial` with its reasons, or `completed` when nothing at all is missing.

    `files` are the model's known files (of a stored report, those it names), `scanned` those it vouches for, `reasons`
    why a file does not count (whatever `scanned` says), `errors` the scanner's own. `failed` says that the scan did not
    happen or was aborted; a scan of 0 files is failed, too, unless the model is here and holds no file of the formats
    that the scanner `reads`: that is partial. A report that names no file at all cannot be completed.
    """
    known = set(files)
    vouched = set(scanned)
    lost = {path: list(texts) or [NOT_MENTIONED] for path, texts in reasons.items()}
    for path in known - vouched - lost.keys():
        lost[path] = [NOT_MENTIONED]
    for item in inventory.unreadable if inventory is not None else ():
        lost.setdefault(item.path, []).append(item.reason)
    unscanned = tuple(Unscanned(path, _reason(texts)) for path, texts in sorted(lost.items()))
    records = list(dict.fromkeys(errors))
    if not known:
        records.append(
            problem("no-files", "no file of the model is known: neither the report nor the directory names one")
        )
    status = Status.PARTIAL if unscanned or records else Status.COMPLETED
    if failed or (files_scanned == 0 and not _nothing_to_read(inventory, records, reads)):
        status = Status.FAILED
    return Scan(
        scanner=scanner,
        version=version,
        status=status,
        outcome=None if status is Status.FAILED else "CLEAN",
        started_at=report.started_at,
        finished_at=report.finished_at,
        files_scanned=files_scanned,
        unscanned=unscanned,
        errors=tuple(sorted(records, key=lambda item: (item.code, item.path or "", item.message))),
        reference=None,
        report_sha256=strict.digest(report.content).removeprefix("sha256:"),
    )


def _nothing_to_read(inventory: Inventory | None, records: Sequence[ScanErrorRecord], reads: Collection[str]) -> bool:
    """Whether the model is here, the scanner made no error, and no file is of a format that the scanner reads."""
    if inventory is None or not inventory.files or records or not reads:
        return False
    return all(file.format not in reads for file in inventory.files)


def _reason(texts: Sequence[str]) -> str:
    lines = dict.fromkeys(" ".join(text.split()) for text in texts)
    return shorten("; ".join(line for line in lines if line), TEXT) or "no reason given"
