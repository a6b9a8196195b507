"""Add one exception to the file of one or more environments: tried on a copy of the tree first, then written."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weightgate import strict
from weightgate.engine import many
from weightgate.engine.evaluate import Evidence
from weightgate.errors import PolicyError, UsageError
from weightgate.findings import Finding
from weightgate.policy import trial
from weightgate.policy.environment import Environment
from weightgate.policy.ledger import storing
from weightgate.policy.ledger import text as ledger_text
from weightgate.policy.ledger.listing import DAY
from weightgate.policy.moments import seconds, stamp
from weightgate.policy.permissions import read_exceptions
from weightgate.policy.tree import PolicyTree
from weightgate.policy.yamlfile import YamlFile

# NOTE: a letter first and a - somewhere, so that no YAML reader takes it for a number, a date or a truth value.
_ID = re.compile(r"[A-Za-z][A-Za-z0-9]*-[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
_PATTERN = re.compile(r"[*?\[\]{}\\]")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for."""

    environments: tuple[str, ...]
    id: str
    finding: str
    """The id of a finding of the document."""
    owner: str
    approver: str
    reason: str
    ticket: str
    created: str
    """RFC 3339 in UTC."""
    expires: str
    """RFC 3339, or a date."""
    bind_digest: bool = False
    """Only for the model with the document's digest."""
    rule_scope: bool = False
    """For the finding's rule in its file of this model, not for the finding's id."""


@dataclass(frozen=True, slots=True)
class Added:
    """What was written in one environment."""

    environment: str
    path: Path
    line: int
    """Of the entry, counted from 1."""
    severity: str
    """What the finding counts as."""
    hides: tuple[str, ...]
    """The findings of the document that it excuses; empty when the environment refuses none of them anyway."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A file as it is and as it shall be."""

    here: Environment
    path: Path
    old: bytes | None
    new: bytes
    severity: str
    hides: tuple[str, ...]


def add(tree: PolicyTree, evidence: Evidence, wish: Wish) -> list[Added]:
    """Write the exception that `wish` describes to `environments/<environment>/exceptions/data.yaml` of each of them.

    Raises `UsageError` for what one of the environments would not accept, and `PolicyError` for a tree or file that
    cannot be used; all files are as they were then.
    """
    loaded, _ = tree.load(list(wish.environments))
    drafts = [_draft(tree, here, evidence, wish) for here in loaded.values()]
    added = []
    try:
        for draft in drafts:
            line = storing.store(tree, draft.here, draft.path, draft.old, draft.new, wish.id)
            added.append(Added(draft.here.name, draft.path, line, draft.severity, draft.hides))
    except BaseException:
        for draft in drafts[: len(added)]:
            storing.restore(draft.path, draft.old)
        raise
    return added


def _draft(tree: PolicyTree, here: Environment, evidence: Evidence, wish: Wish) -> _Draft:
    finding = _finding(evidence, wish)
    entry = _entry(here, evidence, finding, wish)
    path = tree.root / "environments" / here.name / "exceptions" / "data.yaml"
    old = storing.read_bytes(path)
    new = ledger_text.appended(old, wish.id, entry, f"{finding.severity.value}: {finding.title}", str(path))
    return _Draft(here, path, old, new, *_tried(tree, here, evidence, finding, wish, new))


def _finding(evidence: Evidence, wish: Wish) -> Finding:
    known = {each.id: each for each in evidence.document.findings}
    if wish.finding not in known:
        hint = strict.nearest(wish.finding, known)
        raise UsageError(
            f"--finding {strict.show(wish.finding)}: the document about {strict.show(evidence.document.model.uri)} has "
            f"no such finding{hint}; expected the id of one of its {len(known)} findings"
        )
    return known[wish.finding]


def _entry(here: Environment, evidence: Evidence, finding: Finding, wish: Wish) -> dict[str, Any]:
    check_id(here, wish.id, "EXC-2026-001")
    entry = {
        "scope": _scope(evidence, finding, wish),
        "reason": wish.reason,
        "owner": wish.owner,
        "approver": wish.approver,
        "ticket": wish.ticket,
        "created": wish.created,
        "expires": wish.expires,
    }
    try:
        read_exceptions(YamlFile("the new exception", {wish.id: entry}, {}))
    except PolicyError as exc:
        raise UsageError(str(exc)) from None
    check_people(here, wish.owner, wish.approver)
    if (seconds(wish.expires) or 0) <= (seconds(wish.created) or 0):
        raise UsageError(f"it expires at {wish.expires}, which is not after {wish.created}, when it begins")
    return entry


