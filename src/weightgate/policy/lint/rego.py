"""Words and paths in Rego that nothing can match: misspelt input fields, dead data paths, words of no vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from weightgate import strict
from weightgate.policy.lint.constants import Constant, Constants
from weightgate.policy.lint.problem import Problem
from weightgate.policy.lint.program import Program
from weightgate.policy.lint.shapes import ANY, Shape
from weightgate.policy.lint.steps import DeadPath, below_get, with_default
from weightgate.policy.lint.words import FIELDS, Words
from weightgate.policy.syntax import Module, Node, calls, line, operator, text, walk

_EQUALITY = ("eq", "equal", "neq")
_MEMBER = ("internal.member_2", "internal.member_3")
_SAID = {"severity", "status", "level", "verdict", "enforcement"}
"""Fields that hold such a word in every object that a policy makes."""
_LEVELS = ("weightgate", "lib", "levels")
_Fault = Callable[[str, str], str | None]
"""Says what is wrong with a word of a kind."""


def problems(program: Program, words: Words) -> Iterator[Problem]:
    """Yield what is wrong with the words and paths of the program's modules."""
    constants = Constants(program)
    for module in program.modules:
        for rule in module.rules:
            yield from _Rule(constants, words, module, rule).problems()
        for name, path in module.imports.items():
            if path[0] == "data":
                term = {"type": "var", "value": name, "location": {"row": module.import_lines[name]}}
                yield from _dead(program, module, {}, term)


class _Rule:
    """One rule of a module, with the shapes of its variables."""

    def __init__(self, constants: Constants, words: Words, module: Module, rule: Node) -> None:
        self._constants = constants
        self._program = constants.program
        self._words = words
        self._module = module
        self._rule = rule
        self._scope = self._program.scope(module, rule)

    def problems(self) -> Iterator[Problem]:
        for node in walk(self._rule):
            if node.get("type") in ("ref", "var") and "location" in node and not _is_operator(node):
                yield from _dead(self._program, self._module, self._scope, node)
            if node.get("type") == "ref":
                yield from self._looked_up(node["value"][0], node["value"][1:])
            elif node.get("type") == "object":
                yield from self._object(node)
            elif node.get("type") in ("set", "array"):
                yield from self._mixed(node["value"])
        for terms in calls(self._rule):
            yield from self._call(terms)

    def _call(self, terms: list[Node]) -> Iterator[Problem]:
        name = operator(terms)
        if name in _EQUALITY:
            yield from self._compared(terms[1], self._constants.words(self._term(terms[2])))
            yield from self._compared(terms[2], self._constants.words(self._term(terms[1])))
        elif name in _MEMBER:
            yield from self._compared(terms[-2], self._constants.members(self._term(terms[-1])))
            words = self._constants.words(self._term(terms[-2]))
            yield from self._members(self._shape(terms[-1]).element(), words)
        elif name == "object.get":
            shape = self._shape(terms[1])
            try:
                below_get(shape, terms[2], _name(terms[1]), strict=True)
            except DeadPath as dead:
                yield _unknown_path(self._module, terms[2], dead)
            steps = terms[2]["value"] if terms[2]["type"] == "array" else [terms[2]]
            yield from self._looked_up(terms[1], steps)
        else:
            path = self._program.path(terms[0], self._module) if terms[0].get("type") == "ref" else None
            if path is not None and tuple(path[0][:3]) == _LEVELS:
                yield from self._members(Shape(word="rule"), self._constants.words(self._term(terms[1])))

    def _compared(self, term: Node, literals: list[Node]) -> Iterator[Problem]:
        """Check the words that `term` is compared with."""
        if literals and text(term) is None:
            yield from self._members(self._kind(term), literals)

    def _looked_up(self, term: Node, steps: list[Node]) -> Iterator[Problem]:
        """Check the keys of a constant object that is looked into with a word of a known kind. Beside the words of that
        kind, it may have a key for every other."""
        keys = self._constants.keys(self._term(term)) if steps and text(steps[0]) is None else []
        if keys:
            yield from self._members(self._kind(steps[0]), keys, self._words.typo)

    def _kind(self, term: Node) -> Shape:
        shape = self._shape(term)
        return shape if shape.word else self._by_name(term)

    def _members(self, shape: Shape, literals: list[Node], fault: _Fault | None = None) -> Iterator[Problem]:
        for literal in literals if shape.word else []:
            flaw = (fault or self._words.flaw)(shape.word or "", literal["value"])
            if flaw and literal["value"] not in shape.besides:
                yield Problem(literal["location"].get("file", self._module.path), line(literal), "unknown-word", flaw)

    def _by_name(self, term: Node) -> Shape:
        """Return what the field holds by its name, where nothing else is known of it."""
        if term.get("type") == "ref" and len(term["value"]) > 1:
            return Shape(word=FIELDS.get(text(term["value"][-1]) or ""))
        if term.get("type") == "call" and operator(term["value"]) == "object.get":
            key = term["value"][2]
            name = text(key["value"][-1] if key.get("type") == "array" and key["value"] else key)
            return with_default(Shape(word=FIELDS.get(name or "")), term["value"][3])
        if term.get("type") == "var" and self._scope.get(term["value"], ANY) == ANY:
            return Shape(word={"severity": "severity", "verdict": "verdict"}.get(term["value"]))
        return ANY

    def _object(self, node: Node) -> Iterator[Problem]:
        pairs = node["value"]
        yield from self._mixed([key for key, _ in pairs])
        for key, value in pairs:
            name = text(key)
            if name in _SAID:
                yield from self._members(Shape(word=FIELDS[name]), self._constants.words(self._term(value)))
            if name == "rule":
                words = self._constants.words(self._term(value))
                yield from self._members(Shape(word="rule"), words, self._words.typo)

    def _mixed(self, terms: list[Node]) -> Iterator[Problem]:
        literals = {term["value"]: term for term in terms if text(term) is not None}
        for kind, word in self._words.misspelt(literals):
            yield from self._members(Shape(word=kind), [literals[word]])

    def _term(self, term: Node) -> Constant:
        return Constant(term, self._module, self._rule)

    def _shape(self, term: Any) -> Shape:
        return self._program.shape(term, self._module, self._scope)


def _dead(program: Program, module: Module, scope: dict[str, Shape], term: Node) -> Iterator[Problem]:
    try:
        program.follow(term, module, scope)
    except DeadPath as dead:
        yield _unknown_path(module, term, dead)


def _unknown_path(module: Module, term: Node, dead: DeadPath) -> Problem:
    word = text(dead.step) or ""
    listed = f"; expected one of {', '.join(dead.known)}" if 0 < len(dead.known) <= 40 else ""
    place = line(dead.step) if "location" in dead.step else line(term)
    kind = "dead-path" if dead.above.startswith("data") else "unknown-field"
    near = strict.nearest(word, dead.known)
    return Problem(module.path, place, kind, f"{dead.above} has no {strict.show(word)}{near}{listed}")


def _is_operator(node: Node) -> bool:
    steps = node["value"] if node["type"] == "ref" else [node]
    return steps[0].get("value") in ("internal", "$") or (len(steps) == 1 and steps[0]["value"] == "_")


def _name(term: Node) -> str:
    steps = term.get("value")
    if term.get("type") == "var":
        return str(steps)
    if term.get("type") == "ref" and isinstance(steps, list):
        return ".".join(str(step["value"]) for step in steps if step.get("type") in ("var", "string"))
    return "the object"
