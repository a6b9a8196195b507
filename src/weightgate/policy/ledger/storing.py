"""Write an environment's file of exceptions or grants in one step, and put the old one back when it is not as meant."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from weightgate.errors import PolicyError, UsageError
from weightgate.policy import yamlfile
from weightgate.policy.environment import Environment
from weightgate.policy.permissions import read_exceptions, read_grants
from weightgate.policy.tree import PolicyTree


def read_bytes(path: Path) -> bytes | None:
    """Return what the file holds, `None` when there is none; raises `UsageError` for a link and what cannot be read."""
    if path.is_symlink():
        raise UsageError(f"{path}: a symbolic link is not written through; put the file here")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise UsageError(f"{path}: cannot be read: {exc.strerror}") from exc


def store(tree: PolicyTree, here: Environment, path: Path, old: bytes | None, new: bytes, id_: str) -> int:
    """Write `new` in place of `old`, read the tree again strictly, and put `old` back when it is not what was meant.

    `path` is the environment's `exceptions/data.yaml` or `break_glass/data.yaml`. Return the line of the entry `id_`,
    counted from 1. Raises `UsageError` when the file changed meanwhile or cannot be written, `PolicyError` when what
    was written is not what was read back.
    """
    if read_bytes(path) != old:
        raise UsageError(f"{path}: the file changed meanwhile; run the command again")
    expected = _read(path, new)
    before = dict(here.permissions())
    _replace(path, new)
    try:
        after = tree.load([here.name])[0][here.name]
        read = after.exceptions if path.parent.name == "exceptions" else after.grants
        if read != expected or dict(after.permissions()).keys() - before.keys() != {id_}:
            raise PolicyError(f"{path}: what was written is not what was read back; the file is as it was")
    except BaseException:
        restore(path, old)
        raise
    return int(after.place(id_).rpartition(":")[2])


def restore(path: Path, old: bytes | None) -> None:
    """Make the file what it was before `store`; raises `UsageError` when it cannot be written."""
    if old is None:
        path.unlink()
    else:
        _replace(path, old)


def _read(path: Path, raw: bytes) -> dict[str, Any]:
    file = yamlfile.load(raw, str(path))
    return dict(read_exceptions(file) if path.parent.name == "exceptions" else read_grants(file))


def _replace(path: Path, raw: bytes) -> None:
    """Put `raw` in the place of the file in one step, with the file's permissions."""
    temporary = ""
    try:
        path.parent.mkdir(exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".data-", suffix=".tmp", dir=path.parent)
        with os.fdopen(handle, "wb") as out:
            out.write(raw)
            out.flush()
            os.fsync(out.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        else:
            os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as exc:
        raise UsageError(f"{path}: cannot be written: {exc.strerror}") from exc
    finally:
        if temporary:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