def check_id(here: Environment, id_: str, example: str) -> None:
    """Raise `UsageError` unless a new exception or grant of the environment may have this id."""
    if not _ID.fullmatch(id_):
        raise UsageError(f"--id {strict.show(id_)}: expected letters, a -, and letters or digits, as {example}")
    if id_ in dict(here.permissions()):
        what = "an exception" if id_ in here.exceptions else "a break-glass grant"
        raise UsageError(f"--id {id_}: {here.name} has {what} of this id; choose another")


def check_people(here: Environment, owner: str, approver: str) -> None:
    """Raise `UsageError` unless `approver` may approve what `owner` asks for in this environment."""
    approvers = here.settings.exceptions.approvers
    if owner.lower() == approver.lower():
        raise UsageError(f"--approver {approver}: the owner cannot be the approver; expected another person")
    if approvers and approver not in approvers:
        raise UsageError(f"--approver {approver}: expected one of {', '.join(approvers)} in {here.name}")


def _scope(evidence: Evidence, finding: Finding, wish: Wish) -> dict[str, str]:
    model = evidence.document.model
    scope = {"finding": finding.id}
    if wish.rule_scope:
        scope = {"rule": finding.rule, "model": model.uri} | ({} if finding.path is None else {"path": finding.path})
        special = [word for word in scope.values() if _PATTERN.search(word)]
        if special:
            raise UsageError(
                f"--rule-scope: {strict.show(special[0])} holds characters that patterns use; leave the option out"
            )
    if wish.bind_digest:
        if model.digest is None:
            raise UsageError("--bind-digest: the document does not know the model's digest; leave the option out")
        scope["digest"] = model.digest
    return scope


def _tried(
    tree: PolicyTree, here: Environment, evidence: Evidence, finding: Finding, wish: Wish, new: bytes
) -> tuple[str, tuple[str, ...]]:
    """Return what the finding counts as and what the new exception excuses, as the policy itself says on a copy."""
    alone = Evidence.of(dataclasses.replace(evidence.document, findings=(finding,)))
    with trial.with_exceptions(tree, {here.name: {}}) as copy:
        path = copy.root / "environments" / here.name / "exceptions" / "data.yaml"
        path.write_bytes(b"{}\n")
        without, counted = many.decide(copy, [evidence, alone], [here.name], wish.created)
        severity = next(word for word, count in counted.counts.items() if count)
        _check_limits(here, finding, severity, wish)
        path.write_bytes(new)
        answer = many.decide(copy, [evidence], [here.name], wish.created)[0].exceptions
    reasons = [each.reason for each in answer.rejected if each.id == wish.id]
    if reasons:
        raise UsageError(f"{here.name} would reject the exception: {'; '.join(reasons)}")
    hides = tuple(sorted({each.finding for each in answer.applied if each.id == wish.id}))
    refused = any(each.finding == finding.id for each in without.violations)
    if refused and finding.id not in hides:
        raise UsageError(f"{here.name} would not let this exception excuse the finding {finding.id}")
    return severity, hides


def _check_limits(here: Environment, finding: Finding, severity: str, wish: Wish) -> None:
    limits = here.settings.exceptions
    if severity in limits.never:
        raise UsageError(f"{finding.id} counts as {severity}, which can never be excused in {here.name}")
    for name in (finding.rule, finding.threat):
        if name in limits.never_rules:
            raise UsageError(f"{finding.id} is of {name}, which can never be excused in {here.name}")
    begin = seconds(wish.created) or 0.0
    last = begin + limits.max_days.get(severity, 0) * DAY
    if (seconds(wish.expires) or 0.0) > last:
        raise UsageError(
            f"it expires at {wish.expires}; an exception for {severity} may last {limits.max_days.get(severity, 0)} "
            f"days in {here.name}, until {stamp(last)}"
        )
