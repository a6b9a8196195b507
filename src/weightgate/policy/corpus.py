"""Stored findings documents, in files and directories, to try a policy on."""

from __future__ import annotations

import os
from pathlib import Path

from weightgate.engine.evaluate import Evidence
from weightgate.errors import UsageError

_MARK = b'"weightgate.findings/v1"'


def files(paths: list[Path]) -> list[Path]:
    """Return the files that `paths` name, each once: a file itself, of a directory every `.json` below it, sorted.

    Raises `UsageError` for a path that does not exist and for a directory without such a file.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            names = [Path(folder, name) for folder, _, names in os.walk(path) for name in names]
            below = [name for name in names if name.suffix == ".json"]
            if not below:
                raise UsageError(f"{path}: no .json file below it; expected stored findings documents")
            found |= dict.fromkeys(sorted(below))
        elif path.is_file():
            found[path] = None
        else:
            raise UsageError(f"{path}: does not exist; expected a findings document or a directory with such documents")
    return list(found)


def load(path: Path, named: frozenset[Path]) -> Evidence | None:
    """Return the document in the file `path`; `None` when the file says nothing of being one.

    Other reports lie beside findings documents. A file of `named`, or whose name begins with `findings`, must be one.
    Raises `InvalidDocument` for a document that breaks the schema, `UsageError` for a file that cannot be read.
    """
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise UsageError(f"{path}: cannot be read: {exc.strerror}; expected a findings document") from exc
    if _MARK not in raw and path not in named and not path.name.startswith("findings"):
        return None
    return Evidence.read(raw, str(path))


def load_all(paths: list[Path]) -> list[Evidence]:
    """Return every document that `paths` name, `[]` for no path. Raises `UsageError` when paths hold no document."""
    loaded = [load(path, frozenset(paths)) for path in files(paths)]
    found = [evidence for evidence in loaded if evidence is not None]
    if paths and not found:
        named = ", ".join(map(str, paths))
        raise UsageError(f"{named}: no findings document; expected files of schema weightgate.findings/v1")
    return found
