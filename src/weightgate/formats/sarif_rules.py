"""The rules of a SARIF run: those of the scanners, and those of the policy with their annotations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from weightgate.findings import fingerprint
from weightgate.formats import escape
from weightgate.formats.rows import Row
from weightgate.policy.rules import Rule

SCORES = {"CRITICAL": "9.5", "HIGH": "8.0", "MEDIUM": "5.5", "LOW": "2.0", "INFO": "0.0"}
"""Severity → GitHub's `security-severity`: critical above 9, high from 7, medium from 4, low above 0."""
_LONGEST_ID = 200


class RuleList:
    """The rules of one run, numbered.

    A finding belongs to its scanner's rule (`<scanner>/<rule>`), which has one severity for all its findings: the
    worst that one of them counts as. What is about no finding belongs to the policy's rule.
    """

    def __init__(self, found: Iterable[Row], annotated: Mapping[str, Rule]) -> None:
        """Collect the rules of `found`; `annotated` are the policy's, by id."""
        self._annotated = annotated
        self._rows: dict[str, list[Row]] = {}
        for row in found:
            self._rows.setdefault(self.id_of(row), []).append(row)
        self.index = {id_: number for number, id_ in enumerate(sorted(self._rows))}

    def id_of(self, row: Row) -> str:
        """Return the id of the row's rule."""
        if row.finding is not None:
            id_ = f"{row.finding.scanner}/{row.finding.rule}"
        else:
            id_ = row.rules[0] if row.rules else "exception"
        shown = escape.printable(id_)
        if len(shown) <= _LONGEST_ID:
            return shown
        return f"{shown[:_LONGEST_ID]}-{fingerprint(id_)}"

    def descriptors(self) -> list[dict[str, Any]]:
        """Return SARIF's `reportingDescriptor` of each rule, in the order of `index`."""
        return [self._descriptor(id_, self._rows[id_]) for id_ in self.index]

    def _descriptor(self, id_: str, found: list[Row]) -> dict[str, Any]:
        scores = [SCORES.get(row.severity, SCORES["CRITICAL"]) for row in found if row.severity is not None]
        properties: dict[str, Any] = {"tags": ["security"]}
        if scores:
            properties["security-severity"] = max(scores, key=float)
        first = found[0]
        short, full = self._words(id_, found)
        help_ = self._help(first)
        return {
            "id": id_,
            "shortDescription": {"text": escape.message(escape.shortened(short, 250))},
            "fullDescription": {"text": escape.message(escape.shortened(full, 1000))},
            "help": {
                "text": escape.message(" ".join(help_)),
                "markdown": "\n\n".join(map(escape.prose, help_)),
            },
            "defaultConfiguration": {"level": "error"},
            "properties": properties,
        }

    def _words(self, id_: str, found: list[Row]) -> tuple[str, str]:
        """Return the short and the full description."""
        finding = found[0].finding
        if finding is None:
            rule = self._annotated.get(id_)
            return (rule.title, rule.description or rule.title) if rule else (id_, id_)
        titles = {row.title for row in found}
        short = titles.pop() if len(titles) == 1 else f"{finding.scanner} {finding.rule}: {finding.category}"
        threat = f", threat {finding.threat}" if finding.threat else ""
        return short, f"Found by {finding.scanner} with its rule {finding.rule} ({finding.category}{threat})."

    def _help(self, row: Row) -> list[str]:
        """Return what to do: the scanner's own advice, then the policy's. Never empty, as viewers expect some help."""
        told = [row.finding.remediation] if row.finding is not None and row.finding.remediation else []
        for rule_id in row.rules or ("severity.threshold",):
            rule = self._annotated.get(rule_id)
            if rule is not None:
                told += [f"Policy rule {rule_id}: {rule.description}", rule.remediation]
        kept = [" ".join(text.split()) for text in told if text.strip()]
        return kept or ["weightgate explain tells why the policy decided so, and what would have to change."]
