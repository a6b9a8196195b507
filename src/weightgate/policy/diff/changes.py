"""What two policy trees say differently: settings, exceptions, grants, shared data and Rego, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from weightgate import strict
from weightgate.policy import compare, severity_map, yamlfile
from weightgate.policy.compare import Effect
from weightgate.policy.diff import exceptions, rego
from weightgate.policy.environment import Environment
from weightgate.policy.tree import PolicyTree
from weightgate.policy.yamlfile import YamlFile


class Kind(str, Enum):
    """What was changed."""

    ENVIRONMENT = "environment"
    SETTING = "setting"
    EXCEPTION = "exception"
    BREAK_GLASS = "break-glass"
    DATA = "data"
    REGO = "rego"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that two trees say differently."""

    environment: str | None
    """`None` for what all environments share."""
    kind: Kind
    effect: Effect
    where: str
    """The file below the tree's root, with the line in the second tree, else in the first."""
    words: str


def changes(
    base: PolicyTree, before: dict[str, Environment], head: PolicyTree, after: dict[str, Environment], at: str
) -> list[Change]:
    """Return every change, sorted by environment and file; `at` tells which exceptions have ended. Raises `PolicyError`
    and `EngineError`."""
    found = [*_environments(before, after), *_shared(base, head), *_rego(base.root, head.root)]
    old_map, new_map = severity_map.library(base), severity_map.library(head)
    words = severity_map.compare((old_map, {}), (new_map, {}))
    found += [Change(None, Kind.DATA, each.effect, severity_map.FILE, each.words) for each in words]
    for name in before.keys() & after.keys():
        found += _settings(name, before[name], after[name], new_map)
        found += _permissions(name, before[name], after[name], at)
    return sorted(found, key=lambda each: (each.environment or "", each.kind.value, each.where, each.words))


def _environments(before: dict[str, Environment], after: dict[str, Environment]) -> Iterator[Change]:
    for name in before.keys() ^ after.keys():
        words = f"the environment {name} is {'new' if name in after else 'gone'}"
        yield Change(name, Kind.ENVIRONMENT, Effect.CHANGED, f"environments/{name}", words)


def _settings(name: str, before: Environment, after: Environment, shared: dict[str, Any]) -> Iterator[Change]:
    path = f"environments/{name}/data.yaml"
    old, new = before.settings_file.value, after.settings_file.value
    maps = [value["settings"].get("severity_map", {}) for value in (old, new)]
    differences = compare.compare(old, new) + severity_map.compare((shared, maps[0]), (shared, maps[1]))
    for each in differences:
        yield Change(name, Kind.SETTING, each.effect, f"{path}:{after.settings_file.line(each.pointer)}", each.words)


def _permissions(name: str, before: Environment, after: Environment, at: str) -> Iterator[Change]:
    kinds = (
        (Kind.EXCEPTION, "exceptions", "exception", before.exceptions_file, after.exceptions_file),
        (Kind.BREAK_GLASS, "break_glass", "break-glass grant", before.grants_file, after.grants_file),
    )
    for kind, folder, what, first, second in kinds:
        path = f"environments/{name}/{folder}/data.yaml"
        old, new = _value(first), _value(second)
        for id_, effect, words in exceptions.compare(old, new, at, what):
            file = second if id_ in new else first
            where = path if file is None else f"{path}:{file.line(f'/{strict.escape(id_)}')}"
            yield Change(name, kind, effect, where, words)


def _value(file: YamlFile | None) -> dict[str, Any]:
    return {} if file is None or file.value is None else dict(file.value)


def _shared(base: PolicyTree, head: PolicyTree) -> Iterator[Change]:
    """Yield the data files of the library that say something else; the severity map is compared apart."""
    old, new = _library_data(base.root), _library_data(head.root)
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            said = "is new" if path not in old else "is gone" if path not in new else "says something else"
            yield Change(None, Kind.DATA, Effect.UNKNOWN, path, f"the data file {path} {said}")


def _library_data(root: Path) -> dict[str, Any]:
    files = sorted((root / "policies").rglob("data.yaml"))
    named = {file.relative_to(root).as_posix(): file for file in files}
    return {
        path: yamlfile.load(file.read_bytes(), path).value for path, file in named.items() if path != severity_map.FILE
    }


def _rego(base: Path, head: Path) -> Iterator[Change]:
    for path, effect, words in rego.compare(base, head):
        steps = path.partition(":")[0].split("/")
        yield Change(steps[1] if steps[0] == "environments" else None, Kind.REGO, effect, path, words)
