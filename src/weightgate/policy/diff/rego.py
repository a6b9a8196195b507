"""Which rules of the Rego files changed. What that does is judged by documents, not by reading Rego."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from weightgate.errors import PolicyCompileError
from weightgate.policy.compare import Effect
from weightgate.policy.syntax import is_test, parse, rego_files

Told = tuple[str, Effect, str]
"""The file below the tree's root, with a line; the effect; the sentence."""

_JUDGES = ("deny", "undecided")
"""The rules that refuse: sets of violations."""
_NOISE = ("location", "text", "annotations")


def compare(base: Path, head: Path) -> Iterator[Told]:
    """Yield every changed rule of the files below two roots, tests left out.

    Comments and layout are no change. Raises `PolicyCompileError` for a file that is no Rego, and `EngineError`.
    """
    old, new = _changed(base, head), _changed(head, base)
    first, second = _parsed(base, old), _parsed(head, new)
    for path in sorted(first.keys() | second.keys()):
        before, after = first.get(path), second.get(path)
        if before is None or after is None:
            yield _file(path, gone=after is None)
        else:
            yield from _rules(path, before, after)


def _changed(root: Path, other: Path) -> list[str]:
    """Return the Rego files below `root` that `other` has not, or not with these bytes."""
    return [
        path
        for path in rego_files(root)
        if not is_test(path)
        and not ((other / path).is_file() and (other / path).read_bytes() == (root / path).read_bytes())
    ]


def _parsed(root: Path, paths: list[str]) -> dict[str, Any]:
    modules = parse(root, paths)
    for path in paths:
        if path not in modules:
            raise PolicyCompileError(f"{root / path}: OPA cannot read this file; `opa check` says why")
    return dict(modules)


def _file(path: str, gone: bool) -> Told:
    if gone:
        return path, Effect.LOOSENED, f"the file {path} is gone, with every rule in it"
    return path, Effect.CHANGED, f"the file {path} is new"


def _rules(path: str, before: Any, after: Any) -> Iterator[Told]:
    old, new = _by_name(before.rules), _by_name(after.rules)
    if before.package != after.package:
        yield path, Effect.UNKNOWN, f"the package is {'.'.join(after.package)}, no longer {'.'.join(before.package)}"
    if before.imports != after.imports:
        yield path, Effect.CHANGED, "the imports changed"
    for name in sorted(old.keys() | new.keys()):
        lost, gained = (
            old.get(name, Counter()) - new.get(name, Counter()),
            new.get(name, Counter()) - old.get(name, Counter()),
        )
        if lost or gained:
            line = _line(after.rules if name in new else before.rules, name)
            yield f"{path}:{line}", *_judged(name, old, new, lost, gained)


def _judged(
    name: str, old: dict[str, Counter[str]], new: dict[str, Counter[str]], lost: Counter[str], gained: Counter[str]
) -> tuple[Effect, str]:
    if name not in new:
        effect = Effect.LOOSENED if name in _JUDGES else Effect.CHANGED
        return effect, f"rule {name} is removed"
    if name not in old:
        effect = Effect.TIGHTENED if name in _JUDGES else Effect.CHANGED
        return effect, f"rule {name} is new"
    if name in _JUDGES and not gained:
        return Effect.LOOSENED, f"rule {name} has {lost.total()} bodies less"
    if name in _JUDGES and not lost:
        return Effect.TIGHTENED, f"rule {name} has {gained.total()} bodies more"
    return Effect.CHANGED, f"rule {name} says something else; what that does shows in the documents only"


def _by_name(rules: list[Any]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for rule in rules:
        text = json.dumps(_bare(rule), sort_keys=True)
        found.setdefault(_name(rule), Counter())[text] += 1
    return found


def _name(rule: Any) -> str:
    head = rule["head"]
    steps = head.get("ref") or [{"value": head.get("name", "?")}]
    return ".".join(str(step["value"]) for step in steps if isinstance(step["value"], str))


def _line(rules: list[Any], name: str) -> int:
    lines = [int(rule.get("location", {}).get("row", 1)) for rule in rules if _name(rule) == name]
    return min(lines, default=1)


def _bare(node: Any) -> Any:
    """Return the syntax tree without what only tells where it stands."""
    if isinstance(node, dict):
        return {key: _bare(value) for key, value in node.items() if key not in _NOISE}
    return [_bare(item) for item in node] if isinstance(node, list) else node
