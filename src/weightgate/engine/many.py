"""Decide many documents: in batches, each with an OPA process and canaries of its own, one batch a core at a time."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from weightgate.decision import Decision
from weightgate.engine.evaluate import Evidence, evaluate
from weightgate.engine.exec import ExecEngine
from weightgate.policy.tree import PolicyTree

T = TypeVar("T")
R = TypeVar("R")

BATCH = 500
"""Documents that one process decides at most: they fit in memory."""

_WORTH_A_PROCESS = 50
"""Documents beside which the start of a process and the canaries cost little."""

_ENVIRON = {"GOMEMLIMIT": "1500MiB", "GOMAXPROCS": "1"}
# NOTE: for many documents OPA would collect garbage half of its time, on every core; with this much it seldom has to.


def decide(
    tree: PolicyTree, evidence: Sequence[Evidence], environments: list[str], evaluated_at: str
) -> tuple[Decision, ...]:
    """Return what `weightgate.engine.evaluate.evaluate` returns, and raise what it raises, from one OPA over `tree`."""
    with ExecEngine(tree, environ=_ENVIRON) as engine:
        return evaluate(engine, list(evidence), environments, evaluated_at)


def in_batches(items: Sequence[T], work: Callable[[Sequence[T]], R]) -> Iterator[R]:
    """Yield what `work` returns for each batch of `items`, in their order; what it raises ends everything."""
    cores = os.cpu_count() or 1
    size = _size(len(items), cores)
    batches = [items[start : start + size] for start in range(0, len(items), size)]
    pool = ThreadPoolExecutor(max_workers=cores)
    try:
        yield from pool.map(work, batches)
    finally:
        pool.shutdown(cancel_futures=True)


def _size(number: int, cores: int) -> int:
    """Return how many of `number` documents a batch has, so that all cores end at about the same time."""
    rounds = math.ceil(number / (BATCH * cores)) or 1
    return max(_WORTH_A_PROCESS, math.ceil(number / (rounds * cores)))
