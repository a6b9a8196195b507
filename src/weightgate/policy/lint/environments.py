"""What the settings of all environments say together: their order, and rules that none of them has on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from weightgate.policy.lint.data import DataFiles, at, settings_of
from weightgate.policy.lint.problem import Problem
from weightgate.policy.syntax import Module, members, text, walk

_LEVELS = ("weightgate", "lib", "levels")


def problems(files: DataFiles, rules: dict[str, Module], modules: list[Module]) -> Iterator[Problem]:
    """Yield what is wrong with the settings of the environments, taken together and with the library's rules."""
    yield from _order(files)
    yield from _never_on(files, rules)
    yield from _floors(files, modules)
    yield from _own_rules(files, modules)


def _levels(files: DataFiles, name: str) -> dict[str, Any]:
    rules = at(settings_of(files, name), "/rules")
    return {rule: setting.get("level") for rule, setting in rules.items() if isinstance(setting, dict)}


def _order(files: DataFiles) -> Iterator[Problem]:
    for name in files.settings:
        seen = [name]
        while (above := settings_of(files, seen[-1]).get("stricter_than")) in files.settings:
            if above == name:
                line = files.settings[name].lines.get("/settings/stricter_than", 1)
                found = f"{' is stricter than '.join([*seen, name])}, which is a circle"
                yield Problem(f"environments/{name}/data.yaml", line, "order", found)
            if above in seen:
                break
            seen.append(above)


def _never_on(files: DataFiles, rules: dict[str, Module]) -> Iterator[Problem]:
    levels = {name: _levels(files, name) for name in files.settings}
    for rule, module in rules.items():
        optional = module.notes.get("custom", {}).get("optional") is True
        if levels and not optional and all(found.get(rule) == "off" for found in levels.values()):
            said = (
                f"the rule {rule} is off in every environment ({', '.join(levels)}); switch it on in one of them, "
                "or say in its METADATA that it is offered and not used: `custom.optional: true`"
            )
            yield Problem(module.path, module.line, "never-on", said)


def _floors(files: DataFiles, modules: list[Module]) -> Iterator[Problem]:
    floors = members(modules, _LEVELS, "floors")
    for name in files.settings:
        for rule, setting in at(settings_of(files, name), "/rules").items():
            if rule in floors and setting != {"level": "deny"}:
                line = files.settings[name].lines.get(f"/settings/rules/{rule}", 1)
                yield Problem(f"environments/{name}/data.yaml", line, "floor", f"the rule {rule} cannot be weakened")


def _own_rules(files: DataFiles, modules: list[Module]) -> Iterator[Problem]:
    """Find settings of `local.…` rules that the environment's policy does not have."""
    for name in files.settings:
        own = [module.rules for module in modules if module.path.startswith(f"environments/{name}/")]
        for rule in _levels(files, name):
            if rule.startswith("local.") and not any(text(node) == rule for node in walk(own)):
                line = files.settings[name].lines.get(f"/settings/rules/{rule}", 1)
                found = f"the rule {rule} stands nowhere in the environment's policy"
                yield Problem(f"environments/{name}/data.yaml", line, "unknown-word", found)
