"""What the service states about a model, as findings: its violations, and failed rules that show up without one."""

from __future__ import annotations

import re

from weightgate.findings import Enforcement, Finding, Severity
from weightgate.scanners import common
from weightgate.scanners.prisma_airs.models import Evaluation, ScanRecord, Violation

NAME = "prisma-airs"
UNREPORTED = "unreported-rules"
"""Rule of the finding that stands for failed rules of which the report holds only the number."""

_SERIES = {"1": "load-time-code-execution", "2": "model-architecture-backdoor", "3": "runtime-code-execution"}


def relative(root: str | None, path: str) -> str:
    """Return the path of a file relative to the model: without `root`, `/` and `./` before it."""
    if root and path.startswith(root.rstrip("/") + "/"):
        path = path[len(root.rstrip("/")) :]
    return re.sub(r"^(?:\.?/)+", "", path) or path


def finding(paths: common.Paths, row: Violation) -> Finding:
    """Return the finding that `row` is; its id is made later (`findings.identify`)."""
    text = None if row.file is None else relative(paths.root, row.file)
    path, member = paths.locate(text) if text else (None, None)
    evidence = ".".join(part for part in (row.module, row.operator) if part)
    location = " ".join(part for part in (member if path else None, evidence) if part)
    return _finding(
        rule=row.rule_name,
        state=row.state,
        threat=row.threat,
        title=_title(row),
        description=paths.clean(row.description or row.threat_description or row.rule_description),
        # NOTE: a file that the list of files does not have is named all the same.
        path=path or text,
        location=paths.clean(location) or None,
        remediation=common.shorten("\n".join(row.steps), common.TEXT) or None,
        references=row.urls,
    )


def without_violations(evaluations: list[Evaluation], violations: list[Violation]) -> list[Finding]:
    """Return one finding for each rule that failed and has no violation."""
    named = {row.rule_instance for row in violations} | {row.rule_name for row in violations}
    return [
        _finding(
            rule=row.rule_name,
            state=row.state,
            title=f"{row.rule_name}: failed",
            description=row.description or "The rule failed; the report holds no violation of it.",
        )
        for row in evaluations
        if row.result == "FAILED" and row.rule_name not in named and (row.rule_instance or "-") not in named
    ]


def unreported(record: ScanRecord, evaluations: list[Evaluation], violations: list[Violation]) -> list[Finding]:
    """Return a finding when the scan states more failed rules than the report names; they can be of any severity."""
    failed = {row.rule_instance or row.rule_name for row in evaluations if row.result == "FAILED"}
    failed |= {row.rule_instance or row.rule_name for row in violations}
    missing = (record.rules_failed or 0) - len(failed)
    if missing <= 0:
        return []
    text = f"The scan states {record.rules_failed} failed rules; the report names {len(failed)} of them."
    return [_finding(rule=UNREPORTED, title="failed rules that the report does not name", description=text)]


def category(rule: str, threat: str | None) -> str:
    """Return the kind of threat as a kebab word: by the series of a PAIT code, else the code or the rule's own name."""
    code = re.fullmatch(r"PAIT-[A-Z0-9]+-([1-9])[0-9]{2}", threat or "")
    if code and code[1] in _SERIES:
        return _SERIES[code[1]]
    words = re.sub(r"[^a-z0-9]+", "-", (threat or rule).lower()).strip("-")
    return words.removesuffix("-check") or "other"


def _title(row: Violation) -> str:
    text = f"{row.rule_name}: {row.threat_description}" if row.threat_description else row.rule_name
    return common.shorten(" ".join(text.split()), common.TITLE)


def _finding(
    *,
    rule: str,
    title: str,
    description: str,
    state: str = "UNKNOWN",
    threat: str | None = None,
    path: str | None = None,
    location: str | None = None,
    remediation: str | None = None,
    references: tuple[str, ...] = (),
) -> Finding:
    return Finding(
        id="-",
        scanner=NAME,
        rule=rule,
        threat=threat,
        category=category(rule, threat),
        severity=Severity.UNKNOWN,
        native_severity=None,
        title=title,
        description=description,
        path=path,
        location=location,
        remediation=remediation,
        references=references,
        enforcement=Enforcement(state) if state in ("BLOCKING", "ALLOWING") else None,
    )
