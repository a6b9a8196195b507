"""Mistakes in a tree's data files: a threshold shifted, a member left out, an exception widened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from weightgate.policy.mutate.mutant import Mutant, Source
from weightgate.policy.mutate.words import shifted

_TEXTS = ("reason", "description", "owner", "approver", "ticket", "created", "expires", "stricter_than")
"""Keys whose words decide nothing, or are checked where the order of environments and exceptions is."""


def mutants(root: Path) -> Iterator[Mutant]:
    """Yield every mutant of the data files of the tree below `root`, in the order of the source."""
    import yaml

    for top in ("environments", "policies"):
        for file in sorted((root / top).rglob("data.yaml")):
            source = Source(file.relative_to(root).as_posix(), file.read_text("utf-8"))
            node = yaml.compose(source.text, Loader=yaml.SafeLoader)
            if node is not None:
                yield from _node(source, node, "")


def _node(source: Source, node: Any, key: str) -> Iterator[Mutant]:
    kind = type(node).__name__
    if kind == "MappingNode":
        for name, value in node.value:
            if name.value not in _TEXTS:
                yield from _node(source, value, name.value)
        if key == "scope":
            yield from _widened(source, node)
    elif kind == "SequenceNode":
        items = [(item.start_mark.index, item.end_mark.index, _name(item)) for item in node.value]
        yield from _members(source, items, node.flow_style)
        for item in node.value:
            yield from _node(source, item, key)
    elif kind == "ScalarNode":
        yield from _scalar(source, node)


def _scalar(source: Source, node: Any) -> Iterator[Mutant]:
    start, end = node.start_mark.index, node.end_mark.index
    if node.tag.endswith(":int"):
        yield source.replaced(start, end, str(int(node.value) + 1), "one more")
        if int(node.value) > 0:
            yield source.replaced(start, end, str(int(node.value) - 1), "one less")
        return
    for other, what in shifted(node.value):
        yield source.replaced(start, end, f'"{other}"', what)


def _name(node: Any) -> str:
    return node.value if isinstance(node.value, str) else "a member"


def _members(source: Source, members: list[tuple[int, int, str]], in_line: bool) -> Iterator[Mutant]:
    """Leave out each member, given by start, end and name, of a list or mapping; `in_line` when it is in brackets."""
    for index, (start, end, name) in enumerate(members):
        follows = index + 1 < len(members)
        if not in_line:
            start = source.line_start(start)
            # NOTE: a nested block ends where the next thing begins, which is in another line.
            end = source.line_start(members[index + 1][0] if follows else end)
            end = end if end > start else source.line_end(start)
        elif follows:
            end = members[index + 1][0]
        elif index:
            start = members[index - 1][1]
        yield source.replaced(start, end, "", f"drop {name}")


def _widened(source: Source, node: Any) -> Iterator[Mutant]:
    """Let an exception's scope match more: each glob everything below its first word, and one condition less."""
    pairs = [(name.start_mark.index, value.end_mark.index, f"the scope's {name.value}") for name, value in node.value]
    yield from _members(source, pairs, node.flow_style)
    for name, value in node.value:
        if name.value in ("model", "path") and "/" in value.value:
            start, end = value.start_mark.index, value.end_mark.index
            wide = f'"{value.value.split("/")[0]}/**"'
            if wide.strip('"') != value.value:
                yield source.replaced(start, end, wide, f"widen {name.value}")
