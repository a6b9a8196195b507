"""The literals that a policy's terms stand for, also behind local variables and behind rules that name a constant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from weightgate.policy.lint.program import Program
from weightgate.policy.syntax import Module, Node, branches, operator, text, walk


@dataclass(frozen=True, slots=True)
class Constant:
    """A term, and the rule in which its names mean what they mean."""

    term: Node
    module: Module
    rule: Node

    def at(self, term: Node) -> Constant:
        """Return another term of the same rule."""
        return Constant(term, self.module, self.rule)


@dataclass
class Constants:
    """What the names of a program stand for where it is always the same."""

    program: Program
    _values: dict[int, dict[str, list[Node | None]]] = field(default_factory=dict)
    """Rule → variable → what each place that gives it a value gives it; `None` where that does not show."""

    def words(self, constant: Constant) -> list[Node]:
        """Return the string literal that a term is or names; nothing for other terms."""
        return [found.term for found in self._behind(constant) if text(found.term) is not None]

    def members(self, constant: Constant) -> list[Node]:
        """Return the string literals in a set or list, also in a union of some."""
        found = []
        for known in self._behind(constant):
            if known.term.get("type") in ("set", "array"):
                found += [word for item in known.term["value"] for word in self.words(known.at(item))]
            elif known.term.get("type") == "call" and operator(known.term["value"]) == "or":
                found += [word for side in known.term["value"][1:] for word in self.members(known.at(side))]
        return found

    def keys(self, constant: Constant) -> list[Node]:
        """Return the string literals by which something can be looked up in an object or a set."""
        objects = [known for known in self._behind(constant) if known.term.get("type") == "object"]
        sets = [known for known in self._behind(constant) if known.term.get("type") == "set"]
        return [key for known in objects for key, _ in known.term["value"] if text(key) is not None] + [
            word for known in sets for word in self.members(known)
        ]

    def _behind(self, constant: Constant, seen: frozenset[int] = frozenset()) -> list[Constant]:
        """Return what a term names, itself where it names nothing. A word stands only behind a name that has no other
        value; of sets and objects, every one that the name can have."""
        named = [found for found in self._named(constant) if id(found.term) not in seen]
        if not named:
            return [constant]
        seen |= {id(found.term) for found in named}
        found = [known for each in named for known in self._behind(each, seen)]
        return found if len(found) == 1 else [known for known in found if text(known.term) is None]

    def _named(self, constant: Constant) -> list[Constant]:
        term = constant.term
        if term.get("type") not in ("ref", "var"):
            return []
        name = term["value"][0]["value"] if term["type"] == "ref" else term["value"]
        variables = self._variables(constant.rule)
        if not isinstance(name, str) or name in variables:
            values = variables[name] if term["type"] == "var" else []
            return [constant.at(value) for value in values if value is not None and len(values) == 1]
        path = self.program.path(term, constant.module)
        full = (*path[0], *[text(step) or "" for step in path[1]]) if path is not None else ()
        return [
            Constant(branch["head"]["value"], module, rule)
            for module, rule in self.program.definitions(full)
            for branch in branches(rule)
            if "value" in branch["head"] and len(branch["head"]["ref"]) == 1
        ]

    def _variables(self, rule: Node) -> dict[str, list[Node | None]]:
        known = self._values.get(id(rule))
        if known is None:
            known = self._values[id(rule)] = {}
            for name, value in _given(rule):
                known.setdefault(name, []).append(value)
        return known


def _given(rule: Node) -> Iterator[tuple[str, Node | None]]:
    """Yield each variable of a rule that is given a value, with the value where it shows."""
    for name in _names(rule["head"].get("args", [])):
        yield name, None
    for item in walk(rule):
        terms = item.get("terms")
        if isinstance(terms, list) and operator(terms) in ("assign", "eq"):
            if terms[1].get("type") == "var":
                yield terms[1]["value"], terms[2]
            else:
                yield from ((name, None) for name in _names(terms[1]) if terms[1].get("type") in ("array", "object"))
        elif isinstance(terms, dict) and "symbols" in terms:
            for symbol in terms["symbols"]:
                given = symbol["value"][1:-1] if symbol.get("type") == "call" else symbol
                yield from ((name, None) for name in _names(given))
        elif isinstance(terms, dict) and "domain" in terms:
            yield from ((name, None) for name in _names([terms.get("key"), terms["value"]]))


def _names(node: object) -> Iterator[str]:
    return (item["value"] for item in walk(node) if item.get("type") == "var")
