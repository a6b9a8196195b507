"""Each exception and grant of an environment, and why it excuses nothing of a document, or what it does."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from weightgate.decision import Decision, broken_glass
from weightgate.errors import EngineError
from weightgate.findings import Finding, FindingsDocument
from weightgate.policy import opa
from weightgate.policy.environment import Environment
from weightgate.policy.moments import seconds
from weightgate.policy.permissions import PolicyException

_DAY = 86400


@dataclass(frozen=True, slots=True)
class ExceptionSeen:
    """What became of one exception or break-glass grant."""

    id: str
    findings: tuple[str, ...]
    """What it excuses."""
    why: str
    """What it does, or why it does nothing."""
    where: str
    """Its file and line."""


Globs = dict[tuple[str, str], bool]
"""(pattern, text) → whether it matches."""


def considered(here: Environment, document: FindingsDocument, decision: Decision) -> Iterator[ExceptionSeen]:
    """Yield every exception of the environment, by id, then every grant. Raises `EngineError` when OPA, which matches
    globs, fails."""
    globs = _globs(here, document)
    rejected = {each.id: each.reason for each in decision.exceptions.rejected}
    for id_, exception in sorted(here.exceptions.items()):
        excused = tuple(each.finding for each in decision.exceptions.applied if each.id == id_)
        if excused:
            why = f"excuses {len(excused)} finding{'s' * (len(excused) > 1)} until {exception.expires}"
        elif id_ in decision.exceptions.expired:
            about = _about(exception, document, globs) or "it is about a finding of this model"
            why = f"expired at {exception.expires}; {about}"
        elif id_ in rejected:
            why = f"rejected: {rejected[id_]}"
        else:
            why = _about(exception, document, globs) or _limit(exception, here, document, decision, globs)
        yield ExceptionSeen(id_, excused, why, here.place(id_))
    yield from _grants(here, document, decision, rejected)


def _grants(
    here: Environment, document: FindingsDocument, decision: Decision, rejected: dict[str, str]
) -> Iterator[ExceptionSeen]:
    used = {grant.id: grant for grant in broken_glass(decision)}
    for id_, grant in sorted(here.grants.items()):
        findings: tuple[str, ...] = ()
        if id_ in used:
            findings = used[id_].findings
            why = f"BREAK-GLASS: overrides {', '.join(used[id_].rules)} until {grant.expires} ({used[id_].told})"
        elif id_ in rejected:
            why = f"rejected: {rejected[id_]}"
        elif id_ in decision.exceptions.expired:
            why = f"the grant expired at {grant.expires}"
        elif grant.digest != document.model.digest:
            why = f"the grant is for another model ({grant.digest[:19]}…)"
        else:
            why = f"the grant is in force, and nothing that it may override ({', '.join(grant.rules)}) is refused here"
        yield ExceptionSeen(id_, findings, why, here.place(id_))


def _about(exception: PolicyException, document: FindingsDocument, globs: Globs) -> str:
    """Return why the exception is about no finding of the document; empty when it is about one."""
    scope = exception.scope
    if "digest" in scope and scope["digest"] != document.model.digest:
        return f"it is bound to another digest ({scope['digest'][:19]}…) than this model's ({document.model.digest})"
    if "model" in scope and not globs[scope["model"], document.model.uri]:
        return f"it is for another model: {scope['model']}"
    if "finding" in scope:
        known = any(each.id == scope["finding"] for each in document.findings)
        return "" if known else f"it is about the finding {scope['finding']}, which this document has not"
    same = [each for each in document.findings if each.rule == scope["rule"]]
    if not same:
        return f"it is about the scanner's rule {scope['rule']}, which found nothing here"
    if "path" in scope and not any(each.path is not None and globs[scope["path"], each.path] for each in same):
        return f"it is for another path: {scope['path']}"
    return ""


def _limit(
    exception: PolicyException, here: Environment, document: FindingsDocument, decision: Decision, globs: Globs
) -> str:
    """Return what keeps an exception in force from excusing the findings that it is about."""
    ids = {each.id for each in document.findings if _matches(exception, each, globs)}
    severities = sorted({each.severity for each in decision.violations if each.finding in ids and each.severity})
    if not severities:
        return "in force, and nothing that it is about is refused here"
    limits = here.settings.exceptions
    days = ((seconds(exception.expires) or 0) - (seconds(exception.created) or 0)) / _DAY
    told = [
        f"{word} can never be excused in {here.name}"
        if word in limits.never
        else f"it lasts {days:g} days, and one for {word} may last {limits.max_days.get(word, 0)} in {here.name}"
        for word in severities
    ]
    return "; ".join(told)


def _matches(exception: PolicyException, finding: Finding, globs: Globs) -> bool:
    scope = exception.scope
    if "finding" in scope:
        return scope["finding"] == finding.id
    path = "path" not in scope or (finding.path is not None and globs[scope["path"], finding.path])
    return scope["rule"] == finding.rule and path


def _globs(here: Environment, document: FindingsDocument) -> Globs:
    """Return which patterns match, as OPA itself says."""
    scopes = [exception.scope for exception in here.exceptions.values()]
    paths = sorted({each.path for each in document.findings if each.path is not None})
    pairs = {(scope["model"], document.model.uri) for scope in scopes if "model" in scope}
    pairs |= {(scope["path"], path) for scope in scopes if "path" in scope for path in paths}
    if not pairs:
        return {}
    asked = sorted(pairs)
    with tempfile.TemporaryDirectory(prefix="weightgate-explain-") as folder:
        Path(folder, "input.json").write_text(json.dumps(asked), encoding="utf-8")
        done = opa.run(
            Path(folder),
            "eval",
            "--format",
            "json",
            "-i",
            "input.json",
            '[glob.match(p[0], ["/"], p[1]) | some p in input]',
        )
    try:
        answers = json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
        return dict(zip(asked, [bool(answer) for answer in answers], strict=True))
    except (ValueError, KeyError, IndexError, TypeError) as exc:
        raise EngineError(f"opa eval gave no answer about the exceptions' patterns: {done.stderr.strip()}") from exc
