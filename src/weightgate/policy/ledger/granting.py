"""Write a break-glass grant for one model: tried on a copy of the tree first, then written in one step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weightgate.decision import Decision
from weightgate.engine import many
from weightgate.engine.evaluate import Evidence
from weightgate.errors import PolicyError, UsageError
from weightgate.policy import trial
from weightgate.policy.environment import Environment
from weightgate.policy.ledger import storing
from weightgate.policy.ledger import text as ledger_text
from weightgate.policy.ledger.adding import check_id, check_people
from weightgate.policy.moments import seconds, stamp
from weightgate.policy.permissions import read_grants
from weightgate.policy.tree import PolicyTree
from weightgate.policy.yamlfile import YamlFile

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for."""

    environment: str
    id: str
    owner: str
    approver: str
    reason: str
    ticket: str
    created: str
    """RFC 3339 in UTC."""
    hours: int


@dataclass(frozen=True, slots=True)
class Granted:
    """What was written."""

    path: Path
    line: int
    """Of the entry, counted from 1."""
    rules: tuple[str, ...]
    """What it overrides: every rule that refuses the model now."""
    expires: str


def grant(tree: PolicyTree, evidence: Evidence, wish: Wish) -> Granted:
    """Write the grant that `wish` describes to `environments/<environment>/break_glass/data.yaml`.

    It is for the document's model, and names the rules that refuse it. Raises `UsageError` when the environment would
    refuse the model all the same, or needs no grant, and `PolicyError` for a tree or file that cannot be used; the file
    is as it was then.
    """
    here = tree.load([wish.environment])[0][wish.environment]
    _check(here, evidence, wish)
    before = many.decide(tree, [evidence], [here.name], wish.created)[0]
    if before.allow:
        raise UsageError(f"{here.name} lets {before.model.uri} pass as it is; no grant is needed")
    rules = tuple(sorted({violation.rule for violation in before.violations}))
    entry = _entry(evidence, wish, rules)
    path = tree.root / "environments" / here.name / "break_glass" / "data.yaml"
    old = storing.read_bytes(path)
    new = ledger_text.appended(old, wish.id, entry, before.model.uri, str(path), ledger_text.GRANTS_HEADER)
    with trial.with_exceptions(tree, {}) as copy:
        tried = copy.root / "environments" / here.name / "break_glass" / "data.yaml"
        tried.parent.mkdir(exist_ok=True)
        tried.write_bytes(new)
        _check_answer(here, many.decide(copy, [evidence], [here.name], wish.created)[0], wish)
    return Granted(path, storing.store(tree, here, path, old, new, wish.id), rules, str(entry["expires"]))


def _check(here: Environment, evidence: Evidence, wish: Wish) -> None:
    check_id(here, wish.id, "BG-2026-001")
    check_people(here, wish.owner, wish.approver)
    most = 0 if here.settings.break_glass is None else here.settings.break_glass.max_hours
    if not most:
        raise UsageError(f"{here.name} takes no break-glass grants (break_glass.max_hours in its data.yaml)")
    if not 1 <= wish.hours <= most:
        raise UsageError(f"--hours is {wish.hours}; expected 1 to {most} in {here.name} (break_glass.max_hours)")
    if evidence.document.model.digest is None:
        raise UsageError(
            f"{evidence.document.model.uri}: the document does not know the model's digest, and a grant is for "
            "one digest; scan the model's files here"
        )


def _entry(evidence: Evidence, wish: Wish, rules: tuple[str, ...]) -> dict[str, Any]:
    entry = {
        "digest": evidence.document.model.digest,
        "rules": list(rules),
        "reason": wish.reason,
        "owner": wish.owner,
        "approver": wish.approver,
        "ticket": wish.ticket,
        "created": wish.created,
        "expires": stamp((seconds(wish.created) or 0) + wish.hours * _HOUR),
    }
    try:
        read_grants(YamlFile("the new grant", {wish.id: entry}, {}))
    except PolicyError as exc:
        raise UsageError(str(exc)) from None
    return entry


def _check_answer(here: Environment, answer: Decision, wish: Wish) -> None:
    """Raise `UsageError` unless the model would pass with the grant: half a grant helps nobody."""
    reasons = [each.reason for each in answer.exceptions.rejected if each.id == wish.id]
    told = [reason for reason in reasons if reason != "it is not well-formed"] or reasons
    if told:
        raise UsageError(f"{here.name} would reject the grant: {'; '.join(told)}")
    if not answer.allow:
        left = "; ".join(f"{each.rule}: {each.msg}" for each in answer.violations[:3])
        raise UsageError(f"{here.name} would refuse the model all the same: {left}")
