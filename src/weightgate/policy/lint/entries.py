"""Entries of data files that can match nothing, though they keep their schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from weightgate import strict
from weightgate.policy.lint.data import DataFiles, at
from weightgate.policy.lint.problem import Problem
from weightgate.policy.yamlfile import YamlFile

_Flaw = Callable[[str], str | None]
"""Says why an entry matches nothing; `None` for one that can match something."""

_CODE_LIKE = re.compile(r"pait[-_ ]", re.IGNORECASE)
_CODE = re.compile(r"PAIT-[A-Z0-9]+-[1-9][0-9]{2}")
_SERIES = re.compile(r"[1-9]")
_PLAIN = re.compile(r"[\w-]*")
_HOST = re.compile(r"[A-Za-z0-9.-]+")
_CLASS = r"\[(?:\\.|[^\]\\])+\]"
_GLOB = re.compile(rf"(\\.|{_CLASS}|[^\[\\])*", re.DOTALL)


def problems(files: DataFiles) -> Iterator[Problem]:
    """Yield the entries of the tree's data files that can match nothing."""
    for name, file in files.settings.items():
        path = f"environments/{name}/data.yaml"
        yield from _listed(file, path, "/settings/exceptions", "never_rules", _code)
        yield from _severity_map(file, path, "/settings/severity_map")
        for key, flaw in _SOURCE.items():
            yield from _listed(file, path, "/settings/rules/model.source", key, flaw)
    for topic, file in files.library.items():
        path = f"policies/weightgate/{topic}/data.yaml"
        if topic == "severity_map":
            yield from _severity_map(file, path, "")
        elif topic == "threat_kinds":
            for kind in at(file.value, ""):
                yield from _listed(file, path, f"/{strict.escape(kind)}", "series", _series)
                yield from _listed(file, path, f"/{strict.escape(kind)}", "words", _lower)


def _severity_map(file: YamlFile, path: str, above: str) -> Iterator[Problem]:
    for place, flaw in (("threats", _code), ("series", _digit)):
        for key in at(file.value, f"{above}/{place}"):
            yield from _flaw(file, path, f"{above}/{place}/{strict.escape(key)}", key, flaw)


def _listed(file: YamlFile, path: str, above: str, key: str, flaw: _Flaw) -> Iterator[Problem]:
    entries = at(file.value, above).get(key)
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        yield from _flaw(file, path, f"{above}/{key}/{index}", entry, flaw)


def _flaw(file: YamlFile, path: str, pointer: str, entry: Any, flaw: _Flaw) -> Iterator[Problem]:
    said = flaw(entry) if isinstance(entry, str) else None
    if said:
        found = f"{pointer}: {strict.show(entry)} matches nothing; expected {said}"
        yield Problem(path, file.line(pointer), "dead-entry", found)


def _code(entry: str) -> str | None:
    wrong = _CODE_LIKE.match(entry) and not _CODE.fullmatch(entry)
    return "a threat code such as PAIT-PKL-100" if wrong else None


def _digit(entry: str) -> str | None:
    return None if _SERIES.fullmatch(entry) else "the first digit of threat codes, 1 to 9"


def _series(entry: str) -> str | None:
    # NOTE: an entry is part of a regular expression; of such only the plain ones are judged.
    return _digit(entry) if _PLAIN.fullmatch(entry) else None


def _lower(entry: str) -> str | None:
    return "lower case" if re.search("[A-Z]", entry) else None


def _host(entry: str) -> str | None:
    wrong = not _HOST.fullmatch(entry)
    return "a host alone such as huggingface.co, without scheme, port or path" if wrong else None


def _organization(entry: str) -> str | None:
    return "the part of a model's name before the /" if "/" in entry else None


def glob_flaw(entry: str) -> str | None:
    """Return what is wrong with a glob that OPA cannot read, which ends the evaluation; `None` for another."""
    bare = re.sub(rf"\\.|{_CLASS}", "", entry, flags=re.DOTALL)
    wrong = not _GLOB.fullmatch(entry) or bare.count("{") > bare.count("}")
    return "a glob, in which each [ and { is closed" if wrong else None


_SOURCE: dict[str, _Flaw] = {"hosts": _host, "organizations": _organization, "denied_models": glob_flaw}
"""What rule `model.source` is told → what is wrong with an entry."""
