"""What is sent to an engine: the documents with their context, and the canaries behind them."""

from __future__ import annotations

from weightgate import strict
from weightgate.engine.canary import CANARIES


def inputs(documents: list[bytes], evaluated_at: str) -> list[bytes]:
    """Return the JSON text of each document (canonical JSON of an object) with its context, then of each canary."""
    canaries = [strict.canonical(canary.document) for canary in CANARIES]
    context = b'{"context":' + strict.canonical({"evaluated_at": evaluated_at}) + b","
    return [context + document[1:] for document in [*documents, *canaries]]
