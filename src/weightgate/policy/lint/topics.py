"""The library's data folders that no Rego reads, such as one whose name is misspelt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from weightgate import strict
from weightgate.policy.lint.problem import Problem
from weightgate.policy.syntax import Module, Path_, resolved, walk


def problems(topics: Iterable[str], modules: list[Module]) -> Iterator[Problem]:
    """Yield the data folders below `policies/weightgate` that none of the modules (but tests) reads."""
    paths = {path for module in modules for path in _read(module)}
    if not paths.isdisjoint({("data",), ("data", "weightgate")}):
        return
    read = {path[2] for path in paths if path[:2] == ("data", "weightgate")}
    packages = {module.package[1] for module in modules if module.package[:1] == ("weightgate",)}
    for topic in topics:
        if topic not in read:
            near = strict.nearest(topic, sorted(read - packages - set(topics)))
            found = f"no policy reads data.weightgate.{topic}{near}"
            yield Problem(f"policies/weightgate/{topic}/data.yaml", 1, "unread-data", found)


def _read(module: Module) -> Iterator[Path_]:
    """Yield the paths that a module names, as far as they are words."""
    yield from (path for path in module.imports.values() if len(path) > 2)
    yield from (resolved(node, module) for node in walk(module.rules))
