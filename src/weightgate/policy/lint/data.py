"""The data files of a tree: every mistake in each of them, and not only the first."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from weightgate import strict
from weightgate.errors import InvalidDocument, PolicyError
from weightgate.policy import permissions, yamlfile
from weightgate.policy import settings as settings_module
from weightgate.policy.lint.problem import Problem
from weightgate.policy.lint.words import Words
from weightgate.policy.tree import PolicyTree, shipped
from weightgate.policy.yamlfile import YamlFile

_MOST = 100
"""Mistakes of one file that are looked for."""

_SOUND = {
    "reason": "x",
    "owner": "a",
    "approver": "b",
    "ticket": "T-1",
    "created": "2026-01-01T00:00:00Z",
    "expires": "2026-01-01T01:00:00Z",
}
_PERMISSIONS: dict[str, tuple[Callable[[YamlFile], Any], dict[str, Any]]] = {
    "exceptions": (permissions.read_exceptions, {**_SOUND, "scope": {"finding": "f-1"}}),
    "break_glass": (permissions.read_grants, {**_SOUND, "digest": f"sha256:{'0' * 64}", "rules": ["a.b"]}),
}
"""Folder of an environment → how its file is read, and a sound entry."""


@dataclass(frozen=True, slots=True)
class DataFiles:
    """What the tree's data files hold, as far as they can be read."""

    settings: dict[str, YamlFile] = field(default_factory=dict)
    """Environment → its `data.yaml`."""
    permissions: dict[tuple[str, str], YamlFile] = field(default_factory=dict)
    """(environment, `exceptions` or `break_glass`) → the file, where it holds a mapping."""
    library: dict[str, YamlFile] = field(default_factory=dict)
    """Topic → the library's data about it."""
    problems: list[Problem] = field(default_factory=list)


class _Plain(YamlFile):
    """A file whose mistakes are told with their pointer."""

    def read(self, reader: strict.Reader[strict.T], pointer: str = "", value: Any = None) -> strict.T:
        return reader(self.value if value is None else value, pointer)


def read(tree: PolicyTree) -> DataFiles:
    """Read every data file of the tree; mistakes end up in `problems`."""
    files = DataFiles()
    for name in tree.environments():
        base = f"environments/{name}"
        settings = _load(tree.root, f"{base}/data.yaml", files.problems)
        if settings is not None:
            files.settings[name] = settings
            donor = _shipped_settings()
            files.problems.extend(_mistakes(settings, f"{base}/data.yaml", donor, settings_module.read_settings))
        for folder, (reader, sound) in _PERMISSIONS.items():
            below = f"{base}/{folder}/data.yaml"
            file = _load(tree.root, below, files.problems)
            if file is not None and file.value is not None:
                ids = file.value if isinstance(file.value, dict) else {}
                files.problems.extend(_mistakes(file, below, dict.fromkeys(ids, sound), reader))
                if ids:
                    files.permissions[name, folder] = file
    for path in sorted((tree.root / "policies" / "weightgate").glob("*/data.yaml")):
        below = path.relative_to(tree.root).as_posix()
        loaded = _load(tree.root, below, files.problems)
        if loaded is not None:
            files.library[path.parent.name] = loaded
            if path.parent.name == "severity_map":
                files.problems.extend(
                    _mistakes(loaded, below, {}, lambda file: file.read(settings_module.SEVERITY_MAP))
                )
    files.problems.extend(_whole(tree, files.problems))
    return files


def _load(root: Path, path: str, problems: list[Problem]) -> YamlFile | None:
    try:
        return yamlfile.load((root / path).read_bytes(), path)
    except FileNotFoundError:
        return None
    except OSError as exc:
        problems.append(Problem(path, 1, "data", f"cannot be read: {exc.strerror}"))
    except PolicyError as exc:
        problems.append(_told(exc, path))
    return None


def _whole(tree: PolicyTree, known: list[Problem]) -> list[Problem]:
    """Return the mistake that ends the loading of the tree, such as a file at a wrong place, unless it is known."""
    try:
        tree.load([])
    except PolicyError as exc:
        problem = _told(exc, "policies", tree.root)
        if (problem.file, problem.line) not in {(item.file, item.line) for item in known}:
            return [problem]
    return []


def _told(error: PolicyError, path: str, root: Path | None = None) -> Problem:
    """Return what an error says, with the file and line that its message begins with."""
    match = re.match(r"(?P<file>[^:\n]+?)(:(?P<line>\d+))?: (?P<said>.*)", str(error), re.DOTALL)
    if match is None:
        return Problem(path, 1, "data", str(error))
    file = match["file"]
    if root is not None:
        file = os.path.relpath(os.path.abspath(file), os.path.abspath(root)).replace(os.sep, "/")
    return Problem(file, int(match["line"] or 1), "data", match["said"])


