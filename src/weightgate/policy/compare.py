"""Which of two environments' settings is the stricter, setting by setting.

The direction of a setting is known by its name. A setting without a known direction that differs is `UNKNOWN`, which
callers take for the worse: what is not understood proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from weightgate import strict
from weightgate.policy.settings import SEVERITIES


class Effect(str, Enum):
    """What a change does to the models that may pass."""

    LOOSENED = "loosened"
    TIGHTENED = "tightened"
    CHANGED = "changed"
    """Neither: words for readers, or what is announced without refusing."""
    UNKNOWN = "unknown"
    """The direction is not known; it may loosen."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that two environments have differently."""

    pointer: str
    """RFC 6901, in the environment's `data.yaml`."""
    effect: Effect
    """Of going from the first environment's value to the second's."""
    words: str
    """The setting and its two values."""


_ABSENT = object()
_LEVELS = ("off", "warn", "deny")
_NEUTRAL = ("/settings/description", "/settings/exceptions/warn_days", "/settings/scanners/prisma-airs")
MORE_IS_STRICTER = frozenset(
    {"fail_on", "never", "never_rules", "never_override", "required", "kinds", "denied_models", "at_least", "minimum"}
)
"""Settings whose longer lists, or greater numbers and versions, let fewer models pass."""
MORE_IS_LOOSER = frozenset(
    {"data_formats", "approvers", "sources", "hosts", "organizations", "allowed", "judged_by"}
    | {"at_most", "max_hours", "max_days"}
)
"""Settings whose longer lists, or greater numbers, let more models pass."""
_EMPTY_IS_ANY = ("approvers", "hosts", "organizations")
"""Lists that ask for nothing when they are empty."""


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """Return how the settings `after` differ from `before`, both the value of a `data.yaml`, in the order of the names.

    Scanners of a format that has no list of its own are those of `default`. The severity map is left to
    `weightgate.policy.severity_map`.
    """
    return list(_walk(before, after, ""))


def _walk(before: Any, after: Any, pointer: str) -> Iterator[Difference]:
    if _same(before, after) or pointer == "/settings/severity_map":
        return
    if pointer.startswith(_NEUTRAL):
        yield _difference(pointer, Effect.CHANGED, before, after)
    elif pointer == "/settings/break_glass" and _ABSENT in (before, after):
        effect = Effect.LOOSENED if before is _ABSENT else Effect.TIGHTENED
        yield _difference(pointer, effect, before, after)
    elif pointer == "/settings/stricter_than":
        yield _difference(pointer, _order_effect(before, after), before, after)
    elif pointer == "/settings/coverage/scanners":
        yield from _accepted(before, after, pointer)
    elif re.fullmatch(r"/settings/rules/[^/]+", pointer):
        yield from _rule(before, after, pointer)
    elif isinstance(before, dict) or isinstance(after, dict):
        yield from _keys(before, after, pointer)
    else:
        yield _difference(pointer, _effect(pointer, before, after), before, after)


def _same(before: Any, after: Any) -> bool:
    """Whether two values are one in JSON, where 1 and true are two."""
    return before is after or (before == after and strict.canonical(before) == strict.canonical(after))


def _keys(before: Any, after: Any, pointer: str) -> Iterator[Difference]:
    first = before if isinstance(before, dict) else {}
    second = after if isinstance(after, dict) else {}
    for key in sorted(first.keys() | second.keys()):
        yield from _walk(first.get(key, _ABSENT), second.get(key, _ABSENT), f"{pointer}/{strict.escape(key)}")


def _order_effect(before: Any, after: Any) -> Effect:
    """Losing or changing the declared order takes a check away; a new declaration adds one."""
    return Effect.TIGHTENED if before is _ABSENT else Effect.UNKNOWN


def _accepted(before: Any, after: Any, pointer: str) -> Iterator[Difference]:
    first, second = (value if isinstance(value, dict) else {} for value in (before, after))
    for name in sorted(first.keys() | second.keys()):
        old: Any = first.get(name, first.get("default", []))
        new: Any = second.get(name, second.get("default", []))
        if set(old) != set(new):
            yield _difference(f"{pointer}/{strict.escape(name)}", _sets(set(new), set(old)), old, new)


