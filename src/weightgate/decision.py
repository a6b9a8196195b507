"""The decision, `weightgate.decision/v1`: the answer for one model and one environment, and how it is read from OPA."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from weightgate import strict
from weightgate.errors import InvalidDocument, MalformedDecision
from weightgate.policy.settings import SEVERITIES

SCHEMA = "weightgate.decision/v1"
LIST_SCHEMA = "weightgate.decisions/v1"
VERDICTS = ("allow", "deny", "indeterminate")

BREAK_GLASS = "break_glass.used"
"""The rule of the warnings that say that a break-glass grant overrides a violation, one for each violation."""
_BREAK_GLASS_MSG = re.compile(r"BREAK-GLASS (\S+) overrides (\S+) until (\S+) \((.*?)\): ", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Violation:
    """What a rule says when it refuses (or warns)."""

    rule: str
    msg: str
    finding: str | None
    """The id of the finding it is about."""
    severity: str | None
    """What the finding counts as."""
    path: str | None


@dataclass(frozen=True, slots=True)
class Applied:
    """An exception that excused a finding."""

    id: str
    finding: str
    expires: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """An exception that excuses nothing, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExceptionUse:
    """What became of the environment's exceptions."""

    applied: tuple[Applied, ...]
    expired: tuple[str, ...]
    unused: tuple[str, ...]
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class DecidedModel:
    """The model that the decision is about."""

    uri: str
    digest: str | None


@dataclass(frozen=True, slots=True)
class PolicyIdentity:
    """The policy tree that decided."""

    digest: str
    revision: str | None
    """The git commit whose files these are; `None` outside git, or when a file differs from that commit."""