def _mistakes(file: YamlFile, path: str, donor: Any, read_file: Callable[[YamlFile], Any]) -> list[Problem]:
    """Return every mistake in a file: each one found is mended with the `donor`'s value, and the file is read again."""
    problems: list[Problem] = []
    value = copy.deepcopy(file.value)
    shortened: set[str] = set()
    for _ in range(_MOST):
        try:
            read_file(_Plain(path, value, file.lines))
            break
        except InvalidDocument as exc:
            # NOTE: what is missing where something else was taken out is most likely what that was meant to be.
            missed = exc.problem.endswith("is missing") or " and not told " in exc.problem
            if not (exc.pointer in shortened and missed):
                problems.append(_at_pointer(file, path, exc))
            steps = [step.replace("~1", "/").replace("~0", "~") for step in exc.pointer.split("/")[1:]]
            change, value = _mend(value, steps, donor)
            if change is _Change.NONE:
                change, value = _mend(value, steps, None)
            if change is _Change.REMOVED:
                shortened.add(exc.pointer.rpartition("/")[0])
            elif change is _Change.NONE:
                break
        except PolicyError as exc:
            problems.append(_told(exc, path))
            break
    return problems


def _at_pointer(file: YamlFile, path: str, error: InvalidDocument) -> Problem:
    return Problem(path, file.line(error.pointer), "data", f"{error.pointer or '/'}: {error.problem}")


class _Change(Enum):
    NONE = "nothing could be changed"
    REMOVED = "a key or an element was taken out"
    REPLACED = "a value was made like the donor's"


def _mend(value: Any, steps: list[str], donor: Any) -> tuple[_Change, Any]:
    """Return what was changed, and `value` with the place at `steps` made like the donor's, or gone."""
    if not steps:
        if isinstance(value, dict) and isinstance(donor, dict) and donor.keys() - value.keys():
            return _Change.REPLACED, {**donor, **value}
        changed = donor is not None and value != donor
        return (_Change.REPLACED, donor) if changed else (_Change.NONE, value)
    key: Any = int(steps[0]) if isinstance(value, list) else steps[0]
    if not isinstance(value, dict | list) or (key not in value if isinstance(value, dict) else key >= len(value)):
        return _Change.NONE, value
    given = donor.get(key) if isinstance(donor, dict) else None
    if len(steps) == 1 and given is None:
        del value[key]
        return _Change.REMOVED, value
    change, value[key] = _mend(value[key], steps[1:], given)
    return change, value


def _shipped_settings() -> Any:
    """Return the settings of a shipped environment, to mend others with; they are sound."""
    folder = shipped() / "environments"
    path = sorted(folder.glob("*/data.yaml"))[0]
    return yamlfile.load(path.read_bytes(), path.name).value


_PLACES = {
    "/settings/scanners/required/*": "scanner",
    "/settings/coverage/scanners/*/*": "scanner",
    "/settings/coverage/data_formats/*": "format",
    "/settings/stricter_than": "environment",
    "/settings/break_glass/never_override/*": "rule",
    "/settings/rules/threats.forbidden/kinds/*": "kind of threat",
    "/settings/rules/model.source/sources/*": "source",
    "/settings/rules/model.formats/allowed/*": "format",
    "/settings/rules/model.licence/judged_by/*": "scanner",
}
_KEYS = {
    "/settings/rules": "rule",
    "/settings/coverage/scanners": "format",
    "/settings/rules/scanners.minimum_version/minimum": "scanner",
}


def settings_of(files: DataFiles, name: str) -> dict[str, Any]:
    """Return the settings of an environment, as far as they are a mapping."""
    return at(files.settings[name].value, "/settings") if name in files.settings else {}


def keys(file: YamlFile | None) -> list[str]:
    """Return the keys of a file that holds a mapping."""
    return [*file.value] if file is not None and isinstance(file.value, dict) else []


def takes_grants(files: DataFiles) -> frozenset[str]:
    """Return the environments whose settings or files speak of break-glass grants."""
    told = {name for name, file in files.settings.items() if at(file.value, "/settings/break_glass")}
    return frozenset(told | {name for name, folder in files.permissions if folder == "break_glass"})


def unknown_words(files: DataFiles, words: Words) -> Iterator[Problem]:
    """Yield the words of the settings that no vocabulary holds, where the schema takes any word."""
    for name, file in files.settings.items():
        path = f"environments/{name}/data.yaml"
        for pointer, value in _leaves(file.value, ""):
            shape = _generic(pointer, _PLACES)
            if shape and isinstance(value, str):
                yield from _flaw(words, _PLACES[shape], value, path, file, pointer)
        for place, kind in _KEYS.items():
            for key in at(file.value, place):
                if key != "default" or kind != "format":
                    yield from _flaw(words, kind, key, path, file, f"{place}/{strict.escape(key)}")


def _flaw(words: Words, kind: str, word: str, path: str, file: YamlFile, pointer: str) -> Iterator[Problem]:
    flaw = words.flaw(kind, word)
    if flaw:
        yield Problem(path, file.lines.get(pointer, 1), "unknown-word", f"{pointer}: {flaw}")


def _leaves(value: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{pointer}/{strict.escape(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{pointer}/{index}")
    else:
        yield pointer, value


def _generic(pointer: str, places: dict[str, str]) -> str | None:
    steps = pointer.split("/")
    for place in places:
        wanted = place.split("/")
        if len(wanted) == len(steps) and all(b in ("*", a) for a, b in zip(steps, wanted, strict=True)):
            return place
    return None


def at(value: Any, pointer: str) -> dict[str, Any]:
    """Return the mapping at `pointer`; an empty one where there is none."""
    for step in pointer.split("/")[1:]:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
