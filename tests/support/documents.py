"""Findings documents for tests, as plain JSON values: a sound one, and what to change in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from weightgate import strict
from weightgate.findings import FindingsDocument, read

AT = "2026-11-23T10:00:00Z"
"""The time of the decisions in tests."""

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def file(path: str = "weights.pkl", format: str = "pickle", **changes: Any) -> dict[str, Any]:
    """A model's file."""
    return {"path": path, "size": 11, "sha256": "7d" * 32, "format": format, **changes}


def scan(scanner: str = "modelaudit", **changes: Any) -> dict[str, Any]:
    """A scan that ran to its end and says CLEAN."""
    return {
        "scanner": scanner,
        "version": "0.2.54",
        "status": "completed",
        "outcome": "CLEAN",
        "started_at": None,
        "finished_at": None,
        "files_scanned": 1,
        "unscanned": [],
        "errors": [],
        "reference": None,
        "report_sha256": "b" * 64,
        **changes,
    }


def finding(id: str = "wgf-1", severity: str = "HIGH", **changes: Any) -> dict[str, Any]:
    """A finding about `weights.pkl`."""
    return {
        "id": id,
        "scanner": "modelaudit",
        "rule": "S201",
        "threat": None,
        "category": "pickle",
        "severity": severity,
        "native_severity": None,
        "title": "os.system is called when the file is loaded",
        "description": "",
        "path": "weights.pkl",
        "location": None,
        "remediation": None,
        "references": [],
        "enforcement": None,
        **changes,
    }


def document(*findings: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A local model of one scanned pickle with `findings`, which every environment allows without any.

    `changes` replace keys of the document (`scans`, `model`).
    """
    return {
        "schema": "weightgate.findings/v1",
        "generated_at": AT,
        "generator": {"name": "weightgate", "version": "0.1.0"},
        "model": model(),
        "scans": [scan()],
        "findings": list(findings),
        **changes,
    }


def model(**changes: Any) -> dict[str, Any]:
    """A local model with one pickle."""
    return {
        "uri": "models/tiny",
        "source": "local",
        "name": None,
        "revision": None,
        "digest": "sha256:" + "3b" * 32,
        "files": [file()],
        **changes,
    }


def typed(value: dict[str, Any]) -> FindingsDocument:
    """The document as weightgate's own type."""
    return read(strict.canonical(value))


def store(folder: Path, value: dict[str, Any], name: str = "findings.json") -> Path:
    """Write the document into `folder`; return its path."""
    path = folder / name
    path.write_text(json.dumps(value), encoding="utf-8")
    return path
