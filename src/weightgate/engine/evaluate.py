"""Evaluate findings documents: send them with the canaries to an engine, and let only proven answers through."""

from __future__ import annotations

from dataclasses import dataclass

from weightgate import strict
from weightgate.decision import Answer, DecidedModel, Decision, Expected, check_allow, complete, read_answer
from weightgate.engine.canary import CANARIES
from weightgate.engine.interface import PolicyEngine, RawAnswers
from weightgate.engine.request import inputs
from weightgate.errors import InvalidDocument, MalformedDecision, UsageError
from weightgate.findings import FindingsDocument, parse, to_json


@dataclass(frozen=True, slots=True)
class Evidence:
    """A findings document and its canonical bytes."""

    document: FindingsDocument
    raw: bytes

    @classmethod
    def of(cls, document: FindingsDocument) -> Evidence:
        """Return `document` with its canonical bytes."""
        return cls(document, strict.canonical(to_json(document)))

    @classmethod
    def read(cls, raw: bytes, where: str) -> Evidence:
        """Return the document that `raw` holds, with its canonical bytes; raises as `weightgate.findings.read` does."""
        value = strict.loads(raw, where)
        return cls(parse(value, where), strict.canonical(value))


def evaluate(
    engine: PolicyEngine, evidence: list[Evidence], environments: list[str], evaluated_at: str
) -> tuple[Decision, ...]:
    """Return one decision for each document and environment, in that order.

    `evaluated_at` is the RFC 3339 time of the decision, in UTC and whole seconds: exceptions are in force or expired as
    of then. Raises `UsageError` for another time, `MalformedDecision`, `CanaryPassed`, and what
    `PolicyEngine.evaluate` raises; there is no decision then, for none of them.
    """
    _whole_seconds(evaluated_at)
    raw = engine.evaluate(environments, inputs([item.raw for item in evidence], evaluated_at))
    for environment in environments:
        for number, canary in enumerate(CANARIES, start=len(evidence)):
            model = DecidedModel(canary.document["model"]["uri"], canary.document["model"]["digest"])
            digest = strict.digest(strict.canonical(canary.document))
            expected = Expected(environment, evaluated_at, model, canary.findings(), digest)
            canary.check(_answer(raw, expected, number, f"canary {canary.name}"), raw.fail_on[environment])
    decisions = []
    for number, item in enumerate(evidence):
        model = DecidedModel(item.document.model.uri, item.document.model.digest)
        ids = frozenset(finding.id for finding in item.document.findings)
        digest = strict.digest(item.raw)
        for environment in environments:
            expected = Expected(environment, evaluated_at, model, ids, digest)
            answer = _answer(raw, expected, number, model.uri)
            check_allow(answer, raw.fail_on[environment], f"environment {environment}, {model.uri}")
            decisions.append(complete(answer, raw.policy, raw.engine))
    return tuple(decisions)


def _answer(raw: RawAnswers, expected: Expected, number: int, what: str) -> Answer:
    where = f"environment {expected.environment}, {what}"
    if (expected.environment, number) not in raw.answers:
        raise MalformedDecision(
            f"{where}: data.environments[{strict.show(expected.environment)}].decision is undefined; a name that the "
            "policy uses does not exist, or a value it needs is missing (opa eval --explain=fails shows where)"
        )
    return read_answer(raw.answers[expected.environment, number], expected, where)


def _whole_seconds(evaluated_at: str) -> None:
    """Raise `UsageError` unless the time is written as the policy writes it, which the answer must repeat."""
    try:
        if "." in strict.time(evaluated_at, ""):
            strict.fail("", f"found {strict.show(evaluated_at)}; expected whole seconds")
    except InvalidDocument as exc:
        raise UsageError(f"the time of the decision: {exc.problem}") from None
