"""Decisions as SARIF 2.1.0, for code scanning.

One run a model and environment, named by `automationDetails.id` (`weightgate/<environment>/<model>/`). GitHub's code
scanning keeps the results of each such category apart: the jobs of a matrix over environments do not overwrite each
other's results, and an alert stays open until the last environment lets the finding pass. With one run for all
environments, whether a finding is refused or excused could be told for one of them only. GitHub takes at most 20 runs
a file and shows 5,000 results a run: for more models, upload the file of each model.

Every result has a location, with a line, because GitHub refuses files without; what is about no file has the model's
place. GitHub shows suppressed results as open alerts unless they are closed there.
"""

from __future__ import annotations

import json
from typing import Any

from weightgate import __version__
from weightgate.decision import Decision
from weightgate.findings import FindingsDocument, Status, fingerprint
from weightgate.formats import break_glass, escape
from weightgate.formats.interface import Format, Report
from weightgate.formats.places import slug, uri
from weightgate.formats.rows import Row, State, rows
from weightgate.formats.sarif_rules import RuleList

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {State.REFUSED: "error", State.WARNED: "warning", State.EXCUSED: "note", State.TOLERATED: "note"}
_NOTIFICATIONS = {
    "scan.unscanned": ("A file was not scanned", "Scan with another scanner too, or remove the file from the model."),
    "scan.error": ("A scanner reports an error", "Read the scanner's own report, and scan again."),
    "break-glass": ("A break-glass grant was used", "Mend what it overrides, and remove the grant when it has ended."),
}


class SarifFormat(Format):
    """Static analysis results, for GitHub code scanning and SARIF viewers."""

    name = "sarif"
    file_name = "report.sarif"

    def render(self, report: Report) -> str:
        """Return one SARIF log."""
        runs = [_run(report, document, decision) for document, decisions in report.models() for decision in decisions]
        log = {"$schema": SCHEMA, "version": "2.1.0", "runs": runs}
        return escape.json_text(json.dumps(log, ensure_ascii=False, indent=1)) + "\n"


def _run(report: Report, document: FindingsDocument, decision: Decision) -> dict[str, Any]:
    found = [row for row in rows((decision,), document) if row.worst is not State.SILENT]
    rule_list = RuleList(found, report.rules())
    broken = break_glass.told((decision,))
    return {
        "tool": {
            "driver": {
                "name": "weightgate",
                "version": __version__,
                "rules": rule_list.descriptors(),
                "notifications": [
                    {
                        "id": id_,
                        "shortDescription": {"text": text},
                        "fullDescription": {"text": text},
                        "help": {"text": do},
                    }
                    for id_, (text, do) in _NOTIFICATIONS.items()
                    if id_ != "break-glass" or broken
                ],
            },
            "extensions": _scanners(document),
        },
        "automationDetails": {"id": f"weightgate/{slug(decision.environment)}/{slug(document.model.uri)}/"},
        "invocations": [
            {
                "executionSuccessful": _successful(document, decision),
                "endTimeUtc": decision.evaluated_at,
                "toolExecutionNotifications": _notifications(document, decision),
            }
        ],
        "results": [_result(row, rule_list, document) for row in found],
        "columnKind": "unicodeCodePoints",
        "properties": _properties(decision),
    }


def _scanners(document: FindingsDocument) -> list[dict[str, str]]:
    tools = dict.fromkeys((scan.scanner, scan.version) for scan in document.scans)
    return [
        {"name": escape.printable(name), **({"version": escape.printable(version)} if version else {})}
        for name, version in tools
    ]


def _successful(document: FindingsDocument, decision: Decision) -> bool:
    """Whether there is evidence to judge by: a scan, none that failed, and a verdict that is not `indeterminate`."""
    scans = document.scans
    whole = bool(scans) and all(scan.status in (Status.COMPLETED, Status.PARTIAL) for scan in scans)
    return whole and decision.verdict in ("allow", "deny")


def _notifications(document: FindingsDocument, decision: Decision) -> list[dict[str, Any]]:
    """Return one notification for each grant used, each file that was not scanned, and each error of a scanner."""
    refused = {violation.path for violation in decision.violations if violation.finding is None}
    made = [_notification("break-glass", "warning", text, document, None) for text in break_glass.told((decision,))]
    for scan in document.scans:
        for item in scan.unscanned:
            text = f"{scan.scanner} did not scan {item.path}: {item.reason}"
            level = "error" if item.path in refused else "warning"
            made.append(_notification("scan.unscanned", level, text, document, item.path))
        for error in scan.errors:
            text = f"{scan.scanner}: {error.code}: {error.message}"
            made.append(_notification("scan.error", "error", text, document, error.path))
    return made


def _notification(id_: str, level: str, text: str, document: FindingsDocument, path: str | None) -> dict[str, Any]:
    return {
        "descriptor": {"id": id_, "index": list(_NOTIFICATIONS).index(id_)},
        "level": level,
        "message": {"text": escape.message(escape.shortened(text, 4000))},
        "locations": [_location(document, path)],
    }


def _location(document: FindingsDocument, path: str | None) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": uri(document.model, path)}, "region": {"startLine": 1}}}


def _result(row: Row, rule_list: RuleList, document: FindingsDocument) -> dict[str, Any]:
    id_ = rule_list.id_of(row)
    place = _location(document, row.path)
    if row.finding is not None and row.finding.location:
        place["message"] = {"text": escape.message(escape.shortened(row.finding.location, 1000))}
    properties: dict[str, Any] = {"state": row.worst.name.lower()}
    if row.severity is not None:
        properties["severity"] = row.severity
    if row.rules:
        properties["policyRules"] = [escape.printable(rule) for rule in row.rules]
    return {
        "ruleId": id_,
        "ruleIndex": rule_list.index[id_],
        "level": _LEVELS[row.worst],
        "message": {"text": _message(row)},
        "locations": [place],
        "partialFingerprints": {"weightgate/v1": row.id, "primaryLocationLineHash": f"{_hash(row.id)}:1"},
        "suppressions": [
            {"kind": "external", "status": "accepted", "justification": escape.printable(applied.id)}
            for applied in row.applied[0]
        ],
        "properties": properties,
    }


def _message(row: Row) -> str:
    parts = [row.title, *row.notes, *row.remarks]
    parts += [f"excused by {applied.id} until {applied.expires}" for applied in row.applied[0]]
    text = ". ".join(parts)
    if row.finding is not None and row.finding.description not in ("", row.finding.title):
        text += "\n\n" + row.finding.description
    return escape.message(escape.shortened(text, 8000))


def _hash(id_: str) -> str:
    return id_ if id_.startswith("wgf-") else fingerprint(id_)


def _properties(decision: Decision) -> dict[str, Any]:
    return {
        "environment": decision.environment,
        "verdict": decision.verdict,
        "model": {"uri": escape.printable(decision.model.uri), "digest": decision.model.digest},
        "inputDigest": decision.input_digest,
        "policyDigest": decision.policy.digest,
    }
