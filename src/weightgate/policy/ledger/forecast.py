"""Which models would start to fail within some days, when, and why: the policy is asked at each moment to come."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from weightgate.decision import Decision, Violation, broken_glass
from weightgate.engine import many
from weightgate.engine.evaluate import Evidence
from weightgate.policy.environment import Environment
from weightgate.policy.ledger.listing import DAY
from weightgate.policy.moments import seconds, stamp
from weightgate.policy.tree import PolicyTree


@dataclass(frozen=True, slots=True)
class Ending:
    """An exception that ends later: without it the model is refused again, when only the others were renewed."""

    id: str
    expires: str


@dataclass(frozen=True, slots=True)
class Failure:
    """One model that is allowed before a moment and refused from then on."""

    environment: str
    at: str
    """The moment (RFC 3339, UTC)."""
    model: str
    digest: str | None
    verdict: str
    exceptions: tuple[str, ...]
    """The exceptions and grants that excused it until then and have expired."""
    ending: tuple[Ending, ...]
    """The exceptions that excuse another finding of it still, and end within the time looked at, by their end."""
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to come."""

    until: str
    """The last moment that was looked at (RFC 3339, UTC)."""
    moments: int
    """How many moments were looked at, over all environments."""
    failures: tuple[Failure, ...]
    """By time, environment and model."""


def forecast(
    tree: PolicyTree, environments: list[str], corpus: Sequence[Evidence], evaluated_at: str, days: int
) -> Forecast:
    """Return which models of `corpus` go from allow to a refusal within `days` days after `evaluated_at`.

    The moments are those at which an exception or grant begins or ends and at which a rule takes effect, and the last
    one. Raises what evaluating raises.
    """
    loaded, _ = tree.load(environments)
    begin = seconds(evaluated_at) or 0.0
    failures: list[Failure] = []
    looked = 0
    end = begin + days * DAY
    for name in environments:
        before = _decide(tree, corpus, name, evaluated_at)
        for moment in _moments(loaded[name], begin, end):
            looked += 1
            after = _decide(tree, corpus, name, moment)
            pairs = zip(before, after, strict=True)
            failures += [_failure(old, new, end) for old, new in pairs if old.allow and not new.allow]
            before = after
    failures = list({(each.environment, each.at, each.model, each.digest): each for each in failures}.values())
    failures.sort(key=lambda each: (each.at, environments.index(each.environment), each.model, each.digest or ""))
    return Forecast(stamp(end), looked, tuple(failures))


def _moments(here: Environment, begin: float, end: float) -> list[str]:
    """Return the whole seconds after `begin`, up to `end`, from which on the environment may decide differently."""
    written = [time for _, each in here.permissions() for time in (each.created, each.expires)]
    written += [rule.effective_on for rule in here.settings.rules.values() if rule.effective_on is not None]
    # NOTE: the first whole second at which a fraction of one has passed; decisions are made at whole seconds.
    found = {float(math.ceil(seconds(text) or 0.0)) for text in written}
    return [stamp(moment) for moment in sorted({each for each in found if begin < each <= end} | {end})]


def _decide(tree: PolicyTree, corpus: Sequence[Evidence], environment: str, at: str) -> list[Decision]:
    parts = many.in_batches(corpus, lambda batch: many.decide(tree, batch, [environment], at))
    return [decision for part in parts for decision in part]


def _failure(old: Decision, new: Decision, end: float) -> Failure:
    used = {each.id for each in old.exceptions.applied} | {grant.id for grant in broken_glass(old)}
    ended = sorted(used & set(new.exceptions.expired))
    left = {each.id: each.expires for each in new.exceptions.applied if (seconds(each.expires) or 0) <= end}
    ending = sorted((Ending(*item) for item in left.items()), key=lambda each: (seconds(each.expires) or 0, each.id))
    return Failure(
        new.environment,
        new.evaluated_at,
        new.model.uri,
        new.model.digest,
        new.verdict,
        tuple(ended),
        tuple(ending),
        new.violations,
    )
