"""What became of an environment's exceptions and break-glass grants, each in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from weightgate.policy.compare import Effect
from weightgate.policy.moments import seconds

Told = tuple[str, Effect, str]
"""The id of the exception or grant, the effect of its change, and the sentence."""

_WORDS = ("reason", "owner", "approver", "ticket")
_DAY, _HOUR = 86400, 3600


def compare(before: dict[str, Any], after: dict[str, Any], at: str, what: str = "exception") -> Iterator[Told]:
    """Yield every difference between two values of `exceptions/data.yaml`, or of `break_glass/data.yaml` whose entries
    `what` calls by their name; what ended before `at` excuses nothing."""
    for id_ in sorted(before.keys() | after.keys()):
        if id_ not in before:
            yield id_, *_new(f"{what} {id_}", after[id_], at)
        elif id_ not in after:
            effect = Effect.CHANGED if _ended(before[id_], at) else Effect.TIGHTENED
            yield id_, effect, f"{what} {id_} is removed; it excused {_scope(before[id_])}"
        elif before[id_] != after[id_]:
            for effect, words in _edited(before[id_], after[id_]):
                harmless = effect is not Effect.CHANGED and _ended(before[id_], at) and _ended(after[id_], at)
                yield id_, Effect.CHANGED if harmless else effect, f"{what} {id_} {words}"


def _new(named: str, exception: dict[str, Any], at: str) -> tuple[Effect, str]:
    people = f"owner {exception['owner']}, approver {exception['approver']}, {exception['ticket']}"
    if _ended(exception, at):
        return Effect.CHANGED, f"{named} is new and has ended already; it excuses nothing"
    lasts = f"from {exception['created']} until {exception['expires']}"
    return Effect.LOOSENED, f"{named} is new: it excuses {_scope(exception)} {lasts} ({people})"


def _ended(exception: dict[str, Any], at: str) -> bool:
    ends, now = seconds(exception["expires"]), seconds(at)
    return ends is not None and now is not None and ends <= now


def _scope(exception: dict[str, Any]) -> str:
    if "rules" in exception:
        return f"{', '.join(exception['rules'])} for the model {exception['digest']}"
    return " and ".join(f"{key} {value}" for key, value in exception["scope"].items())


def _edited(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[Effect, str]]:
    if before.get("scope") != after.get("scope"):
        yield _rescoped(before, after)
    for key in ("created", "expires"):
        if before[key] != after[key]:
            yield _moved(key, before[key], after[key])
    for key in sorted(before.keys() - {"scope", "created", "expires"}):
        if before[key] != after[key]:
            effect = Effect.CHANGED if key in _WORDS else Effect.UNKNOWN
            old, new = (", ".join(value) if isinstance(value, list) else value for value in (before[key], after[key]))
            yield effect, f"has another {key}: {old} → {new}"


def _rescoped(before: dict[str, Any], after: dict[str, Any]) -> tuple[Effect, str]:
    old, new = before["scope"].items(), after["scope"].items()
    words = f"{_scope(before)} → {_scope(after)}"
    if new < old:
        return Effect.LOOSENED, f"is wider: {words}"
    if old < new:
        return Effect.TIGHTENED, f"is narrower: {words}"
    return Effect.UNKNOWN, f"excuses something else: {words}"


def _moved(key: str, before: str, after: str) -> tuple[Effect, str]:
    old, new = seconds(before), seconds(after)
    if old is None or new is None:
        return Effect.UNKNOWN, f"has another {key}: {before} → {after}"
    if old == new:
        return Effect.CHANGED, f"writes {key} in another way: {before} → {after}"
    if key == "created":
        return Effect.UNKNOWN, f"counts its days from another time: {before} → {after}"
    moved = abs(new - old)
    time = f"{moved / _DAY:.4g} days" if moved >= _DAY else f"{moved / _HOUR:.4g} hours"
    if new > old:
        return Effect.LOOSENED, f"lasts {time} longer: {before} → {after}"
    return Effect.TIGHTENED, f"lasts {time} less: {before} → {after}"
