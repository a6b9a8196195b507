"""What fickling leaves: a report of its own, or the document that weightgate makes of one run for each file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from weightgate import strict
from weightgate.errors import InvalidDocument, MalformedReport
from weightgate.scanners.common import load_report
from weightgate.scanners.interface import Inventory, Report

NAME = "fickling"
SCHEMA = "weightgate.fickling-run/v1"
SAFE = "LIKELY_SAFE"

_SPACE = re.compile(r"[ \t\r\n]*")
_TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file's run; `exit_code` is `None` when it did not end by itself, or for a bare report."""

    path: str | None
    exit_code: int | None
    report: str | None
    stderr: str


@dataclass(frozen=True, slots=True)
class Pickle:
    """fickling's document on one pickle: its word, its analysis line by line, and what it found by analysis."""

    severity: str
    lines: tuple[str, ...]
    triggers: dict[str, str]


_RUN = strict.record(
    lambda schema, fickling, files: (fickling, files),
    {
        "schema": strict.word(SCHEMA),
        "fickling": strict.nullable(strict.text),
        "files": strict.array(
            strict.record(
                Entry,
                {
                    "path": strict.text,
                    "exit_code": strict.nullable(strict.count),
                    "report": strict.nullable(strict.string),
                    "stderr": strict.string,
                },
            )
        ),
    },
)


def read(report: Report, inventory: Inventory | None) -> tuple[str | None, tuple[Entry, ...]]:
    """Return fickling's version and the entries; of a bare report `None` and one entry. Raises `MalformedReport`."""
    if b'"schema"' not in report.content[:200]:
        return None, (_bare(report, inventory),)
    value = load_report(report, NAME)
    try:
        version, entries = _RUN(value, "")
        seen: set[str] = set()
        for number, entry in enumerate(entries):
            if entry.path in seen:
                strict.fail(f"/files/{number}/path", f"the path {strict.show(entry.path)} stands twice in the report")
            seen.add(entry.path)
    except InvalidDocument as exc:
        raise MalformedReport(
            f"fickling report: at {exc.pointer or 'the top level'}: {exc.problem}; scan again"
        ) from exc
    return version, entries


def _bare(report: Report, inventory: Inventory | None) -> Entry:
    try:
        text = report.content.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise MalformedReport(f"fickling report: byte {exc.start} is not valid UTF-8; scan again") from exc
    documents = _documents(text)
    unsafe = any(document.severity != SAFE for document in documents)
    if report.exit_code is not None and report.exit_code != int(unsafe):
        raise MalformedReport(f"fickling report: fickling exited with {report.exit_code}, which does not go with it")
    single = len(inventory.files) == 1 if inventory else False
    path = inventory.files[0].path if inventory and single and not inventory.unreadable else None
    return Entry(path, int(unsafe), text, report.stderr)


def _documents(text: str) -> tuple[Pickle, ...]:
    """Return the JSON documents that stand one behind the other in `text`; raises `MalformedReport`."""
    decoder = json.JSONDecoder()
    documents: list[Pickle] = []
    at = _next(text, 0)
    while at < len(text):
        where = f"fickling report: document {len(documents) + 1}"
        try:
            _, end = decoder.raw_decode(text, at)
            value = strict.loads(text[at:end].encode("utf-8"), where)
            documents.append(_DOCUMENT(value, ""))
        except InvalidDocument as exc:
            raise MalformedReport(f"{where}: at {exc.pointer or 'the top level'}: {exc.problem}") from exc
        except (ValueError, RecursionError) as exc:
            raise MalformedReport(f"{where}: not JSON: {exc}; expected what `fickling --json-output` writes") from exc
        at = _next(text, end)
    if not documents:
        raise MalformedReport("fickling report: it is empty; fickling did not analyse the file")
    return tuple(documents)


def _next(text: str, at: int) -> int:
    """Return the place of the first character from `at` on that is no white space."""
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _pickle(severity: str, analysis: str, detailed_results: dict[str, dict[str, str]]) -> Pickle:
    triggers = {name: evidence for results in detailed_results.values() for name, evidence in results.items()}
    if severity == SAFE and triggers:
        strict.fail("/severity", f"found {severity}, but {min(triggers)} was found in the pickle")
    return Pickle(severity, tuple(sorted({line for line in analysis.splitlines() if line.strip()})), triggers)


_DOCUMENT = strict.record(
    _pickle,
    {
        "severity": strict.text,
        "analysis": strict.string,
        "detailed_results": strict.mapping(strict.mapping(strict.string)),
    },
)


def judge(entry: Entry) -> tuple[tuple[Pickle, ...], str | None]:
    """Return the documents on one file, and why the file does not count as analysed (`None` when it does)."""
    last = next((line for line in reversed(entry.stderr.splitlines()) if line.strip()), "no reason given")
    try:
        documents = _documents(entry.report) if entry.report else ()
    except MalformedReport as exc:
        return (), str(exc)
    if entry.exit_code is None or _TRACEBACK in entry.stderr:
        return documents, f"fickling crashed: {last}"
    if not documents:
        first = next((line for line in entry.stderr.splitlines() if line.strip()), "no reason given")
        return (), f"fickling exited with {entry.exit_code} and wrote no report: {first}"
    unsafe = any(document.severity != SAFE for document in documents)
    if entry.exit_code != int(unsafe):
        return documents, f"fickling exited with {entry.exit_code}, which does not go with its report"
    return documents, None
