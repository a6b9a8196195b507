"""Read JSON from outside strictly, and write it canonically.

The readers below take a value and the JSON pointer (RFC 6901) of its place, and either return the value with its
type known or raise `InvalidDocument` at that pointer. Nothing is coerced and nothing is ignored.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from weightgate.errors import InvalidDocument

T = TypeVar("T")
Reader = Callable[[Any, str], T]

MAX_BYTES = 512 * 1024 * 1024
"""Largest input document that is read, in bytes."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
RFC3339 = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)"
)
"""The shape of an RFC 3339 time."""


class _Bad(ValueError):
    pass


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Bad(f"the key {json.dumps(key)} stands twice in one object; keep one of them")
            seen.add(key)
    return record


def _constant(word: str) -> NoReturn:
    raise _Bad(f"{word} is not JSON; expected a number, a string, true, false or null")


def loads(raw: bytes, where: str) -> Any:
    """Parse strict JSON: UTF-8, no duplicate keys, no NaN, no lone surrogates.

    Raises `InvalidDocument` naming `where` and, for a syntax error, the line and column.
    """
    if len(raw) > MAX_BYTES:
        raise InvalidDocument(where, "", f"the document has {len(raw)} bytes; at most {MAX_BYTES} are read")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InvalidDocument(where, "", f"byte {exc.start} is not valid UTF-8") from exc
    try:
        value = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as exc:
        raise InvalidDocument(where, "", f"line {exc.lineno}, column {exc.colno}: not JSON: {exc.msg}") from exc
    except UnicodeEncodeError as exc:
        raise InvalidDocument(where, "", "a string holds half of a surrogate pair, which is no character") from exc
    except RecursionError as exc:
        raise InvalidDocument(where, "", "the document is nested too deeply") from exc
    except ValueError as exc:
        raise InvalidDocument(where, "", str(exc)) from exc
    return value


def canonical(value: Any) -> bytes:
    """Return the one way to write `value`: keys sorted, no spaces, UTF-8, `<`, `>`, `&`, U+2028 and U+2029 escaped.

    These are the bytes that OPA's `json.marshal` writes, so a policy can compute the same digest.
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    for char, escaped in _ESCAPES:
        if char in text:
            text = text.replace(char, escaped)
    return text.encode("utf-8")


_ESCAPES = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"))


def digest(raw: bytes) -> str:
    """Return `sha256:` and the 64 hexadecimal digits of `raw`'s SHA-256."""
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def fail(pointer: str, problem: str) -> NoReturn:
    """Raise `InvalidDocument` for `pointer`; the caller that knows the file's name puts it in."""
    raise InvalidDocument("", pointer, problem)


def show(value: Any) -> str:
    """Return `value` as short JSON for an error message."""
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def escape(key: str) -> str:
    """Escape one step of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def string(value: Any, at: str) -> str:
    """Any string."""
    if type(value) is not str:
        fail(at, f"found {show(value)}; expected a string")
    return value


def text(value: Any, at: str) -> str:
    """A string that is not empty."""
    if type(value) is not str or not value:
        fail(at, f"found {show(value)}; expected a string that is not empty")
    return value


def boolean(value: Any, at: str) -> bool:
    """`true` or `false`."""
    if type(value) is not bool:
        fail(at, f"found {show(value)}; expected true or false")
    return value


def count(value: Any, at: str) -> int:
    """A whole number of at least 0, below 2**53 (so that every JSON reader keeps it exactly)."""
    if type(value) is not int or not 0 <= value < 2**53:
        fail(at, f"found {show(value)}; expected a whole number from 0 to 2^53-1")
    return value


def time(value: Any, at: str) -> str:
    """An RFC 3339 time in UTC, written with `Z`."""
    if type(value) is not str or not value.endswith("Z") or not RFC3339.fullmatch(value):
        fail(at, f'found {show(value)}; expected a UTC time such as "2026-11-23T10:00:00Z"')
    return value


def sha256(value: Any, at: str) -> str:
    """64 lower-case hexadecimal digits."""
    if type(value) is not str or not _SHA256.fullmatch(value):
        fail(at, f"found {show(value)}; expected 64 lower-case hexadecimal digits")
    return value


def prefixed_digest(value: Any, at: str) -> str:
    """`sha256:` and 64 lower-case hexadecimal digits."""
    if type(value) is not str or not value.startswith("sha256:") or not _SHA256.fullmatch(value[7:]):
        fail(at, f'found {show(value)}; expected "sha256:" and 64 lower-case hexadecimal digits')
    return value


def word(*allowed: str) -> Reader[str]:
    """One of `allowed`, spelt exactly so."""
    known = frozenset(allowed)

    def read(value: Any, at: str) -> str:
        if type(value) is not str or value not in known:
            near = nearest(value, allowed) if type(value) is str else ""
            fail(at, f"found {show(value)}{near}; expected one of {', '.join(allowed)}")
        return value

    return read


def nullable(reader: Reader[T]) -> Reader[T | None]:
    """`null`, or what `reader` takes."""

    def read(value: Any, at: str) -> T | None:
        return None if value is None else reader(value, at)

    return read


def array(reader: Reader[T]) -> Reader[tuple[T, ...]]:
    """A list of what `reader` takes."""

    def read(value: Any, at: str) -> tuple[T, ...]:
        if type(value) is not list:
            fail(at, f"found {show(value)}; expected a list")
        return tuple([reader(item, f"{at}/{index}") for index, item in enumerate(value)])

    return read


def mapping(reader: Reader[T]) -> Reader[dict[str, T]]:
    """An object with any keys, whose values `reader` takes."""

    def read(value: Any, at: str) -> dict[str, T]:
        if type(value) is not dict:
            fail(at, f"found {show(value)}; expected an object")
        return {key: reader(item, f"{at}/{escape(key)}") for key, item in value.items()}

    return read


def record(
    make: Callable[..., T], fields: dict[str, Reader[Any]], optional: dict[str, Reader[Any]] | None = None
) -> Reader[T]:
    """A closed object with exactly the keys of `fields`, and any of `optional`, given to `make` by name."""
    wanted = fields.keys()
    known = {**fields, **(optional or {})}
    steps = {key: f"/{escape(key)}" for key in known}

    def read(value: Any, at: str) -> T:
        if type(value) is not dict:
            fail(at, f"found {show(value)}; expected an object")
        if value.keys() != wanted:
            for key in value:
                if key not in known:
                    fail(f"{at}/{escape(key)}", f"unknown key{nearest(key, known)}; expected only {', '.join(known)}")
            for key in fields:
                if key not in value:
                    fail(at, f"the key {show(key)} is missing")
        return make(**{key: known[key](item, at + steps[key]) for key, item in value.items()})

    return read


def nearest(word: str, known: Any) -> str:
    """Return `; did you mean …?` when one of `known` is nearly `word`."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), 1)
    return f" (did you mean {show(near[0])}?)" if near else ""
