"""What can stand where: the shapes of `input`, of an environment's settings and exceptions, and of library data."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from dataclasses import dataclass
from importlib import resources
from typing import Any

from weightgate.policy.lint.words import FIELDS, Words
from weightgate.policy.permissions import Grant, PolicyException
from weightgate.policy.settings import Settings, SeverityMap


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a value. Without `fields` and `each`, nothing is known of what lies below it."""

    fields: dict[str, Shape] | None = None
    """The keys of a closed object."""
    each: Shape | None = None
    """What each element of a list or set is, or each value of an object."""
    word: str | None = None
    """The kind of word (see `words`) that a string is."""
    keys: str | None = None
    """The kind of word that the keys are."""
    besides: frozenset[str] = frozenset()
    """Words that can stand here too: literals of the policy, such as the default of an `object.get`."""

    def below(self, key: str) -> Shape | None:
        """Return the shape at `key`; `None` when nothing can stand there."""
        if self.fields is None:
            return self.each or ANY
        own = self.each if key.startswith("local.") else None
        return self.fields.get(key, own)

    def element(self) -> Shape:
        """Return the shape of whatever is in here."""
        return self.each or ANY


ANY = Shape()
"""A value of which nothing is known."""

_SETTINGS_WORDS = {
    "/fail_on/*": "severity",
    "/scanners/required/*": "scanner",
    "/coverage/scanners/*/*": "scanner",
    "/coverage/data_formats/*": "format",
    "/exceptions/never/*": "severity",
    "/break_glass/never_override/*": "rule",
    "/stricter_than": "environment",
}
_SETTINGS_KEYS = {
    "/rules": "rule",
    "/coverage/scanners": "format",
    "/exceptions/max_days": "severity",
    "/severity_map/rules/*": "enforcement",
}


def input_shape() -> Shape:
    """Return the shape of the policy's input, from its JSON Schema."""
    text = resources.files("weightgate.schemas").joinpath("input.schema.json").read_text("utf-8")
    return _from_schema(json.loads(text), "")


def settings_shape(words: Words, parameters: dict[str, frozenset[str]], values: list[Any]) -> Shape:
    """Return the shape of an environment's settings: what their schema has, the `parameters` that each rule takes, and
    keys that `values` hold beside."""
    shape = _from_type(Settings, "", _SETTINGS_WORDS, _SETTINGS_KEYS, words)
    fields = dict(shape.fields or {})
    setting = fields["rules"].element()
    rules = {
        rule: _and(setting, parameters.get(rule, frozenset()))
        for rule in sorted(words.kinds["rule"] | parameters.keys())
    }
    fields["rules"] = Shape(rules, _and(setting, frozenset().union(*parameters.values())), keys="rule")
    shape = Shape(fields)
    for value in values:
        shape = _with_keys(shape, value)
    return shape


def _and(shape: Shape, keys: frozenset[str]) -> Shape:
    return Shape({**dict.fromkeys(sorted(keys), ANY), **(shape.fields or {})})


def exceptions_shape() -> Shape:
    """Return the shape of an environment's exceptions: by id."""
    scope = Shape(fields=dict.fromkeys(("finding", "rule", "model", "path", "digest"), ANY))
    exception = _from_type(PolicyException, "", {}, {}, None)
    return Shape(each=Shape(fields={**(exception.fields or {}), "scope": scope}))


def grants_shape() -> Shape:
    """Return the shape of an environment's break-glass grants: by id."""
    return Shape(each=_from_type(Grant, "", {"/rules/*": "rule"}, {}, None))


def library_shape(topic: str, value: Any, words: Words) -> Shape:
    """Return the shape of the library's data about `topic`, which has just the keys that stand in its file."""
    if topic == "severity_map":
        return _from_type(SeverityMap, "", {}, {"/rules/*": "enforcement"}, words)
    return _from_value(value)


def _from_schema(schema: Any, name: str) -> Shape:
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    chosen = options[0] if options else {}
    if "properties" in chosen:
        return Shape(fields={key: _from_schema(item, key) for key, item in chosen["properties"].items()})
    if "items" in chosen:
        return Shape(each=_from_schema(chosen["items"], ""))
    return Shape(word=FIELDS.get(name)) if chosen.get("type") == "string" else ANY


def _from_type(kind: Any, at: str, places: dict[str, str], keys: dict[str, str], words: Words | None) -> Shape:
    def below(hint: Any, step: str) -> Shape:
        return _from_type(hint, f"{at}/{step}", places, keys, words)

    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return Shape({name: below(hint, name) for name, hint in typing.get_type_hints(kind).items()})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        kind = next(argument for argument in arguments if argument is not type(None))
        return _from_type(kind, at, places, keys, words)
    if origin is dict:
        each = below(arguments[1], "*")
        if at not in keys or words is None:
            return Shape(each=each)
        known = words.kinds[keys[at]] | ({"default"} if keys[at] == "format" else set())
        return Shape(dict.fromkeys(sorted(known), each), each, keys=keys[at])
    if origin in (tuple, list, frozenset):
        return Shape(each=below(arguments[0], "*"))
    return Shape(word=places.get(at, FIELDS.get(at.rpartition("/")[2])))


def _from_value(value: Any) -> Shape:
    if isinstance(value, dict):
        return Shape(fields={key: _from_value(item) for key, item in value.items()})
    return ANY


def _with_keys(shape: Shape, value: Any) -> Shape:
    if shape.fields is None or not isinstance(value, dict):
        return shape
    fields = dict(shape.fields)
    for key, item in value.items():
        fields[key] = _with_keys(fields[key], item) if key in fields else _from_value(item)
    return dataclasses.replace(shape, fields=fields)
