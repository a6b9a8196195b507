"""What holds of every document and every set of exceptions, tried on generated ones, many in one OPA process."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from support import documents, trees
from weightgate.decision import Decision
from weightgate.engine import many
from weightgate.engine.evaluate import Evidence
from weightgate.policy import trial
from weightgate.policy.moments import seconds, stamp
from weightgate.policy.tree import PolicyTree

TREE = PolicyTree(trees.ROOT, "--policy")
CHAIN = ["dev", "staging", "prod"]
SEVERITIES = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO", "UNKNOWN"]

Json = dict[str, Any]
Exceptions = dict[str, dict[str, Json]]

few = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    # NOTE: a batch takes seconds, so a failing one is not made smaller: it would take an hour.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""Each example is a batch of documents, so a few of them are hundreds of cases."""

FINDINGS = st.builds(
    documents.finding,
    severity=st.sampled_from(["LOW", "INFO"] * 3 + SEVERITIES),
    rule=st.sampled_from(["S201", "License Exists", "Known Framework Operators Check"]),
    threat=st.sampled_from([None, "PAIT-TF-300", "PAIT-PKL-100", "UNAPPROVED_FORMATS", "NEW-1"]),
    enforcement=st.sampled_from([None, "ALLOWING", "BLOCKING"]),
    path=st.sampled_from([None, "weights.pkl", "a/b.bin"]),
)
GAPS = [[{"path": path, "reason": "skipped"}] for path in ("weights.pkl", "a/b.bin", "elsewhere")]
SCANS = st.builds(
    documents.scan,
    st.sampled_from(["modelaudit"] * 6 + ["modelscan", "nobody"]),
    status=st.sampled_from(["completed"] * 20 + ["partial", "failed"]),
    outcome=st.sampled_from(["CLEAN"] * 20 + ["ALLOWED", "BLOCKED", "PENDING", None]),
    files_scanned=st.sampled_from([1] * 12 + [0, None]),
    unscanned=st.sampled_from([[]] * 8 + GAPS),
)
MODELS = st.builds(
    documents.model,
    source=st.sampled_from(["local", "local", "huggingface"]),
    revision=st.sampled_from([None, "main", *[documents.COMMIT] * 4]),
    digest=st.sampled_from([None, *["sha256:" + "3b" * 32] * 5]),
    files=st.lists(
        st.builds(
            documents.file,
            st.sampled_from(["weights.pkl", "a/b.bin", "c.json"]),
            st.sampled_from(["pickle", "json", "empty", "unknown"]),
        ),
        max_size=2,
        unique_by=lambda file: file["path"],
    ),
)
DOCUMENTS = st.builds(
    lambda findings, scans, model: documents.document(*findings, scans=scans, model=model),
    st.lists(FINDINGS, max_size=3),
    st.lists(SCANS, min_size=1, max_size=2),
    MODELS,
)
BATCHES = st.lists(DOCUMENTS, min_size=20, max_size=20)
SEEDS = st.integers(0, 2**32).map(Random)
"""For the many small choices of an example: drawn one by one they would be more than an example may hold."""


def named(batch: list[Json]) -> list[Json]:
    """Give each finding of the batch an id of its own."""
    for number, value in enumerate(batch):
        value["findings"] = [{**each, "id": f"wgf-{number}-{place}"} for place, each in enumerate(value["findings"])]
    return batch


def decided(batch: list[Json], exceptions: Exceptions | None = None) -> list[dict[str, Decision]]:
    """The decisions of every environment about each document."""
    added: Exceptions = {name: {} for name in CHAIN} | (exceptions or {})
    evidence = [Evidence.of(documents.typed(value)) for value in batch]
    with trial.with_exceptions(TREE, added) as tree:
        answers = many.decide(tree, evidence, CHAIN, documents.AT)
    rows = [answers[start : start + len(CHAIN)] for start in range(0, len(answers), len(CHAIN))]
    return [{each.environment: each for each in row} for row in rows]


def exception(finding: str, days: int) -> Json:
    now = seconds(documents.AT) or 0
    return trial.exception(finding, stamp(now - 86400), stamp(now + (days - 1) * 86400), "bob@example.org")


