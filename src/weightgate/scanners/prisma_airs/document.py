"""The raw report, `model-scan-report.json`: everything that the service said about one scan, in one JSON document."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from weightgate import strict
from weightgate.scanners.prisma_airs.models import Raw

SCHEMA = "weightgate.prisma-airs-report/v1"


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of results, as far as it could be read."""

    rows: list[Raw]
    stated: int | None
    """How many rows there are, where the service says."""
    problem: str | None
    """Why rows are missing, `None` when the list was read to its end."""


@dataclass(frozen=True, slots=True)
class Results:
    """What a finished scan left in the service."""

    evaluations: Listing
    violations: Listing
    files: Listing
    model_version: Raw | None


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """What was asked for."""

    model_uri: str
    revision: str | None
    security_group_uuid: str
    label: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """A raw report that was read back."""

    request: RequestRecord
    scan: Raw | None
    results: Results | None
    """`None` when the scan did not end."""
    problem: str | None


def write(request: Raw, scan: Raw | None, results: Results | None, problem: str | None) -> bytes:
    """Return the report's bytes; the rows are in the order in which the service gave them."""
    lists = {name: getattr(results, name, None) for name in ("evaluations", "violations", "files")}
    report = {
        "schema": SCHEMA,
        "request": request,
        "scan": scan,
        "model_version": results.model_version if results else None,
        **{name: listing.rows if listing else [] for name, listing in lists.items()},
        "complete": {
            "finished": results is not None,
            "problem": problem,
            **{
                name: {"stated": listing.stated, "problem": listing.problem} if listing else None
                for name, listing in lists.items()
            },
        },
    }
    return (json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode("utf-8")


def read(value: Any) -> Document:
    """Return the report that the JSON `value` is; raises `InvalidDocument` for a missing or unknown key of ours."""
    return _DOCUMENT(value, "")


def _raw(value: Any, at: str) -> Raw:
    if type(value) is not dict:
        strict.fail(at, f"found {strict.show(value)}; expected an object")
    return value


@dataclass(frozen=True, slots=True)
class _Told:
    stated: int | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class _Complete:
    finished: bool
    problem: str | None
    evaluations: _Told | None
    violations: _Told | None
    files: _Told | None


def _document(
    schema: str, request: RequestRecord, scan: Raw | None, model_version: Raw | None, complete: _Complete, **rows: Any
) -> Document:
    if not complete.finished:
        return Document(request, scan, None, complete.problem or "the scan did not end")

    def listing(name: str, told: _Told | None) -> Listing:
        if told is None:
            strict.fail(f"/complete/{name}", "found null; expected an object, since the scan is finished")
        return Listing(list(rows[name]), told.stated, told.problem)

    results = Results(
        evaluations=listing("evaluations", complete.evaluations),
        violations=listing("violations", complete.violations),
        files=listing("files", complete.files),
        model_version=model_version,
    )
    return Document(request, scan, results, complete.problem)


_TOLD = strict.nullable(
    strict.record(_Told, {"stated": strict.nullable(strict.count), "problem": strict.nullable(strict.text)})
)
_DOCUMENT = strict.record(
    _document,
    {
        "schema": strict.word(SCHEMA),
        "request": strict.record(
            RequestRecord,
            {
                "model_uri": strict.text,
                "revision": strict.nullable(strict.text),
                "security_group_uuid": strict.text,
                "label": strict.nullable(strict.text),
            },
        ),
        "scan": strict.nullable(_raw),
        "model_version": strict.nullable(_raw),
        "evaluations": strict.array(_raw),
        "violations": strict.array(_raw),
        "files": strict.array(_raw),
        "complete": strict.record(
            _Complete,
            {
                "finished": strict.boolean,
                "problem": strict.nullable(strict.text),
                "evaluations": _TOLD,
                "violations": _TOLD,
                "files": _TOLD,
            },
        ),
    },
)
