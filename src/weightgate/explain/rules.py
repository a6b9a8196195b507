"""Each rule with the value that it saw and the setting that it compared the value with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from weightgate import strict
from weightgate.decision import Decision
from weightgate.findings import FindingsDocument, Status
from weightgate.policy.environment import Environment
from weightgate.policy.moments import seconds
from weightgate.policy.rules import Rule, annotated
from weightgate.policy.settings import SEVERITIES
from weightgate.policy.tree import PolicyTree


@dataclass(frozen=True, slots=True)
class RuleSeen:
    """What one rule made of one document."""

    rule: str
    title: str
    answer: str
    """`refuses`, `warns`, `agrees` or `off`."""
    saw: str
    """The value in the document, in a few words."""
    setting: str
    """What the value was compared with; empty for a rule that no setting changes."""
    where: str
    """The setting's file and line."""
    messages: tuple[str, ...]
    remediation: str


_ORDER = ("refuses", "warns", "agrees", "off")
_SETTINGS = {
    "severity.threshold": "fail_on",
    "coverage.complete": "coverage",
    "scanners.required": "scanners/required",
}
"""The setting that a rule compares with, where that is not its own entry below `rules`."""
_NOTICES = ("exceptions.", "break_glass.")
"""What is no rule but a warning about an exception or grant, of which no setting decides."""
_FLOORS = ("outcome.safe", "document.valid", "settings.valid")


def seen(tree: PolicyTree, here: Environment, document: FindingsDocument, decision: Decision) -> list[RuleSeen]:
    """Return every rule that the tree describes, the settings name, or that spoke. Raises what `annotated` raises."""
    known = annotated(tree)
    spoke = [each.rule for each in (*decision.violations, *decision.warnings)]
    found = [_seen(name, known.get(name), here, document, decision) for name in {*known, *here.settings.rules, *spoke}]
    return sorted(found, key=lambda each: (_ORDER.index(each.answer), each.rule))


def _seen(name: str, rule: Rule | None, here: Environment, document: FindingsDocument, decision: Decision) -> RuleSeen:
    refusing = [each.msg for each in decision.violations if each.rule == name]
    warning = [each.msg for each in decision.warnings if each.rule == name]
    setting = _value(here, f"/settings/rules/{strict.escape(name)}") or {}
    silent = "off" if setting.get("level") == "off" and not refusing else "agrees"
    notice = name.startswith(_NOTICES)
    pointer = "" if notice else _pointer(name, here)
    return RuleSeen(
        name,
        rule.title if rule else name,
        "refuses" if refusing else "warns" if warning else silent,
        _SAW[name](document, decision) if name in _SAW else _said(refusing or warning),
        "" if notice else _setting(pointer, here, decision.evaluated_at),
        _place(pointer, here),
        tuple(refusing or warning),
        rule.remediation if rule else "",
    )


def _said(messages: list[str]) -> str:
    return f"{len(messages)} things to object to" if len(messages) > 1 else "".join(messages) or "nothing to object to"


def _pointer(name: str, here: Environment) -> str:
    """Return the place of the setting that decides, `""` for a rule that none changes."""
    own = f"/settings/rules/{strict.escape(name)}"
    if name in _SETTINGS and here.settings.rules.get(name) is None:
        return f"/settings/{_SETTINGS[name]}"
    if name in _FLOORS:
        return ""
    level = (_value(here, own) or {}).get("level", "deny")
    return f"/settings/{_SETTINGS[name]}" if name in _SETTINGS and level == "deny" else own


def _value(here: Environment, pointer: str) -> Any:
    value = here.settings_file.value
    for step in pointer.split("/")[1:]:
        value = value.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None
    return value


def _setting(pointer: str, here: Environment, at: str) -> str:
    if not pointer:
        return "every environment asks for this; no setting changes it"
    name = ".".join(step.replace("~1", "/") for step in pointer.split("/")[2:])
    value = _value(here, pointer)
    if pointer.startswith("/settings/rules/") and value is None:
        return f"{name} is not set, so it denies"
    if isinstance(value, dict) and (seconds(value.get("effective_on")) or 0) > (seconds(at) or 0):
        return f"{name}: {_words(value)}, so it only warns until then"
    return f"{name}: {_words(value)}"


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(item)}" for key, item in value.items())
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, list) else str(value)


def _place(pointer: str, here: Environment) -> str:
    file = here.settings_file
    return f"{file.name}:{file.line(pointer)}" if pointer else ""


def _counts(document: FindingsDocument, decision: Decision) -> str:
    found = [f"{decision.counts[word]} {word}" for word in SEVERITIES if decision.counts[word]]
    excused = len({each.finding for each in decision.exceptions.applied})
    return (", ".join(found) or "no findings") + (f"; {excused} excused" if excused else "")


def _outcomes(document: FindingsDocument, decision: Decision) -> str:
    said = [f"{each.scanner}: {each.status.value}, {each.outcome or 'says nothing'}" for each in document.scans]
    return "; ".join(said) or "no scan"


def _coverage(document: FindingsDocument, decision: Decision) -> str:
    spoke = [each for each in (*decision.violations, *decision.warnings) if each.rule == "coverage.complete"]
    open_ = {each.path for each in spoke if each.path is not None}
    return f"{len(document.model.files) - len(open_)} of {len(document.model.files)} files looked at"


def _scanners(document: FindingsDocument, decision: Decision) -> str:
    ran = Counter(each.scanner for each in document.scans if each.status is not Status.FAILED)
    return ", ".join(sorted(ran)) or "no scanner that ran to its end"


def _model(field: str) -> Callable[[FindingsDocument, Decision], str]:
    return lambda document, _: (
        f"{document.model.source.value} model, {field} {getattr(document.model, field) or 'missing'}"
    )


_SAW: dict[str, Callable[[FindingsDocument, Decision], str]] = {
    "severity.threshold": _counts,
    "outcome.safe": _outcomes,
    "coverage.complete": _coverage,
    "scanners.required": _scanners,
    "model.digest": _model("digest"),
    "model.pinned_revision": _model("revision"),
}
