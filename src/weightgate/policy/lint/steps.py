"""Where the steps of a reference lead, from the shape of what it begins with."""

from __future__ import annotations

import json
from dataclasses import replace

from weightgate.policy.lint.shapes import ANY, Shape
from weightgate.policy.syntax import Node, text


class DeadPath(Exception):
    """Nothing can stand at a path: `step` is the first wrong one, and `known` are the words that could stand there."""

    def __init__(self, step: Node, known: list[str], above: str) -> None:
        self.step = step
        self.known = known
        self.above = above
        super().__init__(above)


def below(shape: Shape, steps: list[Node], above: str) -> Shape:
    """Return the shape that `steps` lead to from `shape`; raises `DeadPath` at the first that leads nowhere."""
    for step in steps:
        word = text(step)
        if word is None:
            shape = shape.element()
        else:
            found = shape.below(word)
            if found is None:
                raise DeadPath(step, sorted(shape.fields or {}), above)
            shape = found
            above += f".{word}" if word.isidentifier() else f"[{json.dumps(word)}]"
    return shape


def below_get(shape: Shape, key: Node, above: str = "the object", strict: bool = False) -> Shape:
    """Return what `object.get` finds with `key`, a word or a list of words; with `strict`, raises `DeadPath`."""
    steps: list[Node] = key["value"] if key.get("type") == "array" else [key]
    try:
        return below(shape, steps, above)
    except DeadPath:
        if strict:
            raise
        return ANY


def together(shapes: list[Shape]) -> Shape:
    """Return the shape of what has one of `shapes`; `ANY` when they differ in more than the words of the policy."""
    known = [replace(shape, besides=frozenset()) for shape in shapes]
    found = [shape for shape in known if shape != ANY]
    if any(shape != found[0] for shape in found):
        return ANY
    return replace(found[0] if found else ANY, besides=frozenset().union(*(shape.besides for shape in shapes)))


def with_default(shape: Shape, default: Node) -> Shape:
    """Return the shape of a word that is `default` when it is missing; `ANY` when that can be any word."""
    if default["type"] in ("ref", "var", "call"):
        return ANY
    word = text(default)
    return shape if word is None else replace(shape, besides=shape.besides | {word})
