"""Words and paths in Rego that nothing can match: misspelt input fields, dead data paths, words of no vocabulary."""

from __future__ import annotations

from collections.abc import Iterator

from weightgate import strict
from weightgate.policy.lint.comparisons import Comparing, Comparison, parameters
from weightgate.policy.lint.constants import Constants
from weightgate.policy.lint.problem import Problem
from weightgate.policy.lint.program import Program
from weightgate.policy.lint.shapes import Shape
from weightgate.policy.lint.steps import DeadPath, below_get
from weightgate.policy.lint.words import Words
from weightgate.policy.syntax import Module, Node, calls, line, operator, text, walk


def problems(program: Program, words: Words) -> Iterator[Problem]:
    """Yield what is wrong with the words and paths of the program's modules."""
    constants = Constants(program)
    rules = [Comparing(constants, module, rule) for module in program.modules for rule in module.rules]
    known = parameters(rules)
    for rule in rules:
        yield from _Rule(program, words, rule).problems()
        for comparison in rule.comparisons(known):
            yield from _misspelt(words, rule, comparison)
    for module in program.modules:
        for name, path in module.imports.items():
            if path[0] == "data":
                term = {"type": "var", "value": name, "location": {"row": module.import_lines[name]}}
                yield from _dead(program, module, {}, term)


def _misspelt(words: Words, rule: Comparing, comparison: Comparison) -> Iterator[Problem]:
    kind = comparison.shape.word
    if kind is None:
        return
    for literal in rule.literals(comparison.term):
        word = literal["value"]
        flaw = words.typo(kind, word) if comparison.others else words.flaw(kind, word)
        if flaw and word not in comparison.shape.besides:
            yield Problem(literal["location"]["file"], line(literal), "unknown-word", flaw)


class _Rule:
    """One rule of a module, with what its paths and its lists of words say by themselves."""

    def __init__(self, program: Program, words: Words, rule: Comparing) -> None:
        self._program = program
        self._words = words
        self._module = rule.module
        self._rule = rule

    def problems(self) -> Iterator[Problem]:
        for node in walk(self._rule.rule):
            if node.get("type") in ("ref", "var") and "location" in node and not is_operator(node):
                yield from _dead(self._program, self._module, self._rule.scope, node)
            if node.get("type") == "object":
                yield from self._mixed([key for key, _ in node["value"]])
            elif node.get("type") in ("set", "array"):
                yield from self._mixed(node["value"])
        for terms in calls(self._rule.rule):
            if operator(terms) == "object.get":
                yield from self._get(terms)

    def _get(self, terms: list[Node]) -> Iterator[Problem]:
        try:
            below_get(self._rule.shape(terms[1]), terms[2], _name(terms[1]), strict=True)
        except DeadPath as dead:
            yield unknown_path(self._module, terms[2], dead)

    def _mixed(self, terms: list[Node]) -> Iterator[Problem]:
        literals = {term["value"]: term for term in terms if text(term) is not None}
        for kind, word in self._words.misspelt(literals):
            yield from _misspelt(self._words, self._rule, Comparison(Shape(word=kind), literals[word]))


def _dead(program: Program, module: Module, scope: dict[str, Shape], term: Node) -> Iterator[Problem]:
    try:
        program.follow(term, module, scope)
    except DeadPath as dead:
        yield unknown_path(module, term, dead)


def unknown_path(module: Module, term: Node, dead: DeadPath) -> Problem:
    """Return the problem that a path of a module leads nowhere."""
    word = text(dead.step) or ""
    listed = f"; expected one of {', '.join(dead.known)}" if 0 < len(dead.known) <= 40 else ""
    place = line(dead.step) if "location" in dead.step else line(term)
    kind = "dead-path" if dead.above.startswith("data") else "unknown-field"
    near = strict.nearest(word, dead.known)
    return Problem(module.path, place, kind, f"{dead.above} has no {strict.show(word)}{near}{listed}")


def is_operator(node: Node) -> bool:
    """Say whether a reference or variable is a function of OPA or a wildcard, and no path."""
    steps = node["value"] if node["type"] == "ref" else [node]
    return steps[0].get("value") in ("internal", "$") or (len(steps) == 1 and steps[0]["value"] == "_")


def _name(term: Node) -> str:
    steps = term.get("value")
    if term.get("type") == "var":
        return str(steps)
    if term.get("type") == "ref" and isinstance(steps, list):
        return ".".join(str(step["value"]) for step in steps if step.get("type") in ("var", "string"))
    return "the object"
