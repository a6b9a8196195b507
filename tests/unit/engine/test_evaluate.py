"""Only answers that prove themselves come through, whatever engine gave them."""

from __future__ import annotations

from typing import Any

import pytest

from support import documents
from support.answers import HonestEngine, answer
from weightgate.decision import Decision
from weightgate.engine.canary import CANARIES
from weightgate.engine.evaluate import Evidence, evaluate
from weightgate.errors import CanaryPassed, MalformedDecision, UsageError

CLEAN = documents.document()
REFUSED = documents.document(documents.finding())


def run(engine: HonestEngine, *given: dict[str, Any], environments: tuple[str, ...] = ("prod",)) -> list[Decision]:
    evidence = [Evidence.of(documents.typed(value)) for value in given]
    return list(evaluate(engine, evidence, list(environments), documents.AT))


def test_one_decision_for_each_document_and_environment() -> None:
    found = run(HonestEngine(), CLEAN, REFUSED, environments=("prod", "dev"))
    assert [(item.environment, item.verdict) for item in found] == [
        ("prod", "allow"),
        ("dev", "allow"),
        ("prod", "deny"),
        ("dev", "deny"),
    ]


def test_the_canaries_are_sent_with_the_context_of_the_documents() -> None:
    seen: list[dict[str, Any]] = []

    class Listening(HonestEngine):
        def answer(self, sent: dict[str, Any], environment: str, number: int) -> dict[str, Any] | None:
            seen.append(sent)
            return super().answer(sent, environment, number)

    run(Listening(), CLEAN)
    assert [item.pop("context") for item in seen] == [{"evaluated_at": documents.AT}] * (1 + len(CANARIES))
    assert seen == [CLEAN, *[canary.document for canary in CANARIES]]


class Lying(HonestEngine):
    """Lies about the document, or about one canary, by `changes` to the honest answer."""

    def __init__(self, about: int, changes: dict[str, Any] | None) -> None:
        self._about = about
        self._changes = changes

    def answer(self, sent: dict[str, Any], environment: str, number: int) -> dict[str, Any] | None:
        if number != self._about:
            return answer(sent, environment)
        return None if self._changes is None else answer(sent, environment, **self._changes)


LIES: dict[str, dict[str, Any] | None] = {
    "undefined": None,
    "another environment": {"environment": "dev"},
    "another time": {"evaluated_at": "2020-01-01T00:00:00Z"},
    "another model": {"model": {"uri": "x", "digest": None}},
    "another input": {"input_digest": "sha256:" + "0" * 64},
    "extra key": {"force": True},
    "wrong type": {"allow": "yes"},
    "counts mismatch": {"counts": {"CRITICAL": 9, "HIGH": 0, "MEDIUM": 0, "LOW": 0, "INFO": 0}},
}


@pytest.mark.parametrize("changes", LIES.values(), ids=LIES)
@pytest.mark.parametrize("about", range(1 + len(CANARIES)), ids=["document", *[canary.name for canary in CANARIES]])
def test_a_lie_about_any_input_ends_everything(about: int, changes: dict[str, Any] | None) -> None:
    with pytest.raises(MalformedDecision, match="environment prod"):
        run(Lying(about, changes), CLEAN)


@pytest.mark.parametrize("number", range(len(CANARIES)), ids=[canary.name for canary in CANARIES])
def test_an_allowed_canary_ends_everything(number: int) -> None:
    allow = {"allow": True, "verdict": "allow", "violations": []}
    with pytest.raises(CanaryPassed, match="the policy allows a model"):
        run(Lying(1 + number, allow), CLEAN)


@pytest.mark.parametrize("severity", ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO", "UNKNOWN"])
def test_a_canary_finding_that_fail_on_lists_must_be_refused(severity: str) -> None:
    class Tolerant(HonestEngine):
        def answer(self, sent: dict[str, Any], environment: str, number: int) -> dict[str, Any] | None:
            value = answer(sent, environment)
            tolerated = {item["id"] for item in sent["findings"] if item["severity"] == severity}
            value["violations"] = [item for item in value["violations"] if item["finding"] not in tolerated]
            return value

    with pytest.raises(CanaryPassed, match=f"does not refuse a finding of severity {severity}"):
        run(Tolerant(), CLEAN)


def test_a_tolerated_severity_need_not_be_refused() -> None:
    class Tolerant(HonestEngine):
        fail_on = frozenset({"CRITICAL", "HIGH"})

        def answer(self, sent: dict[str, Any], environment: str, number: int) -> dict[str, Any] | None:
            value = answer(sent, environment)
            value["violations"] = [item for item in value["violations"] if "low" not in str(item["finding"])]
            return value

    assert [item.verdict for item in run(Tolerant(), CLEAN)] == ["allow"]


def test_an_allow_beside_a_finding_that_fail_on_lists_is_no_decision() -> None:
    allow = {"allow": True, "verdict": "allow", "violations": []}
    with pytest.raises(MalformedDecision, match="the policy allows 1 findings of severities that fail_on lists"):
        run(Lying(0, allow), REFUSED)


@pytest.mark.parametrize(
    "time", ["2026-11-23", "2026-11-23T10:00:00+01:00", "2026-11-23T10:00:00.5Z", "now", ""], ids=str
)
def test_the_time_of_the_decision_is_utc_and_whole_seconds(time: str) -> None:
    with pytest.raises(UsageError, match="the time of the decision"):
        evaluate(HonestEngine(), [Evidence.of(documents.typed(CLEAN))], ["prod"], time)


def test_nothing_asked_is_nothing_decided() -> None:
    assert run(HonestEngine()) == []
    assert run(HonestEngine(), CLEAN, environments=()) == []