def drawn(random: Random, batch: list[Json]) -> dict[str, Json]:
    """Exceptions for some findings of the batch, some of them ended and some longer than any environment allows."""
    ids = [each["id"] for value in batch for each in value["findings"]]
    days = [1, 2, 2, 30, 60, 89, 120, 170, 400]
    chosen = [(random.choice(ids or ["wgf-none"]), random.choice(days)) for _ in range(random.randint(0, 40))]
    return {f"EXC-{number}": exception(finding, length) for number, (finding, length) in enumerate(chosen)}


@few
@given(BATCHES, SEEDS)
def test_what_the_stricter_allows_the_laxer_allows(batch: list[Json], random: Random) -> None:
    prod = drawn(random, named(batch))
    staging = prod | {f"S-{key}": value for key, value in drawn(random, batch).items()}
    dev = staging | {f"D-{key}": value for key, value in drawn(random, batch).items()}
    found = decided(batch, {"prod": prod, "staging": staging, "dev": dev})
    for answers in found:
        allowed = [answers[name].allow for name in CHAIN]
        assert allowed == sorted(allowed, reverse=True)


@few
@given(BATCHES, st.lists(FINDINGS, min_size=20, max_size=20))
def test_a_finding_more_never_allows_more(batch: list[Json], more: list[Json]) -> None:
    named(batch)
    larger = copy.deepcopy(batch)
    for value, finding in zip(larger, more, strict=True):
        value["findings"].append({**finding, "id": "wgf-more"})
    for before, after in zip(decided(batch), decided(larger), strict=True):
        for name in CHAIN:
            assert before[name].allow or not after[name].allow


@few
@given(BATCHES, SEEDS)
def test_an_exception_more_never_refuses_more(batch: list[Json], random: Random) -> None:
    few_, more = drawn(random, named(batch)), drawn(random, batch)
    both = few_ | {f"MORE-{key}": value for key, value in more.items()}
    first = decided(batch, dict.fromkeys(CHAIN, few_))
    second = decided(batch, dict.fromkeys(CHAIN, both))
    for before, after in zip(first, second, strict=True):
        for name in CHAIN:
            assert after[name].allow or not before[name].allow


WEAKER_SCANS = [
    {"status": "partial"},
    {"status": "failed"},
    {"outcome": None},
    {"outcome": "PENDING"},
    {"files_scanned": 0},
    {"unscanned": [{"path": "weights.pkl", "reason": "lost"}, {"path": "a/b.bin", "reason": "lost"}]},
    {"errors": [{"code": "x", "message": "x", "path": None}]},
    {"scanner": "nobody"},
]
WEAKER_MODELS: list[Json] = [{"digest": None}, {"revision": None}, {"revision": "main"}]


@few
@given(BATCHES, SEEDS)
def test_less_evidence_never_allows_more(batch: list[Json], random: Random) -> None:
    weaker = copy.deepcopy(named(batch))
    for value in weaker:
        if value["scans"] and random.random() < 0.5:
            place = random.randrange(len(value["scans"]))
            value["scans"][place] |= random.choice(WEAKER_SCANS)
        else:
            value["model"] |= random.choice(WEAKER_MODELS)
    for before, after in zip(decided(batch), decided(weaker), strict=True):
        for name in CHAIN:
            assert before[name].allow or not after[name].allow


@few
@given(BATCHES, SEEDS)
def test_the_order_of_findings_scans_files_and_exceptions_does_not_matter(batch: list[Json], random: Random) -> None:
    exceptions = drawn(random, named(batch))
    turned = [
        {key: value[key] for key in reversed(value)}
        | {
            "findings": value["findings"][::-1],
            "scans": value["scans"][::-1],
            "model": {**value["model"], "files": value["model"]["files"][::-1]},
        }
        for value in batch
    ]
    back = dict(reversed(exceptions.items()))
    first = decided(batch, dict.fromkeys(CHAIN, exceptions))
    second = decided(turned, dict.fromkeys(CHAIN, back))
    for before, after in zip(first, second, strict=True):
        for name in CHAIN:
            one, two = before[name], after[name]
            assert (one.verdict, one.violations, one.warnings, one.counts, one.exceptions) == (
                two.verdict,
                two.violations,
                two.warnings,
                two.counts,
                two.exceptions,
            )
