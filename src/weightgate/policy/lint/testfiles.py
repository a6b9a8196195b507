"""Paths in test files that lead nowhere: a test that replaces or asks for what does not exist proves nothing.

Tests use wrong words on purpose, so only their paths are checked. To parse them takes as long as all else that the
linter does, so they are parsed only when some path looks dead in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from weightgate.policy import syntax
from weightgate.policy.lint.problem import Problem
from weightgate.policy.lint.program import Program
from weightgate.policy.lint.rego import is_operator, unknown_path
from weightgate.policy.lint.shapes import Shape
from weightgate.policy.lint.steps import DeadPath
from weightgate.policy.syntax import Module, Node, Path_

_PACKAGE = re.compile(r"^package +(\S+)", re.MULTILINE)
_IMPORT = re.compile(r"^import +([\w.]+)(?: +as +(\w+))?", re.MULTILINE)
_RULE = re.compile(r"^(?:default +)?(\w+)", re.MULTILINE)
_REFERENCE = re.compile(r"(?<![\w.\"])(\w+)((?:\.\w+|\[\"[^\"\n]*\"\])*)")
_STEP = re.compile(r"\.(\w+)|\[\"([^\"\n]*)\"\]")


def problems(program: Program, root: Path, paths: list[str]) -> Iterator[Problem]:
    """Yield the dead paths below `data` in the test files `paths` of the tree at `root`."""
    texts = {path: _text(root / path) for path in paths}
    seen = _Tests(program, [_outline(path, text) for path, text in texts.items()])
    spelt = ((module, term) for module in seen.modules for term in _spelt(module, texts[module.path]))
    if not any(seen.dead(module, {}, term) for module, term in spelt):
        return
    modules = syntax.parse(root, paths)
    # NOTE: what a file that is no Rego holds is not known; `opa check` names the file.
    if len(modules) == len(paths):
        tests = _Tests(program, list(modules.values()))
        for module in tests.modules:
            yield from tests.problems(module)


class _Tests:
    """The test files of a tree, whose rules are known to each other."""

    def __init__(self, program: Program, modules: list[Module]) -> None:
        self._program = program
        self.modules = modules
        self._rules = {(*module.package, name) for module in modules for name in module.names}
        self._below: dict[Path_, set[str]] = {}
        for path in self._rules:
            for length, name in enumerate(path):
                self._below.setdefault(path[:length], set()).add(name)

    def problems(self, module: Module) -> Iterator[Problem]:
        for rule in module.rules:
            scope = self._program.scope(module, rule)
            for node in syntax.walk(rule):
                if node.get("type") in ("ref", "var") and "location" in node and not is_operator(node):
                    dead = self.dead(module, scope, node)
                    if dead is not None:
                        yield unknown_path(module, node, dead)
        for name in module.imports:
            term = _reference([name], module.import_lines[name])
            dead = self.dead(module, {}, term)
            if dead is not None:
                yield unknown_path(module, term, dead)

    def dead(self, module: Module, scope: dict[str, Shape], term: Node) -> DeadPath | None:
        """Return what is wrong with a path below `data`; `None` for one that leads somewhere, and for other terms."""
        steps = term["value"] if term["type"] == "ref" else [term]
        if steps[0]["type"] != "var" or steps[0]["value"] in scope:
            return None
        path = self._program.path(term, module)
        if path is None:
            return None
        try:
            if not self._in_tests([syntax.literal(step) for step in path[0]] + path[1]):
                self._program.follow(term, module, scope)
        except DeadPath as dead:
            return dead
        return None

    def _in_tests(self, steps: list[Node]) -> bool:
        """Say whether a path leads to a rule of a test file; raises `DeadPath` when it leads to no package at all."""
        above: Path_ = ()
        for step in steps:
            name = syntax.text(step)
            if name is None or above not in self._below:
                return False
            if name not in self._below[above]:
                known = self._program.below(above)
                if name in known or self._program.leads_to(above):
                    return False
                raise DeadPath(step, sorted(self._below[above] | known), ".".join(("data", *above)))
            above = (*above, name)
            if above in self._rules:
                return True
        return above in self._below


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _outline(path: str, text: str) -> Module:
    """Return what the text of a formatted file shows of its module."""
    package = _PACKAGE.search(text)
    imports = {match[2] or match[1].rpartition(".")[2]: tuple(match[1].split(".")) for match in _IMPORT.finditer(text)}
    names = frozenset(match[1] for match in _RULE.finditer(text))
    return Module(path, tuple(package[1].split(".")) if package else (), 1, [], imports, names=names)


def _spelt(module: Module, text: str) -> Iterator[Node]:
    """Yield what may be a path below `data` in the text of a module, each once."""
    for found in {match[0] for match in _REFERENCE.finditer(text) if match[1] == "data" or match[1] in module.imports}:
        head, *steps = re.split(r"(?=[.\[])", found, maxsplit=1)
        yield _reference([head, *(match[1] or match[2] for match in _STEP.finditer("".join(steps)))], 1)


def _reference(words: list[str], line: int) -> Node:
    head = {"type": "var", "value": words[0]}
    return {"type": "ref", "value": [head, *map(syntax.literal, words[1:])], "location": {"row": line}}