def _rule(before: Any, after: Any, pointer: str) -> Iterator[Difference]:
    """A rule that the settings do not name denies, so its absence is `deny`; its parameters count while it is on."""
    first, second = (value if isinstance(value, dict) else {} for value in (before, after))
    old, new = (value.get("level", "deny") for value in (first, second))
    if old != new:
        rank = [_LEVELS.index(level) if level in _LEVELS else -1 for level in (old, new)]
        effect = Effect.UNKNOWN if -1 in rank else _numbers(rank[0], rank[1])
        yield _difference(f"{pointer}/level", effect, old, new)
    if "off" in (old, new):
        return
    if first.get("effective_on") != second.get("effective_on"):
        yield _effective_on(first.get("effective_on", _ABSENT), second.get("effective_on", _ABSENT), pointer)
    for key in sorted((first.keys() | second.keys()) - {"level", "effective_on"}):
        yield from _walk(first.get(key, _ABSENT), second.get(key, _ABSENT), f"{pointer}/{strict.escape(key)}")


def _effective_on(before: Any, after: Any, pointer: str) -> Difference:
    """A rule that denies only warns before its date, so an earlier date, or none, is the stricter."""
    dates = [_seconds(value) for value in (before, after)]
    effect = Effect.UNKNOWN if None in dates else _numbers(-(dates[0] or 0), -(dates[1] or 0))
    return _difference(f"{pointer}/effective_on", effect, before, after)


def _seconds(value: Any) -> float | None:
    from weightgate.policy.moments import seconds

    return 0 if value is _ABSENT else seconds(value)


def _effect(pointer: str, before: Any, after: Any) -> Effect:
    steps = pointer.split("/")
    name = next((step for step in reversed(steps) if step in MORE_IS_STRICTER | MORE_IS_LOOSER), None)
    if name is None or steps.index(name) < len(steps) - 2:
        return Effect.UNKNOWN
    limit = name in ("at_most", "minimum", "never_rules")
    if limit and _ABSENT in (before, after):
        return Effect.TIGHTENED if before is _ABSENT else Effect.LOOSENED
    if name in _EMPTY_IS_ANY and not (before and after):
        return Effect.LOOSENED if before else Effect.TIGHTENED
    found = _more(before, after)
    return found if name in MORE_IS_STRICTER else _opposite(found)


def _more(before: Any, after: Any) -> Effect:
    """Return the effect where more is stricter."""
    if isinstance(before, list) and isinstance(after, list):
        return _sets(set(before), set(after))
    if type(before) is int and type(after) is int:
        return _numbers(before, after)
    versions = [_version(value) for value in (before, after)]
    if versions[0] is None or versions[1] is None:
        return Effect.UNKNOWN
    return Effect.TIGHTENED if versions[1] > versions[0] else Effect.LOOSENED


def _version(value: Any) -> list[int] | None:
    if type(value) is not str or not re.fullmatch(r"\d{1,9}(\.\d{1,9}){0,5}", value):
        return None
    parts = [int(part) for part in value.split(".")]
    return parts + [0] * (6 - len(parts))


def _sets(before: set[Any], after: set[Any]) -> Effect:
    if before == after:
        return Effect.CHANGED
    if before < after:
        return Effect.TIGHTENED
    return Effect.LOOSENED if after < before else Effect.UNKNOWN


def _numbers(before: float, after: float) -> Effect:
    if before == after:
        return Effect.CHANGED
    return Effect.TIGHTENED if after > before else Effect.LOOSENED


def _opposite(effect: Effect) -> Effect:
    return {Effect.LOOSENED: Effect.TIGHTENED, Effect.TIGHTENED: Effect.LOOSENED}.get(effect, effect)


def _difference(pointer: str, effect: Effect, before: Any, after: Any) -> Difference:
    setting = ".".join(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[2:])
    return Difference(pointer, effect, f"{setting}: {_words(before)} → {_words(after)}")


def _words(value: Any) -> str:
    """Return a value as a reader writes it, the severities of a list from the worst on."""
    if value is _ABSENT:
        return "not set"
    if isinstance(value, list):
        return "[" + ", ".join(sorted(map(str, value), key=_rank)) + "]"
    return str(value)


def _rank(word: str) -> tuple[int, str]:
    return (SEVERITIES.index(word) if word in SEVERITIES else len(SEVERITIES), word)