@dataclass(frozen=True, slots=True)
class EngineIdentity:
    """The OPA that evaluated."""

    opa: str
    mode: str
    """`exec` (a process of its own) or `server`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the policy itself answers: a decision without what only the caller knows."""

    environment: str
    allow: bool
    verdict: str
    evaluated_at: str
    model: DecidedModel
    violations: tuple[Violation, ...]
    warnings: tuple[Violation, ...]
    counts: dict[str, int]
    exceptions: ExceptionUse
    input_digest: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The whole answer about one model for one environment."""

    environment: str
    allow: bool
    verdict: str
    evaluated_at: str
    model: DecidedModel
    violations: tuple[Violation, ...]
    warnings: tuple[Violation, ...]
    counts: dict[str, int]
    """Findings by the severity that they count as, before exceptions."""
    exceptions: ExceptionUse
    policy: PolicyIdentity
    input_digest: str
    engine: EngineIdentity


@dataclass(frozen=True, slots=True)
class BrokenGlass:
    """A break-glass grant that a decision used."""

    id: str
    expires: str
    told: str
    """Who asked, who approved, and the ticket."""
    rules: tuple[str, ...]
    """The rules that it overrides for this model."""
    findings: tuple[str, ...]
    """The findings that it lets pass."""


def broken_glass(decision: Decision) -> tuple[BrokenGlass, ...]:
    """Return the break-glass grants that the decision used, by id; one whose warning cannot be read is named `?`."""
    used: dict[str, list[tuple[tuple[str, ...], str | None]]] = {}
    for warning in decision.warnings:
        if warning.rule == BREAK_GLASS:
            match = _BREAK_GLASS_MSG.match(warning.msg)
            id_, *told = match.groups() if match else ("?", "?", "?", warning.msg)
            used.setdefault(id_, []).append((tuple(told), warning.finding))
    return tuple(
        BrokenGlass(
            id_,
            entries[0][0][1],
            entries[0][0][2],
            tuple(sorted({told[0] for told, _ in entries})),
            tuple(sorted({finding for _, finding in entries if finding is not None})),
        )
        for id_, entries in sorted(used.items())
    )


@dataclass(frozen=True, slots=True)
class Expected:
    """What an answer must be about, known from what was sent."""

    environment: str
    evaluated_at: str
    model: DecidedModel
    findings: frozenset[str]
    """The ids of the findings that were sent."""
    input_digest: str


_VIOLATION = strict.record(
    Violation,
    {
        "rule": strict.text,
        "msg": strict.text,
        "finding": strict.nullable(strict.text),
        "severity": strict.nullable(strict.word(*SEVERITIES)),
        "path": strict.nullable(strict.text),
    },
)
_MODEL = strict.record(DecidedModel, {"uri": strict.text, "digest": strict.nullable(strict.prefixed_digest)})
_EXCEPTIONS = strict.record(
    ExceptionUse,
    {
        "applied": strict.array(
            strict.record(Applied, {"id": strict.text, "finding": strict.text, "expires": strict.text})
        ),
        "expired": strict.array(strict.text),
        "unused": strict.array(strict.text),
        "rejected": strict.array(strict.record(Rejected, {"id": strict.text, "reason": strict.text})),
    },
)
_COUNTS = strict.record(lambda **counts: counts, dict.fromkeys(SEVERITIES, strict.count))
_ANSWER_FIELDS: dict[str, strict.Reader[Any]] = {
    "schema": strict.word(SCHEMA),
    "environment": strict.text,
    "allow": strict.boolean,
    "verdict": strict.word(*VERDICTS),
    "evaluated_at": strict.time,
    "model": _MODEL,
    "violations": strict.array(_VIOLATION),
    "warnings": strict.array(_VIOLATION),
    "counts": _COUNTS,
    "exceptions": _EXCEPTIONS,
    "input_digest": strict.prefixed_digest,
}


def _answer(schema: str, **fields: Any) -> Answer:
    return Answer(**fields)


def _decision(schema: str, **fields: Any) -> Decision:
    return Decision(**fields)


_ANSWER = strict.record(_answer, _ANSWER_FIELDS)
_DECISION = strict.record(
    _decision,
    {
        **_ANSWER_FIELDS,
        "policy": strict.record(
            PolicyIdentity, {"digest": strict.prefixed_digest, "revision": strict.nullable(strict.text)}
        ),
        "engine": strict.record(EngineIdentity, {"opa": strict.text, "mode": strict.word("exec", "server")}),
    },
)


def read_answer(value: Any, expected: Expected, where: str) -> Answer:
    """Return the policy's answer, once it is proven to be one about what was asked.

    Raises `MalformedDecision` for an unknown or missing key, a wrong type, an empty message, a word that contradicts
    another, or an answer about another environment, time, model or input.
    """
    try:
        answer = _ANSWER(value, "")
        _consistent(answer)
        for name in ("environment", "evaluated_at", "model", "input_digest"):
            found, wanted = getattr(answer, name), getattr(expected, name)
            if found != wanted:
                strict.fail(f"/{name}", f"the answer is about {found}; asked was {wanted}")
        counted = sum(answer.counts.values())
        if counted != len(expected.findings):
            strict.fail("/counts", f"the policy counted {counted} findings; {len(expected.findings)} were sent")
        excused = {applied.finding for applied in answer.exceptions.applied}
        for finding in sorted(excused - expected.findings):
            strict.fail("/exceptions/applied", f"found the finding {strict.show(finding)}, which was not sent")
    except InvalidDocument as exc:
        raise MalformedDecision(f"{where}: the policy's answer is no decision: {exc.pointer}: {exc.problem}") from None
    return answer


def check_allow(answer: Answer, fail_on: frozenset[str], where: str) -> None:
    """Check an allow against the environment's own `fail_on`, read apart from the policy.

    Raises `MalformedDecision` when more findings count as a severity of `fail_on` (or CRITICAL) than exceptions excuse.
    """
    failing = sum(answer.counts[severity] for severity in SEVERITIES if severity in fail_on or severity == "CRITICAL")
    excused = len({applied.finding for applied in answer.exceptions.applied})
    if answer.allow and failing > excused:
        raise MalformedDecision(
            f"{where}: the policy allows {failing} findings of severities that fail_on lists or nobody may tolerate, "
            f"and exceptions excuse only {excused}"
        )


def _consistent(answer: Answer | Decision) -> None:
    if answer.allow is not (answer.verdict == "allow"):
        strict.fail("/allow", f"found {strict.show(answer.allow)} beside the verdict {answer.verdict}")
    if answer.allow and answer.violations:
        strict.fail("/violations", f"found {len(answer.violations)} violations beside the verdict allow")
    if not answer.allow and not answer.violations:
        strict.fail("/violations", f"found none beside the verdict {answer.verdict}; a refusal says why")


def complete(answer: Answer, policy: PolicyIdentity, engine: EngineIdentity) -> Decision:
    """Return the decision that `answer` and the caller's own knowledge make."""
    fields = {name: getattr(answer, name) for name in Answer.__slots__}
    return Decision(**fields, policy=policy, engine=engine)


def read(raw: bytes, where: str = "decision") -> Decision:
    """Return the decision that the bytes of a stored `decision.json` hold; raises `InvalidDocument` with a pointer."""
    value = strict.loads(raw, where)
    try:
        decision = _DECISION(value, "")
        _consistent(decision)
    except InvalidDocument as exc:
        raise InvalidDocument(where, exc.pointer, exc.problem) from None
    return decision


def to_json(decision: Decision) -> dict[str, Any]:
    """Return the decision as plain JSON values, in the contract's key order."""
    from dataclasses import asdict

    return {"schema": SCHEMA, **asdict(decision)}


def list_to_json(decisions: tuple[Decision, ...]) -> dict[str, Any]:
    """Return several decisions as one JSON value."""
    return {"schema": LIST_SCHEMA, "decisions": [to_json(decision) for decision in decisions]}
