"""The service's records, typed. Only where its own API is open (new fields, new words) are they tolerant.

Each reader raises `ValueError` saying which field is wrong; the raw record stays beside the typed one.
"""

from __future__ import annotations

import re
import uuid as uuids
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from weightgate import strict

T = TypeVar("T")
Raw = dict[str, Any]

PENDING = "PENDING"
DATA_PENDING = "SCAN_DATA_PENDING"


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """One scan, as `GET /v1/scans/{uuid}` shows it."""

    uuid: str
    model_uri: str
    group: str
    """The security group's uuid."""
    group_name: str
    outcome: str
    """Upper case; a word that nobody has seen before is possible."""
    error_code: str | None
    error_message: str | None
    labels: dict[str, str] | None
    """`None` when the record does not say."""
    model_version: str | None
    """The uuid of the model version; `None` also for the all-zero one that unfinished scans have."""
    version: str | None
    started_at: str | None
    updated_at: str | None
    files_scanned: int | None
    files_skipped: int | None
    rules_failed: int | None
    rules: int | None
    raw: Raw = field(repr=False)

    @property
    def state(self) -> str:
        """The outcome, or for one that only means "not yet" the reason."""
        return DATA_PENDING if self.data_pending else self.outcome

    @property
    def data_pending(self) -> bool:
        """Whether the scan ended because the service had not fetched the model yet, which is no verdict."""
        return self.outcome == "ERROR" and is_data_pending(self.error_code, self.error_message)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How one rule ended."""

    uuid: str | None
    rule_instance: str | None
    rule_name: str
    description: str
    state: str
    """`BLOCKING`, `ALLOWING`, or another word."""
    result: str
    violations: int


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where a rule is broken."""

    uuid: str | None
    rule_instance: str | None
    rule_name: str
    rule_description: str
    state: str
    description: str
    threat: str | None
    threat_description: str | None
    file: str | None
    module: str | None
    operator: str | None
    steps: tuple[str, ...]
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileRow:
    """What the scan says of one file."""

    uuid: str | None
    path: str
    kind: str
    result: str


def is_data_pending(code: str | None, text: str | None) -> bool:
    """Whether an error says that the model's data is not there yet (`SCAN_DATA_PENDING`)."""
    return (
        word(code or "") == DATA_PENDING or DATA_PENDING in (text or "") or "pending scan data" in (text or "").lower()
    )


def word(value: str) -> str:
    """Return the enum word that `value` holds: upper case, without `EvalOutcome.` and the like before it."""
    match = re.fullmatch(r"\s*(?:[A-Z][A-Za-z]*\.)?([A-Za-z][A-Za-z0-9_ -]{0,63})\s*", value)
    return match[1].strip().upper() if match else strict.show(value).upper()


def scan_record(value: Any) -> ScanRecord:
    """Read a scan record; required are the fields that decide: uuid, model, group, outcome."""
    raw = _object(value, "scan record")
    code = _optional(raw, "error_code", str) or None
    version_id = _optional(raw, "model_version_uuid", str)
    summary = _object(raw.get("eval_summary") or {}, "eval_summary")
    return ScanRecord(
        uuid=uuid(_required(raw, "uuid"), "uuid"),
        model_uri=_required(raw, "model_uri"),
        group=uuid(_required(raw, "security_group_uuid"), "security_group_uuid"),
        group_name=_optional(raw, "security_group_name", str) or "",
        outcome=word(_required(raw, "eval_outcome")),
        error_code=None if code is None else word(code),
        error_message=_optional(raw, "error_message", str),
        labels=_labels(raw.get("labels")),
        model_version=uuid(version_id, "model_version_uuid") if version_id and version_id.strip("0-") else None,
        version=_optional(raw, "scanner_version", str) or None,
        started_at=moment(raw.get("time_started") or raw.get("created_at")),
        updated_at=moment(raw.get("updated_at")),
        files_scanned=_count(raw, "total_files_scanned"),
        files_skipped=_count(raw, "total_files_skipped"),
        rules_failed=_count(summary, "rules_failed"),
        rules=_count(summary, "total_rules"),
        raw=raw,
    )


