"""Decisions as a code-quality report, for GitLab merge requests: one entry a finding or word of a rule and model."""

from __future__ import annotations

import json
from typing import Any

from weightgate.decision import Decision
from weightgate.findings import FindingsDocument, fingerprint
from weightgate.formats import escape
from weightgate.formats.interface import Format, Report
from weightgate.formats.places import path_of
from weightgate.formats.rows import Row, State, rows

_SEVERITIES = {"CRITICAL": "blocker", "HIGH": "critical", "MEDIUM": "major", "LOW": "minor", "INFO": "info"}


class CodeQualityFormat(Format):
    """GitLab's report type `codequality`."""

    name = "codequality"
    file_name = "codequality.json"

    def render(self, report: Report) -> str:
        """Return a list of entries; of several environments, an entry tells what each made of the finding."""
        entries = [
            _entry(row, document, decisions)
            for document, decisions in report.models()
            for row in rows(decisions, document)
        ]
        return escape.json_text(json.dumps(entries, ensure_ascii=False, indent=1)) + "\n"


def _entry(row: Row, document: FindingsDocument, decisions: tuple[Decision, ...]) -> dict[str, Any]:
    if row.finding is not None:
        check = f"{row.finding.scanner}/{row.finding.rule}"
    else:
        check = row.rules[0] if row.rules else "exception"
    said = ". ".join([row.title, *row.notes, *row.remarks])
    return {
        "description": escape.shortened(escape.printable(f"{said} ({_states(row, decisions)})"), 2000),
        "check_name": escape.shortened(escape.printable(check), 250),
        "fingerprint": fingerprint(document.model.uri, row.id),
        "severity": _severity(row),
        "location": {"path": escape.printable(path_of(document.model, row.path)), "lines": {"begin": 1}},
    }


def _severity(row: Row) -> str:
    """Return GitLab's word: an excused finding is information, unless by break-glass; a rule's refusal without severity
    blocks."""
    if row.worst is State.EXCUSED and not row.broken:
        return "info"
    if row.severity is None:
        return "blocker" if row.worst is State.REFUSED else "minor"
    return _SEVERITIES.get(row.severity, "blocker")


def _states(row: Row, decisions: tuple[Decision, ...]) -> str:
    told = []
    for decision, state, applied in zip(decisions, row.states, row.applied, strict=True):
        if state is State.EXCUSED:
            by = ", ".join(f"{item.id} until {item.expires}" for item in applied)
            told.append(f"{decision.environment}: excused by {by}")
        elif state is not State.SILENT:
            told.append(f"{decision.environment}: {state.name.lower()}")
    return "; ".join(told)
