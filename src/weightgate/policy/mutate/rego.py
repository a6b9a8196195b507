"""Mistakes in Rego, made from the places of its syntax tree: what a tired reviewer could let pass."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

from weightgate.policy import syntax
from weightgate.policy.mutate.mutant import Mutant, Source
from weightgate.policy.mutate.words import shifted
from weightgate.policy.syntax import Module, Node, operator, text, walk

_COMPARISONS = {"==": ("!=",), "!=": ("==",), "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<")}
_EITHER_SIDE = {"|": "or", "-": "minus", "&": "and"}


def mutants(root: Path) -> Iterator[Mutant]:
    """Yield every mutant of the Rego files of the tree below `root` (tests left out), in the order of the source."""
    paths = [path for path in syntax.rego_files(root) if not syntax.is_test(path)]
    for path, module in syntax.parse(root, paths).items():
        source = Source(path, (root / path).read_text("utf-8"))
        # NOTE: two mistakes that give the same text are one.
        found = {mutant.after: mutant for mutant in _File(source, module).mutants() if mutant.after != source.text}
        yield from sorted(found.values(), key=lambda mutant: (mutant.line, mutant.what, mutant.after))


class _File:
    """One Rego file."""

    def __init__(self, source: Source, module: Module) -> None:
        self._source = source
        self._module = module

    def mutants(self) -> Iterator[Mutant]:
        for rule in self._module.rules:
            yield from self._rule(rule)
            for node in walk(rule):
                if "index" in node and "terms" in node:
                    yield from self._expression(node)
                yield from self._else(node)
                yield from self._term(node)
            for terms in syntax.calls(rule):
                yield from self._call(terms)

    def _span(self, node: Node) -> tuple[int, int] | None:
        """Return where a node stands in the text; `None` for one that is not written out."""
        place = node.get("location")
        if not place:
            return None
        start = self._source.offset(place["row"], place["col"])
        written = base64.b64decode(place.get("text", "")).decode("utf-8")
        if not written or self._source.text[start : start + len(written)] != written:
            return None
        return start, start + len(written)

    def _replace(self, node: Node, new: str, what: str) -> Iterator[Mutant]:
        span = self._span(node)
        if span is not None:
            yield self._source.replaced(*span, new, what)

    def _written(self, node: Node) -> str:
        span = self._span(node)
        return self._source.text[slice(*span)] if span else ""

    def _rule(self, rule: Node) -> Iterator[Mutant]:
        if rule.get("default"):
            start = self._source.offset(rule["location"]["row"], rule["location"]["col"])
            end = self._source.text.find("\n", start)
            yield self._source.replaced(start, end, "", "drop a default")
            return
        name = syntax.rule_name(rule)
        alike = [other for other in self._module.rules if syntax.rule_name(other) == name]
        # NOTE: without its only definition a rule of this file alone does not compile.
        if len(alike) > 1 or not name.startswith("_"):
            yield from self._replace(rule, "", f"drop {'one' if len(alike) > 1 else 'the'} definition of {name}")

    def _else(self, node: Node) -> Iterator[Mutant]:
        branch = node.get("else")
        if isinstance(branch, dict):
            yield from self._replace(branch, "", "drop an else")

    def _expression(self, node: Node) -> Iterator[Mutant]:
        written = self._written(node)
        if not written or written.startswith("else") or (node["terms"] == {} and not written):
            return
        terms = node["terms"]
        if not isinstance(terms, list) and "symbols" not in terms and terms.get("type") == "boolean":
            return
        if operator(terms) == "assign" or (isinstance(terms, dict) and "symbols" in terms):
            yield from self._with(node)
            return
        yield from self._replace(node, "true", "drop a condition")
        if node.get("negated"):
            yield from self._replace(node, written.removeprefix("not").strip(), "negate a condition")
        elif not (isinstance(terms, dict) and "domain" in terms):
            yield from self._replace(node, f"not {written}", "negate a condition")
        yield from self._with(node)

    def _with(self, node: Node) -> Iterator[Mutant]:
        for item in node.get("with", []):
            yield from self._replace(item, "", "drop a with")

    def _call(self, terms: list[Node]) -> Iterator[Mutant]:
        sign = self._written(terms[0])
        for other in _COMPARISONS.get(sign, ()):
            yield from self._replace(terms[0], other, f"{sign} becomes {other}")
        if _EITHER_SIDE.get(sign) == operator(terms) and len(terms) == 3:
            left, right = self._span(terms[1]), self._span(terms[2])
            if left and right:
                yield self._source.replaced(left[1], right[1], "", "drop the right side")
                if sign != "-":
                    yield self._source.replaced(left[0], right[0], "", "drop the left side")

    def _term(self, node: Node) -> Iterator[Mutant]:
        kind = node.get("type")
        if kind == "number" and self._span(node):
            number = node["value"]
            if isinstance(number, int):
                yield from self._replace(node, str(number + 1), "one more")
                yield from self._replace(node, str(number - 1), "one less")
        elif kind == "boolean" and self._written(node) in ("true", "false"):
            yield from self._replace(node, "false" if node["value"] else "true", "swap true and false")
        elif kind == "string":
            yield from self._string(node)
        elif kind in ("set", "array"):
            yield from self._members(node["value"])

    def _string(self, node: Node) -> Iterator[Mutant]:
        written, word = self._written(node), text(node) or ""
        if written[:1] not in ('"', "`"):
            return
        quote = written[0]
        for other, what in shifted(word):
            yield from self._replace(node, f"{quote}{other}{quote}", what)
        if quote == "`" and word.startswith("^"):
            yield from self._replace(node, f"`{word[1:]}`", "drop the anchor ^")
        if quote == "`" and word.endswith("$"):
            yield from self._replace(node, f"`{word[:-1]}`", "drop the anchor $")

    def _members(self, members: list[Node]) -> Iterator[Mutant]:
        spans = sorted(span for span in map(self._span, members) if span)
        if len(spans) != len(members) or not spans:
            return
        for index, (start, end) in enumerate(spans):
            if index + 1 < len(spans):
                yield self._source.replaced(start, spans[index + 1][0], "", "drop a member")
            elif index:
                yield self._source.replaced(spans[index - 1][1], end, "", "drop a member")
            elif self._source.text[start - 1 : start] == "[":
                yield self._source.replaced(start, end, "", "drop a member")
