"""Which model a stored report is about."""

from __future__ import annotations

import json
from typing import Any

from weightgate.errors import UsageError
from weightgate.findings import Model, ModelFile
from weightgate.scanners.interface import Report
from weightgate.scanners.prisma_airs import references


def remote_model(report: Report, given: str | None, files: tuple[ModelFile, ...]) -> Model | None:
    """Return the remote model that `given`, else `report`, names; `None` when neither names one.

    `report` is one that `stored.read` accepts. The revision is the one that was asked for; a report without it (the
    pipeline's bare scan record) tells none.
    """
    uri, revision = _named(json.loads(report.content))
    try:
        reference = references.parse(given or uri)
    except UsageError:
        return None
    if given is None or (reference.uri == uri and reference.revision is None):
        revision = revision or reference.revision
    else:
        revision = reference.revision
    return Model(reference.uri, reference.source, reference.name, revision, None, files)


def _named(value: Any) -> tuple[str, str | None]:
    request = value.get("request")
    if isinstance(request, dict):
        return str(request.get("model_uri")), request.get("revision")
    return str(value.get("model_uri")), None
