"""What the terms of a policy are: which part of the input or of the data each one stands for, as far as it shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from weightgate.policy.lint.shapes import ANY, Shape
from weightgate.policy.lint.steps import DeadPath, below, below_get, together, with_default
from weightgate.policy.syntax import Module, Node, Path_, branches, calls, literal, operator, rule_name, text, walk

_ROUNDS = 3
"""How often what calls say of functions' arguments is worked out again; as deep as calls pass a value on."""
_SETS = ("or", "minus", "and")


@dataclass
class Program:
    """All modules of a tree (but tests), with the shapes of their inputs."""

    modules: list[Module]
    input: Shape
    data: dict[Path_, Shape]
    """Path without `data` → shape of the data there, which comes from files or from an environment's `with`."""
    _rules: dict[Path_, list[tuple[Module, Node]]] = field(default_factory=dict)
    _below: dict[Path_, set[str]] = field(default_factory=lambda: {(): set()})
    """Path → the words that can follow it, down to rules and data."""
    _calls: list[tuple[Module, Node, Path_, list[Node]]] = field(default_factory=list)
    _arguments: dict[tuple[Path_, int], list[Shape]] = field(default_factory=dict)
    _bindings: dict[int, list[Node]] = field(default_factory=dict)
    """Rule → its expressions, which may give a variable its value."""
    _scopes: dict[int, dict[str, Shape]] = field(default_factory=dict)
    _answers: dict[Path_, Shape | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for module in self.modules:
            for rule in module.rules:
                self._rules.setdefault((*module.package, rule_name(rule)), []).append((module, rule))
        for path in (*self.data, *self._rules):
            for length, step in enumerate(path):
                self._below.setdefault(path[:length], set()).add(step)
        self._calls = list(self._own_calls())
        for _ in range(_ROUNDS):
            arguments = self._called_with()
            self._arguments = arguments
            self._scopes.clear()
            self._answers.clear()

    def definitions(self, path: Path_) -> list[tuple[Module, Node]]:
        """Return the definitions of the rule at `path`."""
        return self._rules.get(path, [])

    def below(self, path: Path_) -> set[str]:
        """Return the words that can follow `path`, where it leads to no rule or data yet."""
        return self._below.get(path, set())

    def leads_to(self, path: Path_) -> bool:
        """Say whether a rule or data stands at `path`."""
        return path in self._rules or path in self.data

    def scope(self, module: Module, rule: Node) -> dict[str, Shape]:
        """Return the shapes of the rule's variables."""
        known = self._scopes.get(id(rule))
        if known is not None:
            return known
        if id(rule) not in self._bindings:
            self._bindings[id(rule)] = [item for item in walk(rule) if "terms" in item]
        scope = self._scopes[id(rule)] = self._parameters(module, rule)
        for _ in range(2):
            for item in self._bindings[id(rule)]:
                self._bind(item, module, scope)
        return scope

    def given(self, path: Path_, number: int) -> Shape:
        """Return what every call gives the function at `path` as the argument `number`; `ANY` when they differ."""
        given = self._arguments.get((path, number), [])
        return given[0] if given and all(shape == given[0] for shape in given) else ANY

    def shape(self, term: Any, module: Module, scope: dict[str, Shape]) -> Shape:
        """Return what the term stands for; `ANY` when that does not show or nothing can stand there."""
        kind = term.get("type") if isinstance(term, dict) else None
        if kind in ("ref", "var"):
            try:
                return self.follow(term, module, scope)
            except DeadPath:
                return ANY
        if kind == "call":
            return self._call(term["value"], module, scope)
        if kind == "string":
            return Shape(besides=frozenset({term["value"]}))
        if kind in ("setcomprehension", "arraycomprehension"):
            return Shape(each=self.shape(term["value"]["term"], module, scope))
        if kind == "objectcomprehension":
            keys = self.shape(term["value"]["key"], module, scope)
            return Shape(each=self.shape(term["value"]["value"], module, scope), keys=keys.word)
        return ANY

    def follow(self, term: Node, module: Module, scope: dict[str, Shape]) -> Shape:
        """Return what a reference or variable stands for; raises `DeadPath` when nothing can stand there."""
        steps: list[Node] = term["value"] if term["type"] == "ref" else [term]
        head, rest = steps[0], steps[1:]
        if head["type"] != "var":
            return ANY
        name = head["value"]
        if name in scope:
            return below(scope[name], rest, name)
        if name == "input":
            return below(self.input, rest, "input")
        path = self.path(term, module)
        return ANY if path is None else self._data(path[0], path[1])

    def path(self, term: Node, module: Module) -> tuple[list[str], list[Node]] | None:
        """Return the path below `data` that a reference begins with, and the steps that follow its literal ones; `None`
        when it is about something else. A literal step stands in both: path words first, all steps second."""
        steps: list[Node] = term["value"] if term["type"] == "ref" else [term]
        name = steps[0]["value"]
        if name == "data":
            prefix: list[str] = []
        elif name in module.imports and module.imports[name][0] == "data":
            prefix = list(module.imports[name][1:])
        elif name in module.names:
            prefix = [*module.package, name]
        else:
            return None
        return prefix, steps[1:]

    def _data(self, prefix: list[str], steps: list[Node]) -> Shape:
        """Follow a path below `data`: through packages and folders, into a rule or a data file."""
        path: Path_ = ()
        rest = [literal(step) for step in prefix] + steps
        while not self.leads_to(path):
            step = text(rest[0]) if rest else None
            if step is None:
                return ANY
            if step not in self._below[path]:
                raise DeadPath(rest[0], sorted(self._below[path]), ".".join(("data", *path)))
            path, rest = (*path, step), rest[1:]
        return below(self.data[path] if path in self.data else self._rule(path), rest, ".".join(("data", *path)))

    def _rule(self, path: Path_) -> Shape:
        if path in self._answers:
            return self._answers[path] or ANY
        self._answers[path] = None
        answer = self._answers[path] = together(
            [shape for module, rule in self._rules[path] for shape in self._values(module, rule)]
        )
        return answer

    def _values(self, module: Module, rule: Node) -> Iterator[Shape]:
        scope = self.scope(module, rule)
        for branch in branches(rule):
            head = branch["head"]
            if len(head["ref"]) > 1:
                yield ANY
            elif "key" in head:
                yield Shape(each=self.shape(head["key"], module, scope))
            elif "value" in head:
                yield self.shape(head["value"], module, scope)

    def _call(self, terms: list[Node], module: Module, scope: dict[str, Shape]) -> Shape:
        name = operator(terms)
        if name == "object.get":
            found = below_get(self.shape(terms[1], module, scope), terms[2])
            return with_default(found, terms[3]) if found.word else found
        if name in _SETS:
            sides = [self.shape(term, module, scope) for term in terms[1:]]
            return sides[0] if sides[0] != ANY or name != "or" else sides[1]
        path = self.path(terms[0], module)
        return ANY if path is None else self._function(path)

    def _function(self, path: tuple[list[str], list[Node]]) -> Shape:
        words = [text(step) for step in path[1]]
        full = (*path[0], *[word for word in words if word is not None])
        return self._rule(full) if full in self._rules else ANY

    def _parameters(self, module: Module, rule: Node) -> dict[str, Shape]:
        path = (*module.package, rule_name(rule))
        arguments = enumerate(rule["head"].get("args", []))
        return {term["value"]: self.given(path, number) for number, term in arguments if term["type"] == "var"}

    def _called_with(self) -> dict[tuple[Path_, int], list[Shape]]:
        found: dict[tuple[Path_, int], list[Shape]] = {}
        for module, rule, path, arguments in self._calls:
            scope = self.scope(module, rule)
            for number, term in enumerate(arguments):
                found.setdefault((path, number), []).append(self.shape(term, module, scope))
        return found

    def _own_calls(self) -> Iterator[tuple[Module, Node, Path_, list[Node]]]:
        """Yield each call of a function of the tree: where it stands, what it calls, and its arguments."""
        for module in self.modules:
            for rule in module.rules:
                for terms in calls(rule):
                    path = self.path(terms[0], module) if terms[0].get("type") == "ref" else None
                    if path is not None:
                        yield module, rule, (*path[0], *[text(step) or "" for step in path[1]]), terms[1:]

    def _bind(self, item: Node, module: Module, scope: dict[str, Shape]) -> None:
        terms = item.get("terms")
        if isinstance(terms, list) and operator(terms) in ("assign", "eq") and terms[1].get("type") == "var":
            _learn(scope, terms[1], self.shape(terms[2], module, scope))
        elif isinstance(terms, dict) and "symbols" in terms:
            for symbol in terms["symbols"]:
                if symbol.get("type") == "call":
                    *_, element, collection = symbol["value"]
                    shape = self.shape(collection, module, scope)
                    _learn(scope, element, shape.element())
                    if len(symbol["value"]) == 4:
                        _learn(scope, symbol["value"][1], Shape(word=shape.keys) if shape.keys else ANY)
        elif isinstance(terms, dict) and "domain" in terms:
            shape = self.shape(terms["domain"], module, scope)
            _learn(scope, terms["value"], shape.element())


def _learn(scope: dict[str, Shape], variable: Node, shape: Shape) -> None:
    if variable.get("type") == "var" and not variable["value"].startswith("$"):
        name = variable["value"]
        scope[name] = shape if scope.get(name, ANY) in (ANY, shape) else ANY
