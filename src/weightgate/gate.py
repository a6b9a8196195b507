"""The gate as a library: scan → normalize → evaluate, with typed objects and without printing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from weightgate.clock import now
from weightgate.decision import Decision
from weightgate.engine.evaluate import Evidence
from weightgate.engine.evaluate import evaluate as _evaluate
from weightgate.engine.exec import ExecEngine
from weightgate.findings import FindingsDocument
from weightgate.policy.tree import locate


def evaluate(
    documents: Sequence[FindingsDocument],
    environments: Sequence[str],
    *,
    policy: Path | None = None,
    evaluated_at: str | None = None,
) -> tuple[Decision, ...]:
    """Return one decision for each document and environment, in that order, from an OPA process.

    `policy` is the policy tree (default: as on the command line), `evaluated_at` an RFC 3339 time in UTC (default:
    now).
    Raises `UsageError` for an unknown environment, `PolicyError` for a broken tree, `EngineError` when OPA cannot
    be run.
    """
    tree = locate(policy)
    names = tree.select(list(environments), every=False)
    with ExecEngine(tree) as engine:
        return _evaluate(engine, [Evidence.of(document) for document in documents], names, evaluated_at or now())
