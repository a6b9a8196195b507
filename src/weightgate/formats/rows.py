"""What decisions say, one row a finding (or a rule's own word about the model), the same for every format.

No finding, violation, warning or applied exception is ever left out of the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from weightgate.decision import BREAK_GLASS, Applied, Decision, Violation
from weightgate.findings import Finding, FindingsDocument, fingerprint
from weightgate.policy.settings import SEVERITIES


class State(IntEnum):
    """What an environment made of a finding; the smaller, the worse."""

    REFUSED = 0
    EXCUSED = 1
    WARNED = 2
    TOLERATED = 3
    SILENT = 4
    """The environment says nothing of it: a word that only another environment's rule has."""


@dataclass(frozen=True, slots=True)
class Row:
    """One finding, or one word of a rule that is about no finding, with what each decision made of it."""

    id: str
    """The finding's id, or a fingerprint."""
    finding: Finding | None
    severity: str | None
    """What a finding counts as; `None` for a rule's own word."""
    path: str | None
    title: str
    """In one sentence, without the severity."""
    notes: tuple[str, ...]
    """What the rules that refuse it say beyond the title."""
    remarks: tuple[str, ...]
    """What the rules that warn of it say beyond the title and the notes."""
    rules: tuple[str, ...]
    """The ids of the rules that refuse it, or, when none does, of those that warn of it."""
    states: tuple[State, ...]
    """One for each decision."""
    applied: tuple[tuple[Applied, ...], ...]
    """The exceptions that excuse it, for each decision."""

    broken: bool = False
    """Whether a break-glass grant lets it pass somewhere."""

    @property
    def worst(self) -> State:
        """The worst of `states`."""
        return min(self.states)


def rows(decisions: tuple[Decision, ...], document: FindingsDocument) -> list[Row]:
    """Return the rows of one model's decisions, the worst state first, then by severity, path and title."""
    known = {finding.id for finding in document.findings}
    judged = [_judged(decision, known) for decision in decisions]
    made = [_of_finding(finding, judged) for finding in document.findings]
    loose = dict.fromkeys(key for each in judged for key in (*each.loose_violations, *each.loose_warnings))
    made += [_of_rule(key, judged) for key in loose]
    made += _strays(judged)
    return sorted(made, key=_order)


_Key = tuple[str, str, str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class _Judged:
    """One decision's words by finding, and those about none."""

    violations: dict[str, list[Violation]]
    warnings: dict[str, list[Violation]]
    applied: dict[str, list[Applied]]
    loose_violations: dict[_Key, None]
    loose_warnings: dict[_Key, None]
    stray: dict[Applied, None]


def _judged(decision: Decision, known: set[str]) -> _Judged:
    made = _Judged({}, {}, {}, {}, {}, {})
    for found, by_finding, loose in (
        (decision.violations, made.violations, made.loose_violations),
        (decision.warnings, made.warnings, made.loose_warnings),
    ):
        for violation in found:
            if violation.finding in known:
                by_finding.setdefault(str(violation.finding), []).append(violation)
            else:
                loose[_key(violation)] = None
    for item in decision.exceptions.applied:
        made.applied.setdefault(item.finding, []).append(item)
        if item.finding not in known:
            made.stray[item] = None
    return made


def _of_finding(finding: Finding, judged: list[_Judged]) -> Row:
    refusals: list[Violation] = []
    remarks: list[Violation] = []
    states = []
    for each in judged:
        refusing, warning = each.violations.get(finding.id, []), each.warnings.get(finding.id, [])
        refusals += refusing
        remarks += warning
        if refusing:
            states.append(State.REFUSED)
        elif finding.id in each.applied:
            states.append(State.EXCUSED)
        else:
            states.append(State.WARNED if warning else State.TOLERATED)
    severity = min((v.severity for v in refusals + remarks if v.severity), key=_rank, default=finding.severity.value)
    title = headline(finding.title, severity)
    notes = _beyond(title, refusals)
    return Row(
        finding.id,
        finding,
        severity,
        finding.path,
        title,
        notes,
        tuple(note for note in _beyond(title, remarks) if note not in notes),
        tuple(dict.fromkeys(violation.rule for violation in refusals or remarks)),
        tuple(states),
        tuple(tuple(each.applied.get(finding.id, ())) for each in judged),
        any(remark.rule == BREAK_GLASS for remark in remarks),
    )


def _beyond(title: str, said: list[Violation]) -> tuple[str, ...]:
    """Return what rules say of a finding that its title does not say."""
    notes = dict.fromkeys(headline(each.msg, each.severity).removeprefix(title).lstrip("; ") for each in said)
    return tuple(note for note in notes if note)


def _of_rule(key: _Key, judged: list[_Judged]) -> Row:
    rule, msg, finding, severity, path = key

    def state(each: _Judged) -> State:
        if key in each.loose_violations:
            return State.REFUSED
        return State.WARNED if key in each.loose_warnings else State.SILENT

    notes = () if finding is None else (f"about {finding}, which is not in the findings document",)
    id_ = fingerprint("rule", rule, path, msg, finding)
    states = tuple(state(each) for each in judged)
    return Row(
        id_, None, severity, path, headline(msg, severity), notes, (), (rule,), states, tuple(() for _ in judged)
    )


def _strays(judged: list[_Judged]) -> list[Row]:
    """Return a row for each exception that a decision applied to a finding that nobody knows."""
    found = dict.fromkeys(item for each in judged for item in each.stray)
    return [
        Row(
            fingerprint("exception", item.id, item.finding),
            None,
            None,
            None,
            f"exception {item.id} excuses {item.finding}, which is not in the findings document",
            (),
            (),
            (),
            tuple(State.EXCUSED if item in each.stray else State.SILENT for each in judged),
            tuple((item,) if item in each.stray else () for each in judged),
        )
        for item in found
    ]


def headline(text: str, severity: str | None) -> str:
    """Return `text` without the severity that rules, and some scanners, put before it."""
    while severity and text.startswith(f"{severity}: ") and len(text) > len(severity) + 2:
        text = text.removeprefix(f"{severity}: ")
    return text


def by_file(found: list[Row]) -> dict[str | None, list[Row]]:
    """Return rows by path, the paths in the order of their first rows."""
    groups: dict[str | None, list[Row]] = {}
    for row in found:
        groups.setdefault(row.path, []).append(row)
    return groups


def where(row: Row, environments: tuple[str, ...], wanted: Callable[[State], bool]) -> list[str]:
    """Return the environments in which the row's state is `wanted`."""
    return [name for name, state in zip(environments, row.states, strict=True) if wanted(state)]


def _key(violation: Violation) -> _Key:
    return violation.rule, violation.msg, violation.finding, violation.severity, violation.path


def _rank(severity: str | None) -> int:
    if severity is None or severity not in SEVERITIES:
        return -1
    return SEVERITIES.index(severity)


def _order(row: Row) -> tuple[State, int, str, str, str]:
    # NOTE: what rules say of the whole model comes first, what they say of files without a finding last: of that there
    # can be very much, for example files that were not scanned.
    rank = _rank(row.severity) if row.severity or row.path is None else len(SEVERITIES)
    return row.worst, rank, row.path or "", row.title, row.id
