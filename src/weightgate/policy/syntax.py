"""The syntax trees of a policy tree's Rego files, as `opa parse` gives them: plain JSON nodes with their places.

A node is a JSON object. Terms have `type` and `value`; expressions have `terms`; rules have `head`, `body` and perhaps
`else`. Most have a `location` with `row` and `col`, both counted from 1, the column in characters.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weightgate.errors import EngineError
from weightgate.policy import opa

Node = dict[str, Any]
Path_ = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """One Rego file."""

    path: str
    """Below the tree's root, with forward slashes."""
    package: Path_
    """Without `data`."""
    line: int
    """Where the package is declared."""
    rules: list[Node]
    imports: dict[str, Path_] = field(default_factory=dict)
    """Name in the file → path, whose first step is `data` or `input`."""
    import_lines: dict[str, int] = field(default_factory=dict)
    """Name in the file → where it is imported."""
    notes: Node = field(default_factory=dict)
    """The annotations of the package."""

    names: frozenset[str] = frozenset()
    """The names of the rules."""


def rego_files(root: Path) -> list[str]:
    """Return the paths of all Rego files of the tree below `root`, tests too, sorted."""
    found = []
    for top in ("policies", "environments"):
        for folder, folders, names in os.walk(root / top):
            folders[:] = [name for name in folders if not name.startswith(".")]
            below = os.path.relpath(folder, root).replace(os.sep, "/")
            found += [f"{below}/{name}" for name in names if name.endswith(".rego") and not name.startswith(".")]
    return sorted(found)


def is_test(path: str) -> bool:
    """Say whether the file holds tests."""
    return path.endswith("_test.rego")


def parse(root: Path, paths: list[str]) -> dict[str, Module]:
    """Return the module of each file of `paths`; those that are no Rego are left out (`opa check` names them)."""
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        modules = pool.map(lambda path: _parse(root, path), paths)
        return {path: module for path, module in zip(paths, modules, strict=True) if module is not None}


def _parse(root: Path, path: str) -> Module | None:
    done = opa.run(root, "parse", "--format", "json", "--json-include", "locations,-comments", path)
    if done.code != 0:
        return None
    try:
        raw = json.loads(done.stdout)
        notes = [note for note in raw.get("annotations", []) if note.get("scope") in ("package", "subpackages")]
        return Module(
            path,
            tuple(step["value"] for step in raw["package"]["path"][1:]),
            raw["package"]["location"]["row"],
            raw.get("rules", []),
            dict(_import(item) for item in raw.get("imports", [])),
            {_import(item)[0]: line(item) for item in raw.get("imports", [])},
            notes[0] if notes else {},
            frozenset(rule_name(rule) for rule in raw.get("rules", [])),
        )
    except (ValueError, KeyError, TypeError) as exc:
        raise EngineError(f"opa parse {path}: its output is not a syntax tree: {exc}") from exc


def _import(item: Node) -> tuple[str, Path_]:
    steps = tuple(step["value"] for step in item["path"]["value"])
    return item.get("alias") or steps[-1], steps


def walk(node: Any) -> Iterator[Node]:
    """Yield every node of a tree, parents before children, in the order of the source."""
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if type(item) is dict:
            yield item
            waiting += [value for key, value in reversed(item.items()) if key not in ("location", "annotations")]
        elif type(item) is list:
            waiting += reversed(item)


def branches(rule: Node) -> Iterator[Node]:
    """Yield the rule and each of its `else` branches."""
    branch: Node | None = rule
    while branch is not None:
        yield branch
        branch = branch.get("else")


def line(node: Node) -> int:
    """Return the node's line."""
    row: int = node.get("location", {}).get("row", 1)
    return row


def rule_name(rule: Node) -> str:
    """Return the name under which the rule stands in its package."""
    name: str = rule["head"]["ref"][0]["value"]
    return name


def own_modules(root: Path, environment: str) -> list[Module]:
    """Return the modules (but tests) in the directory of an environment."""
    below = f"environments/{environment}/"
    return [*parse(root, [path for path in rego_files(root) if path.startswith(below) and not is_test(path)]).values()]


def local_rules(root: Path, environment: str) -> dict[str, str]:
    """Return the ids of the `local.…` rules that an environment's own Rego names, each with its file and line."""
    found: dict[str, str] = {}
    for module in own_modules(root, environment):
        for node in walk(module.rules):
            word = text(node) or ""
            if word.startswith("local."):
                found.setdefault(word, f"{module.path}:{line(node)}")
    return found


def members(modules: Iterable[Module], package: Path_, name: str) -> set[str]:
    """Return the string literals in the value of the rule `name` of a package, such as the members of a set."""
    found = {
        text(node)
        for module in modules
        if module.package == package
        for rule in module.rules
        if rule_name(rule) == name
        for node in walk(rule["head"].get("value"))
    }
    return {word for word in found if word}


def text(term: Any) -> str | None:
    """Return the value of a string literal, `None` for another term."""
    return term["value"] if isinstance(term, dict) and term.get("type") == "string" else None


def literal(value: str) -> Node:
    """Return a string literal."""
    return {"type": "string", "value": value}


def leading(node: Node) -> Path_:
    """Return the leading words of a reference, its head first; nothing for another node."""
    if node.get("type") != "ref" or node["value"][0].get("type") != "var":
        return ()
    words = [node["value"][0]["value"]]
    for step in node["value"][1:]:
        word = text(step)
        if word is None:
            break
        words.append(word)
    return tuple(words)


def resolved(node: Node, module: Module) -> Path_:
    """Return the leading words of a reference in `module`, an imported name replaced by its path."""
    words = leading(node)
    return (*module.imports.get(words[0], words[:1]), *words[1:]) if words else ()


def operator(terms: Any) -> str:
    """Return the name of the function that a call's terms apply, such as `eq` or `object.get`; else an empty string."""
    if not isinstance(terms, list) or terms[0].get("type") != "ref":
        return ""
    return ".".join(str(step["value"]) for step in terms[0]["value"] if step["type"] in ("var", "string"))


def calls(node: Any) -> Iterator[list[Node]]:
    """Yield the terms of each call in a tree: the operator first, then its arguments."""
    for item in walk(node):
        if item.get("type") == "call":
            yield item["value"]
        elif isinstance(item.get("terms"), list):
            yield item["terms"]
