"""Known-bad documents that every evaluation must refuse, or it proves nothing.

They are part of the package and not of the policy tree, so that no edit of the tree removes them. Each goes
through the very policy, data and exceptions that decide the real documents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from weightgate.errors import CanaryPassed

if TYPE_CHECKING:
    from weightgate.decision import Answer

_SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO", "UNKNOWN")
_FILE = {"path": "canary/weights-7d1f.pkl", "size": 11, "sha256": "7d" * 32, "format": "pickle"}


class Canary(NamedTuple):
    """One known-bad document."""

    name: str
    fault: str
    """What is wrong with it, in the words of an error message."""
    document: dict[str, Any]

    def findings(self) -> frozenset[str]:
        """Return the ids of the document's findings."""
        return frozenset(finding["id"] for finding in self.document["findings"])

    def check(self, answer: Answer, fail_on: frozenset[str]) -> None:
        """Raise `CanaryPassed` unless `answer` refuses this document for what is wrong with it."""
        where = f"environment {answer.environment}"
        if answer.allow:
            raise CanaryPassed(
                f"{where}: the policy allows a model {self.fault}; it can refuse nothing, so nothing is decided"
            )
        refused = {violation.finding for violation in answer.violations}
        for finding in self.document["findings"]:
            severity = finding["severity"]
            if severity in fail_on | {"CRITICAL", "UNKNOWN"} and finding["id"] not in refused:
                raise CanaryPassed(
                    f"{where}: the policy does not refuse a finding of severity {severity}, which fail_on lists "
                    "or nobody may tolerate; look for a rule or an exception that waives too much"
                )


def _scan(**changes: Any) -> dict[str, Any]:
    return {
        "scanner": "modelaudit",
        "version": "0",
        "status": "completed",
        "outcome": "CLEAN",
        "started_at": None,
        "finished_at": None,
        "files_scanned": 1,
        "unscanned": [],
        "errors": [],
        "reference": None,
        "report_sha256": "ca" * 32,
        **changes,
    }


def _finding(severity: str) -> dict[str, Any]:
    return {
        "id": f"wgf-canary-{severity.lower()}",
        "scanner": "modelaudit",
        "rule": f"canary-{severity.lower()}",
        "threat": None,
        "category": "canary",
        "severity": severity,
        "native_severity": None,
        "title": "os.system is called when the file is loaded",
        "description": "A canary: no model has this finding.",
        "path": _FILE["path"],
        "location": None,
        "remediation": None,
        "references": [],
        "enforcement": None,
    }


def _document(scans: list[dict[str, Any]], findings: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schema": "weightgate.findings/v1",
        "generated_at": "2026-01-01T00:00:00Z",
        "generator": {"name": "weightgate", "version": "canary"},
        "model": {
            "uri": "canary-3b9e/model-7d1f",
            "source": "local",
            "name": "model-7d1f",
            "revision": None,
            "digest": "sha256:" + "3b" * 32,
            "files": [_FILE],
        },
        "scans": scans,
        "findings": findings,
    }


CANARIES = (
    Canary(
        "findings", "with findings of every severity", _document([_scan()], [_finding(word) for word in _SEVERITIES])
    ),
    Canary("blocked", "whose scanner says BLOCKED", _document([_scan(outcome="BLOCKED")], [])),
    Canary("warning", "whose scanner says WARNING", _document([_scan(outcome="WARNING")], [])),
    Canary("word", "whose scanner says a word that nobody knows", _document([_scan(outcome="CANARY-51D8")], [])),
    Canary("no-word", "whose scanner gives no verdict", _document([_scan(outcome=None)], [])),
    Canary(
        "failed",
        "whose scan failed",
        _document(
            [_scan(status="failed", outcome=None, files_scanned=0, unscanned=[{"path": _FILE["path"], "reason": "x"}])],
            [],
        ),
    ),
    Canary("unscanned", "that nobody scanned", _document([], [])),
)
"""Every canary. Each differs from a model that may pass in the one thing that it names."""
