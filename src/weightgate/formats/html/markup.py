"""HTML put together so that text is escaped unless it was made here."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape as escape_html

from weightgate.formats.escape import printable

_VOID = frozenset({"meta", "input", "br"})


class Markup(str):
    """HTML that was made by `element` or `join`; every other string is text and is escaped."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str | bool) -> Markup:
    """Return the element `name`.

    `class_` is the attribute `class`, `data_state` is `data-state`; `True` gives an attribute without value, `False`
    none.
    """
    told = "".join(_attribute(key, value) for key, value in attributes.items() if value is not False)
    if name in _VOID:
        return Markup(f"<{name}{told}>")
    return Markup(f"<{name}{told}>{join(children)}</{name}>")


def join(children: Iterable[str], between: str = "") -> Markup:
    """Return `children` one after the other, those that are text escaped."""
    return Markup(between.join(child if isinstance(child, Markup) else plain(child) for child in children))


def outside(text: str) -> Markup:
    """Return one line of a model's or a scanner's text, whose writing direction touches nothing around it."""
    return Markup(f"<bdi>{plain(text)}</bdi>")


def outside_lines(text: str) -> Markup:
    """Return such text with its line breaks."""
    return Markup("\n".join(outside(line) if line else "" for line in text.splitlines()))


def outside_prose(text: str) -> Markup:
    """Return sentences in which `code` stands between backticks."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return outside(text)
    return join(element("code", outside(part)) if number % 2 else outside(part) for number, part in enumerate(parts))


def plain(text: str) -> Markup:
    """Return `text` as HTML text, its hidden characters made visible."""
    return Markup(escape_html(printable(text), quote=True))


def _attribute(key: str, value: str | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{plain(str(value))}"'
