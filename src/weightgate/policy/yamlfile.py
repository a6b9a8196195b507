"""Read a YAML data file as strictly as OPA reads it loosely.

OPA keeps the last of two equal keys in silence and takes `010` for 8. Here duplicate keys, anchors, tags and odd
numbers are errors, and every value remembers its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from weightgate import strict
from weightgate.errors import InvalidDocument, PolicyError

MAX_BYTES = 16 * 1024 * 1024
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,15})")
_WORDS_AS_OPA_READS_THEM = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:str")


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The value of one YAML file, with the line of each place in it."""

    name: str
    """The file's path as messages show it."""
    value: Any
    lines: dict[str, int]
    """JSON pointer → line, counted from 1; empty when the value comes from no file."""

    def line(self, pointer: str) -> int:
        """Return the line of `pointer`, or of the nearest place above it."""
        while pointer not in self.lines and pointer:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 1)

    def error(self, pointer: str, problem: str) -> PolicyError:
        """Return the error that names the file and the line of `pointer`, or of the nearest place above it."""
        where = f"{self.name}:{self.line(pointer)}" if self.lines else self.name
        return PolicyError(f"{where}: {pointer or '/'}: {problem}")

    def read(self, reader: strict.Reader[strict.T], pointer: str = "", value: Any = None) -> strict.T:
        """Return what `reader` makes of the whole value (or of `value` at `pointer`); raises `PolicyError` with
        the line."""
        try:
            return reader(self.value if value is None else value, pointer)
        except InvalidDocument as exc:
            raise self.error(exc.pointer, exc.problem) from None


def load(raw: bytes, name: str) -> YamlFile:
    """Parse the YAML text `raw` of the file `name`.

    Raises `PolicyError` naming file and line: for bad YAML, a duplicate key, an anchor, a tag, a number that is no
    plain whole number, a key that is no string, more than one document.
    """
    import yaml

    if len(raw) > MAX_BYTES:
        raise PolicyError(f"{name}: the file has {len(raw)} bytes; at most {MAX_BYTES} are read")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = raw.decode("utf-8")
        for token in _tokens(yaml, text, loader):
            if isinstance(token, yaml.AnchorToken | yaml.AliasToken):
                where = f"{name}:{token.start_mark.line + 1}"
                raise PolicyError(
                    f"{where}: anchors and aliases (& and *) are not used in policy data; write the value out"
                )
        node = yaml.compose(text, Loader=loader)
    except UnicodeDecodeError as exc:
        raise PolicyError(f"{name}: byte {exc.start} is not valid UTF-8") from exc
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise PolicyError(f"{name}:{line}: not YAML: {exc.problem}") from exc
    except (yaml.YAMLError, RecursionError) as exc:
        raise PolicyError(f"{name}: not YAML: {exc}") from exc
    lines: dict[str, int] = {}
    value = None if node is None else _value(node, "", name, lines)
    return YamlFile(name, value, lines)


def _tokens(yaml: Any, text: str, loader: Any) -> Any:
    # NOTE: a file without the characters can hold neither, and scanning tokens takes as long as parsing.
    return yaml.scan(text, Loader=loader) if "&" in text or "*" in text else ()


def _value(node: Any, pointer: str, name: str, lines: dict[str, int]) -> Any:
    lines[pointer] = line = node.start_mark.line + 1
    kind = type(node).__name__
    if kind == "MappingNode" and node.tag == "tag:yaml.org,2002:map":
        record: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = _key(key_node, name, line)
            if key in record:
                raise PolicyError(f"{name}:{line}: the key {strict.show(key)} stands twice; keep one of them")
            place = f"{pointer}/{strict.escape(key)}"
            record[key] = _value(value_node, place, name, lines)
            lines[place] = line
        return record
    if kind == "SequenceNode" and node.tag == "tag:yaml.org,2002:seq":
        return [_value(item, f"{pointer}/{index}", name, lines) for index, item in enumerate(node.value)]
    if kind == "ScalarNode":
        return _scalar(node, name, line)
    raise PolicyError(f"{name}:{line}: the tag {node.tag} is not used in policy data")


def _key(node: Any, name: str, line: int) -> str:
    if type(node).__name__ != "ScalarNode" or node.tag == "tag:yaml.org,2002:merge":
        raise PolicyError(f"{name}:{line}: a key must be a word; found {node.tag}")
    return str(node.value)


def _scalar(node: Any, name: str, line: int) -> Any:
    tag, text = node.tag, node.value
    if tag in _WORDS_AS_OPA_READS_THEM:
        return text
    if tag == "tag:yaml.org,2002:null":
        return None
    if tag == "tag:yaml.org,2002:bool":
        # NOTE: OPA takes only true and false for truth values, and `off`, `yes` and the like for words.
        return {"true": True, "false": False}.get(text.lower(), text)
    if tag == "tag:yaml.org,2002:int" and _INTEGER.fullmatch(text):
        return int(text)
    raise PolicyError(f"{name}:{line}: {text!r} is neither a word nor a plain whole number; quote it if it is a word")
