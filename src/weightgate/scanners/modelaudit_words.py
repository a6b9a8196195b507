"""What ModelAudit's words mean, one record at a time: severities, rule codes, signs of an incomplete analysis."""

from __future__ import annotations

import re
import time
from typing import Any

from weightgate.findings import Severity
from weightgate.scanners import common

NOT_SCANNERS = {
    "": "the report names no scanner for this file",
    "unknown": "no scanner of ModelAudit reads this file",
    "skipped": "skipped by ModelAudit",
    "scanner_selection": "its scanner was switched off",
    "lfs_check": "a Git LFS pointer; the file itself is not here",
}
"""What stands in an asset's `type` when no scanner read the file, and what that means."""

_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "warning": Severity.MEDIUM,
    "info": Severity.INFO,
    "debug": Severity.INFO,
}
# The hundreds of ModelAudit's rule codes, as its rule catalogue groups them.
_CATEGORIES = {
    1: "code-execution",
    2: "deserialization",
    3: "network",
    4: "file-system",
    5: "embedded-code",
    6: "obfuscation",
    7: "secrets",
    8: "model-structure",
    9: "file-integrity",
    10: "provenance",
    11: "framework",
}
_CODE = re.compile(r"S\d{3,4}")
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")
_REASONS = ("scan_outcome_reasons", "scan_outcome_reason", "operational_error_reason")
_MARKS = ("analysis_incomplete", "operational_error", "skipped_scanner_ids", "skipped_scanner_id")
# A skipped check whether the installed PyTorch itself is vulnerable: nothing of the model was left out.
_RUNTIME_CHECK = {
    "runtime_version_known": False,
    "runtime_cve_applicability": "unknown",
    "runtime_cve_version_gate": "local_environment_only",
}


def severity(native: str | None, details: dict[str, Any]) -> Severity:
    """Return the severity; one that ModelAudit lowered for a "well-known" repository is the original again."""
    if details.get("whitelist_downgrade") not in (None, False):
        native = str(details.get("original_severity")).lower()
    return _SEVERITIES.get(native or "", Severity.UNKNOWN)


def category(rule: str, kind: str) -> str:
    """Return the group of `rule` when it is a code such as `S201`, else `kind` (an issue's `type`) as a kebab word."""
    number = int(rule[1:]) // 100 if _CODE.fullmatch(rule) else 0
    words = re.sub(r"[^a-z0-9]+", "-", kind.lower().removesuffix("_check")).strip("-")
    return _CATEGORIES.get(number) or words or "other"


def cves(details: dict[str, Any]) -> tuple[str, ...]:
    """Return the CVE ids in `details`, sorted."""
    return tuple(sorted(set(_CVE.findall(str(details.get("cve_id"))))))


def text_of(value: Any) -> str | None:
    """Return `value` as text cut to size: a list's items on lines of their own, `None` for nothing."""
    if isinstance(value, list):
        value = "\n".join(str(item) for item in value)
    return common.shorten(str(value), common.TEXT) if value else None


def is_failure(check: dict[str, Any]) -> bool:
    """Whether `check` failed in a way that ModelAudit counts as a finding, so that an issue has to stand beside it."""
    return check.get("status") not in ("passed", "skipped") and check.get("severity") not in (None, "info", "debug")


def is_runtime_check(check: dict[str, Any]) -> bool:
    """Whether `check` was skipped only because the version of the installed PyTorch is not known."""
    details = check.get("details")
    return (
        check.get("status") == "skipped"
        and isinstance(details, dict)
        and all(details.get(key) == value for key, value in _RUNTIME_CHECK.items())
        and not any(details.get(key) for key in _REASONS)
    )


def incompleteness(value: Any) -> list[str]:
    """Return the reasons why `value` (metadata or details, at any depth) says that an analysis is incomplete, sorted.

    Empty when nothing says so. Any outcome but `complete` counts, and any mark that is not false or empty.
    """
    reasons: set[str] = set()
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, list):
            rest.extend(item)
        elif isinstance(item, dict):
            reasons.update(_reasons(item))
            rest.extend(item.values())
    return sorted(reasons)


def _reasons(record: dict[str, Any]) -> list[str]:
    values = (record.get(key) for key in _REASONS)
    texts = [
        text for value in values for item in (value if isinstance(value, list) else [value]) if (text := text_of(item))
    ]
    outcome = record.get("scan_outcome")
    if outcome not in (None, "complete"):
        texts = texts or [f"scan_outcome: {text_of(outcome)}"]
    return texts or [key for key in _MARKS if record.get(key)][:1]


def utc(seconds: float) -> str | None:
    """Return the time `seconds` after the epoch as RFC 3339, `None` when no calendar has it."""
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if 0 <= seconds < 2**37 else None
    except (OverflowError, ValueError, OSError):
        return None