def evaluation(value: Any) -> Evaluation:
    """Read one row of a scan's evaluations."""
    raw = _object(value, "evaluation")
    count = _count(raw, "violation_count")
    if count is None:
        raise ValueError("violation_count is missing")
    return Evaluation(
        uuid=_optional(raw, "uuid", str),
        rule_instance=_optional(raw, "rule_instance_uuid", str),
        rule_name=_required(raw, "rule_name"),
        description=_optional(raw, "rule_description", str) or "",
        state=word(_required(raw, "rule_instance_state")),
        result=word(_required(raw, "result")),
        violations=count,
    )


def violation(value: Any) -> Violation:
    """Read one row of a scan's rule violations."""
    raw = _object(value, "violation")
    remediation = _object(raw.get("remediation") or {}, "remediation")
    steps = remediation.get("steps") or []
    if not isinstance(steps, list) or not all(isinstance(step, str) for step in steps):
        raise ValueError(f"remediation.steps: found {strict.show(steps)}; expected a list of strings")
    urls = [
        _optional(raw, "threat_kb_url", str),
        _optional(raw, "insights_url", str),
        _optional(remediation, "url", str),
    ]
    threat = _optional(raw, "threat", str)
    return Violation(
        uuid=_optional(raw, "uuid", str),
        rule_instance=_optional(raw, "rule_instance_uuid", str),
        rule_name=_required(raw, "rule_name"),
        rule_description=_optional(raw, "rule_description", str) or "",
        state=word(_optional(raw, "rule_instance_state", str) or "UNKNOWN"),
        description=_optional(raw, "description", str) or "",
        threat=re.sub(r"^ThreatCategory\.", "", threat.strip()) or None if threat else None,
        threat_description=_optional(raw, "threat_description", str),
        file=_optional(raw, "file", str) or None,
        module=_optional(raw, "module", str) or None,
        operator=_optional(raw, "operator", str) or None,
        steps=tuple(step.strip() for step in steps if step.strip()),
        urls=tuple(dict.fromkeys(url for url in urls if url)),
    )


def file_row(value: Any) -> FileRow:
    """Read one row of a scan's files."""
    raw = _object(value, "file")
    return FileRow(
        uuid=_optional(raw, "uuid", str),
        path=_required(raw, "path"),
        kind=word(_required(raw, "type")),
        result=word(_required(raw, "result")),
    )


def rows(key: str) -> Callable[[Any], tuple[list[Raw], int | None]]:
    """Return the reader of a list answer: its raw rows below `key`, and the stated total or `None`."""

    def read(value: Any) -> tuple[list[Raw], int | None]:
        raw = _object(value, "list")
        items = raw.get(key)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise ValueError(f"{key}: found {strict.show(items)}; expected a list of objects")
        return items, _count(_object(raw.get("pagination") or {}, "pagination"), "total_items")

    return read


def uuid(text: str, where: str) -> str:
    """Return `text` as a uuid in lower case; raises `ValueError` for anything else."""
    try:
        return str(uuids.UUID(text))
    except ValueError:
        raise ValueError(f"{where}: found {strict.show(text)}; expected a uuid") from None


def moment(value: Any) -> str | None:
    """Return a time of the service as RFC 3339 in UTC with `Z`; `None` for what is no time. One without zone is UTC."""
    try:
        time = datetime.fromisoformat(value)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    return time.isoformat(timespec="seconds").replace("+00:00", "Z") if time.year >= 1000 else None


def _object(value: Any, where: str) -> Raw:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: found {strict.show(value)}; expected an object")
    return value


def _required(raw: Raw, key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key}: found {strict.show(value)}; expected a string")
    return value


def _optional(raw: Raw, key: str, kind: type[T]) -> T | None:
    value = raw.get(key)
    if value is None or isinstance(value, kind):
        return value
    raise ValueError(f"{key}: found {strict.show(value)}; expected {kind.__name__} or null")


def _count(raw: Raw, key: str) -> int | None:
    value = raw.get(key)
    if value is None or (type(value) is int and value >= 0):
        return value
    raise ValueError(f"{key}: found {strict.show(value)}; expected a number of at least 0, or null")


def _labels(value: Any) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"labels: found {strict.show(value)}; expected a list of objects")
    return {str(item.get("key")): str(item.get("value")) for item in value}
