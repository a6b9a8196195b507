"""Which terms of a policy are compared with words of a kind, in place or by a function that they are passed to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from weightgate.policy.lint.constants import Constant, Constants
from weightgate.policy.lint.shapes import ANY, Shape
from weightgate.policy.lint.steps import with_default
from weightgate.policy.lint.words import FIELDS
from weightgate.policy.syntax import Module, Node, Path_, calls, operator, rule_name, text, walk

_EQUALITY = ("eq", "equal", "neq")
_MEMBER = ("internal.member_2", "internal.member_3")
_SAID = {"severity", "status", "level", "verdict", "enforcement"}
"""Fields that hold such a word in every object that a policy makes."""
_LEVELS = ("weightgate", "lib", "levels")
_ROUNDS = 2
"""As deep as functions pass on to others what they are given."""

Parameter = tuple[Path_, int]
"""A function and the place of its argument."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A term and what it is compared with."""

    shape: Shape
    term: Node
    others: bool = False
    """Whether the term may be another word too. Then only what is nearly a word of the kind is misspelt."""


class Comparing:
    """One rule, with the comparisons that it makes."""

    def __init__(self, constants: Constants, module: Module, rule: Node) -> None:
        self._constants = constants
        self._program = constants.program
        self.module = module
        self.rule = rule
        self.scope = self._program.scope(module, rule)
        self.path = (*module.package, rule_name(rule))
        self.arguments: list[Node] = rule["head"].get("args", [])
        self._calls = [terms for terms in calls(rule) if len(terms) > 1]
        self._own = [*self._here()]

    def comparisons(self, parameters: dict[Parameter, Shape]) -> Iterator[Comparison]:
        """Yield every comparison of the rule; `parameters` says what functions compare their arguments with."""
        yield from self._own
        for terms in self._calls:
            path = self._called(terms)
            for number, term in enumerate(terms[1:] if path else []):
                if (path, number) in parameters:
                    yield Comparison(parameters[path, number], term, others=True)

    def literals(self, term: Node) -> list[Node]:
        """Return the string literal that the term is or names."""
        return self._constants.words(Constant(term, self.module, self.rule))

    def shape(self, term: Any) -> Shape:
        """Return what the term stands for."""
        return self._program.shape(term, self.module, self.scope)

    def _here(self) -> Iterator[Comparison]:
        for number, argument in enumerate(self.arguments):
            if text(argument) is not None:
                yield Comparison(self._program.given(self.path, number), argument)
        for terms in self._calls:
            yield from self._call(terms)
        for node in walk(self.rule):
            if node.get("type") == "ref":
                yield from self._looked_up(node["value"][0], node["value"][1:])
            elif node.get("type") == "object":
                yield from self._said(node["value"])

    def _call(self, terms: list[Node]) -> Iterator[Comparison]:
        name = operator(terms)
        if name in _EQUALITY:
            yield Comparison(self._kind(terms[1]), terms[2])
            yield Comparison(self._kind(terms[2]), terms[1])
        elif name in _MEMBER:
            shape = self._kind(terms[-2])
            members = self._constants.members(Constant(terms[-1], self.module, self.rule))
            yield from (Comparison(shape, member) for member in members)
            yield Comparison(self.shape(terms[-1]).element(), terms[-2])
        elif name == "object.get":
            yield from self._looked_up(terms[1], terms[2]["value"] if terms[2]["type"] == "array" else [terms[2]])
        elif self._called(terms)[:3] == _LEVELS:
            yield Comparison(Shape(word="rule"), terms[1])

    def _called(self, terms: list[Node]) -> Path_:
        """Return the path of the tree's function that a call applies; nothing for a function of OPA."""
        path = self._program.path(terms[0], self.module) if terms[0].get("type") == "ref" else None
        return () if path is None else (*path[0], *[text(step) or "" for step in path[1]])

    def _looked_up(self, term: Node, steps: list[Node]) -> Iterator[Comparison]:
        """Compare the keys of a constant object with the word that it is looked into by. It may have a key for every
        other word."""
        if steps and text(steps[0]) is None:
            keys = self._constants.keys(Constant(term, self.module, self.rule))
            yield from (Comparison(self._kind(steps[0]), key, others=True) for key in keys)

    def _said(self, pairs: list[tuple[Node, Node]]) -> Iterator[Comparison]:
        for key, value in pairs:
            name = text(key)
            if name in _SAID:
                yield Comparison(Shape(word=FIELDS[name]), value)
            elif name == "rule":
                yield Comparison(Shape(word="rule"), value, others=True)

    def _kind(self, term: Node) -> Shape:
        shape = self.shape(term)
        return shape if shape.word or shape.besides else self._by_name(term)

    def _by_name(self, term: Node) -> Shape:
        """Return what the field holds by its name, where nothing else is known of it."""
        if term.get("type") == "ref" and len(term["value"]) > 1:
            return Shape(word=FIELDS.get(text(term["value"][-1]) or ""))
        if term.get("type") == "call" and operator(term["value"]) == "object.get":
            key = term["value"][2]
            name = text(key["value"][-1] if key.get("type") == "array" and key["value"] else key)
            return with_default(Shape(word=FIELDS.get(name or "")), term["value"][3])
        if term.get("type") == "var" and self.scope.get(term["value"], ANY) == ANY:
            return Shape(word={"severity": "severity", "verdict": "verdict"}.get(term["value"]))
        return ANY


def parameters(rules: list[Comparing]) -> dict[Parameter, Shape]:
    """Return what the functions among `rules` compare their arguments with, where it is words of one kind only."""
    functions = [each for each in rules if each.arguments]
    known: dict[Parameter, Shape] = {}
    for _ in range(_ROUNDS):
        found: dict[Parameter, list[Shape]] = {}
        for each in functions:
            names = {term["value"]: number for number, term in enumerate(each.arguments) if term["type"] == "var"}
            for comparison in each.comparisons(known):
                if comparison.term["type"] == "var" and comparison.term["value"] in names:
                    place = (each.path, names[comparison.term["value"]])
                    found.setdefault(place, []).append(comparison.shape)
            for number, term in enumerate(each.arguments):
                if text(term) is not None:
                    found.setdefault((each.path, number), []).append(each.shape(term))
        known = {place: shape for place, shapes in found.items() if (shape := _one_kind(shapes)).word}
    return known


def _one_kind(shapes: list[Shape]) -> Shape:
    kinds = {shape.word for shape in shapes if shape.word}
    besides = frozenset[str]().union(*(shape.besides for shape in shapes))
    return Shape(word=kinds.pop(), besides=besides) if len(kinds) == 1 else ANY
