"""What became of an environment's exceptions, each in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from weightgate.policy.compare import Effect
from weightgate.policy.moments import seconds

Told = tuple[str, Effect, str]
"""The exception's id, the effect of its change, and the sentence."""

_WORDS = ("reason", "owner", "approver", "ticket")
_DAY = 86400


def compare(before: dict[str, Any], after: dict[str, Any], at: str) -> Iterator[Told]:
    """Yield every difference between two values of `exceptions/data.yaml`; what ended before `at` excuses nothing."""
    for id_ in sorted(before.keys() | after.keys()):
        if id_ not in before:
            yield id_, *_new(id_, after[id_], at)
        elif id_ not in after:
            effect = Effect.CHANGED if _ended(before[id_], at) else Effect.TIGHTENED
            yield id_, effect, f"exception {id_} is removed; it excused {_scope(before[id_])}"
        elif before[id_] != after[id_]:
            for effect, words in _edited(before[id_], after[id_]):
                harmless = effect is not Effect.CHANGED and _ended(before[id_], at) and _ended(after[id_], at)
                yield id_, Effect.CHANGED if harmless else effect, f"exception {id_} {words}"


def _new(id_: str, exception: dict[str, Any], at: str) -> tuple[Effect, str]:
    people = f"owner {exception['owner']}, approver {exception['approver']}, {exception['ticket']}"
    if _ended(exception, at):
        return Effect.CHANGED, f"exception {id_} is new and has ended already; it excuses nothing"
    lasts = f"from {exception['created']} until {exception['expires']}"
    return Effect.LOOSENED, f"exception {id_} is new: it excuses {_scope(exception)} {lasts} ({people})"


def _ended(exception: dict[str, Any], at: str) -> bool:
    ends, now = seconds(exception["expires"]), seconds(at)
    return ends is not None and now is not None and ends <= now


def _scope(exception: dict[str, Any]) -> str:
    return " and ".join(f"{key} {value}" for key, value in exception["scope"].items())


def _edited(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[Effect, str]]:
    if before["scope"] != after["scope"]:
        yield _rescoped(before, after)
    for key in ("created", "expires"):
        if before[key] != after[key]:
            yield _moved(key, before[key], after[key])
    for key in sorted((before.keys() | after.keys()) - {"scope", "created", "expires"}):
        if before.get(key) != after.get(key):
            effect = Effect.CHANGED if key in _WORDS else Effect.UNKNOWN
            yield effect, f"has another {key}: {before.get(key, 'none')} → {after.get(key, 'none')}"


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
    days = f"{abs(new - old) / _DAY:.4g} days"
    if new > old:
        return Effect.LOOSENED, f"lasts {days} longer: {before} → {after}"
    return Effect.TIGHTENED, f"lasts {days} less: {before} → {after}"
