"""Archives in reports: which file `archive.pt:archive/data.pkl` is about, and when an archive's members cover it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from weightgate.errors import ScannerError
from weightgate.filetypes import MAX_ZIP_DIRECTORY, is_inert_torch_member

ZIP_FORMATS = frozenset({"zip", "npz", "torch-zip", "keras-zip"})
"""The formats (see `weightgate.filetypes`) whose members scanners report one by one."""

_ARCHIVE_SUFFIXES = (".zip", ".npz", ".pt", ".pth", ".bin", ".ckpt", ".keras", ".7z")
_DATA_PKL = re.compile(r"([^/]+)/data\.pkl")


def stored_files(texts: Iterable[str]) -> set[str]:
    """Return the files that the path strings of a report are about when the model is not here to compare with.

    A text is `file` or `file:member`, and `:` is legal in both. What stands before a colon is a file of its own when
    the report also lists it alone, when it is named like an archive, or when its members are those of a torch zip.
    """
    known = set(texts)
    members: defaultdict[str, set[str]] = defaultdict(set)
    for text in known:
        for colon in re.finditer(":", text):
            members[text[: colon.start()]].add(text[colon.end() :])
    archives = {
        prefix
        for prefix, names in members.items()
        if prefix in known or prefix.lower().endswith(_ARCHIVE_SUFFIXES) or _is_torch(names)
    }
    return archives | {
        text for text in known if not any(text[: colon.start()] in archives for colon in re.finditer(":", text))
    }


def _is_torch(names: set[str]) -> bool:
    roots = _torch_roots(names)
    return any(is_inert_torch_member(name) and name.split("/")[0] in roots for name in names)


def _torch_roots(names: Iterable[str]) -> set[str]:
    return {match[1] for match in map(_DATA_PKL.fullmatch, names) if match}


def gaps(members: Mapping[str, str | None], *, torch: bool) -> list[str]:
    """Return why an archive is not covered by its `members`, each name with `None` if read or why it was not.

    An empty list means covered: every member was read, but for those of a torch zip that are never unpickled. `torch`
    says that the content is a torch zip, which then needs a `data.pkl` that was read.
    """
    read = {name for name, why in members.items() if why is None}
    roots = _torch_roots(read)
    reasons = [
        f"member {name}: {why}"
        for name, why in sorted(members.items())
        if why is not None and not (is_inert_torch_member(name) and name.split("/")[0] in roots)
    ]
    if not read:
        reasons.append("none of its members was read")
    elif torch and not roots:
        reasons.append("its data.pkl was not read")
    return reasons


def listed(path: Path) -> list[str]:
    """Return the names of the members of the zip at `path`, without directories; a name can stand there twice.

    Raises `ScannerError` when they cannot be listed, or when the directory of the zip is larger than 8 MiB.
    """
    import zipfile

    from weightgate.content import Content

    try:
        with path.open("rb") as file:

            def read(offset: int, length: int) -> bytes:
                file.seek(offset)
                return file.read(length)

            with (
                Content(path.stat().st_size, read).stream(MAX_ZIP_DIRECTORY) as stream,
                zipfile.ZipFile(stream) as archive,
            ):
                return [info.filename for info in archive.infolist() if not (info.is_dir() and info.file_size == 0)]
    except Exception as exc:
        # NOTE: hostile archives make `zipfile` raise many types besides BadZipFile; each means: not listed.
        raise ScannerError(f"the members of {path.name} cannot be listed: {type(exc).__name__}") from exc
