"""Exceptions and break-glass grants that can never excuse anything: the policy rejects them whatever the time is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from weightgate import strict
from weightgate.policy.lint.data import DataFiles, at, settings_of
from weightgate.policy.lint.problem import Problem
from weightgate.policy.moments import seconds
from weightgate.policy.syntax import Module, members

_DAY, _HOUR = 86400, 3600
_BREAK_GLASS = ("weightgate", "lib", "break_glass")


def problems(files: DataFiles, modules: list[Module]) -> Iterator[Problem]:
    """Yield what is wrong with each exception and grant that keeps its schema, by the limits of its environment."""
    overridable = members(modules, _BREAK_GLASS, "overridable")
    for (name, folder), file in files.permissions.items():
        settings = settings_of(files, name)
        for id_, entry in file.value.items():
            if not isinstance(entry, dict):
                continue
            found = [*_people(entry, settings), *_times(entry, settings, folder)]
            if folder == "exceptions":
                found += _scope(entry, settings)
            else:
                found += [*_twice(files, name, id_), *_rules(entry, settings, overridable)]
            for key, said in found:
                place = f"/{strict.escape(id_)}{key}"
                yield Problem(f"environments/{name}/{folder}/data.yaml", file.line(place), "rejected", f"{id_}: {said}")


def _people(entry: dict[str, Any], settings: dict[str, Any]) -> Iterator[tuple[str, str]]:
    owner, approver = str(entry.get("owner", "")), str(entry.get("approver", ""))
    if owner and owner.lower() == approver.lower():
        yield "/approver", f"{approver} is the owner too; expected another person"
    listed = at(settings, "/exceptions").get("approvers")
    if isinstance(listed, list) and listed and approver and approver not in listed:
        hint = strict.nearest(approver, map(str, listed))
        yield (
            "/approver",
            f"{approver} is no approver of this environment{hint}; expected one of {', '.join(map(str, listed))}",
        )


def _times(entry: dict[str, Any], settings: dict[str, Any], folder: str) -> Iterator[tuple[str, str]]:
    created, expires = seconds(entry.get("created")), seconds(entry.get("expires"))
    if created is None or expires is None:
        return
    if expires <= created:
        yield "/expires", f"it expires at {entry['expires']}, which is not after {entry['created']}, when it begins"
    longest = _longest_days(settings) if folder == "exceptions" else _longest_hours(settings)
    if longest is not None and expires - created > longest[0]:
        yield "/expires", f"it lasts longer than {longest[1]}, the longest that the environment allows"


def _longest_days(settings: dict[str, Any]) -> tuple[int, str] | None:
    days = [number for number in at(settings, "/exceptions/max_days").values() if type(number) is int]
    return (max(days) * _DAY, f"{max(days)} days") if days else None


def _longest_hours(settings: dict[str, Any]) -> tuple[int, str] | None:
    hours = at(settings, "/break_glass").get("max_hours", 0)
    return (hours * _HOUR, f"{hours} hours") if type(hours) is int else None


def _scope(entry: dict[str, Any], settings: dict[str, Any]) -> Iterator[tuple[str, str]]:
    rule = at(entry, "/scope").get("rule")
    never = at(settings, "/exceptions").get("never_rules")
    if isinstance(never, list) and rule in never:
        yield "/scope/rule", f"findings of {rule} can never be excused here (exceptions.never_rules)"


def _twice(files: DataFiles, name: str, id_: str) -> Iterator[tuple[str, str]]:
    exceptions = files.permissions.get((name, "exceptions"))
    if exceptions is not None and id_ in exceptions.value:
        yield "", "an exception has the same id; choose another"


def _rules(entry: dict[str, Any], settings: dict[str, Any], overridable: set[str]) -> Iterator[tuple[str, str]]:
    rules = entry.get("rules")
    never = at(settings, "/break_glass").get("never_override")
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        if not isinstance(rule, str):
            continue
        if isinstance(never, list) and rule in never:
            yield f"/rules/{index}", f"{rule} can never be overridden here (break_glass.never_override)"
        elif rule not in overridable and not rule.startswith("local."):
            hint = strict.nearest(rule, overridable)
            yield (
                f"/rules/{index}",
                f"no grant overrides {rule}{hint}; expected one of {', '.join(sorted(overridable))}",
            )
