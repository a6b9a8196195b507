"""Why a decision is as it is, and what would have to change: everything about one document and one environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weightgate.decision import Decision
from weightgate.engine import many
from weightgate.engine.evaluate import Evidence
from weightgate.explain import exceptions, rules, smallest
from weightgate.explain.commands import commands
from weightgate.explain.exceptions import ExceptionSeen
from weightgate.explain.rules import RuleSeen
from weightgate.explain.smallest import Way
from weightgate.findings import FindingsDocument
from weightgate.policy import trial
from weightgate.policy.environment import Environment
from weightgate.policy.moments import seconds, stamp
from weightgate.policy.order import chain
from weightgate.policy.tree import PolicyTree

_DAY = 86400


@dataclass(frozen=True, slots=True)
class Step:
    """What one environment of the declared order says."""

    environment: str
    verdict: str
    rules: tuple[str, ...]
    """The rules that refuse."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one environment decides so about one document."""

    decision: Decision
    document: FindingsDocument
    ladder: tuple[Step, ...]
    """Every environment, the laxest first."""
    rules: tuple[RuleSeen, ...]
    """Those that refuse first, then those that warn."""
    exceptions: tuple[ExceptionSeen, ...]
    way: Way | None
    """The smallest set of findings without which the verdict is allow; `None` for an allow, and when there is none."""
    without_findings: tuple[str, ...]
    """What still refuses the document without any finding, when there is no `way`."""
    not_excusable: tuple[str, ...]
    """The findings of `way` that no exception can excuse in this environment."""
    commands: tuple[tuple[str, str], ...]
    """What to do next, each with its command."""


def explain(
    tree: PolicyTree, evidence: Evidence, environment: str, evaluated_at: str, stored: str | None
) -> Explanation:
    """Return the explanation of the decision about `evidence` in `environment`, as of `evaluated_at` (RFC 3339, UTC).

    `stored` is the document's file, as commands name it; without one there are no commands. Raises what
    evaluating raises; nothing is explained then.
    """
    environments, _ = tree.load(tree.select([], True))
    names = chain(environments)
    decisions = {each.environment: each for each in many.decide(tree, [evidence], names, evaluated_at)}
    decision = decisions[environment]
    here = environments[environment]
    way, left = _way(tree, evidence.document, decision)
    stuck = () if way is None else _not_excusable(tree, evidence, here, way, evaluated_at)
    excusable = [] if way is None else [finding for finding in way.findings if finding not in stuck]
    return Explanation(
        decision,
        evidence.document,
        tuple(_step(decisions[name]) for name in names),
        tuple(rules.seen(tree, here, evidence.document, decision)),
        tuple(exceptions.considered(here, evidence.document, decision)),
        way,
        left,
        stuck,
        () if stored is None else tuple(commands(tree, here, decision, excusable, stored)),
    )


def _step(decision: Decision) -> Step:
    refusing = dict.fromkeys(violation.rule for violation in decision.violations)
    return Step(decision.environment, decision.verdict, tuple(refusing))


def _way(tree: PolicyTree, document: FindingsDocument, decision: Decision) -> tuple[Way | None, tuple[str, ...]]:
    if decision.allow:
        return None, ()

    def decide(documents: Sequence[FindingsDocument]) -> list[Decision]:
        parts = many.in_batches(
            [Evidence.of(item) for item in documents],
            lambda batch: many.decide(tree, batch, [decision.environment], decision.evaluated_at),
        )
        return [each for part in parts for each in part]

    bare = decide([smallest.without(document, {finding.id for finding in document.findings})])[0]
    if not bare.allow:
        return None, tuple(f"{each.rule}: {each.msg}" for each in bare.violations)
    named = {violation.finding for violation in decision.violations if violation.finding is not None}
    return smallest.find(document, named, lambda documents: [each.allow for each in decide(documents)]), ()


def _not_excusable(
    tree: PolicyTree, evidence: Evidence, here: Environment, way: Way, evaluated_at: str
) -> tuple[str, ...]:
    """Return the findings of `way` that stay refused when each has an exception of its own, for one day."""
    ends = stamp((seconds(evaluated_at) or 0) + _DAY)
    approver = next(iter(here.settings.exceptions.approvers), "trial-approver")
    added = {
        f"TRIAL-{number}": trial.exception(finding, evaluated_at, ends, approver)
        for number, finding in enumerate(way.findings)
    }
    with trial.with_exceptions(tree, {here.name: added}) as copy:
        answer = many.decide(copy, [evidence], [here.name], evaluated_at)[0]
    if answer.allow:
        return ()
    excused = {each.finding for each in answer.exceptions.applied}
    excused -= {violation.finding for violation in answer.violations if violation.finding is not None}
    return tuple(finding for finding in way.findings if finding not in excused)
