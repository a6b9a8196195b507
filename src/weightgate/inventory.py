"""Walk a model directory once: every file's path, size, sha256 and format, and everything that could not be read.

The directory is hostile. Each directory and file is opened below the open directory that holds it and never through a
link, so that nothing outside is read even while the tree is being changed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

from weightgate import filetypes
from weightgate.errors import ScannerError, UsageError
from weightgate.findings import ModelFile, Unscanned
from weightgate.scanners.interface import Inventory, Progress

MAX_DEPTH = 64
"""Directories below the model's own that are entered; also bounds the open file descriptors."""
MAX_BYTES = 4 * 1024**4
"""Bytes that are hashed when the caller sets no other bound; a sparse file can claim far more at no cost."""
_CHUNK = 256 * 1024
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# NOTE: without O_NONBLOCK, opening a FIFO that replaced a file would wait for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def walk(
    path: Path, *, max_files: int = 100_000, max_bytes: int = MAX_BYTES, progress: Progress | None = None
) -> Inventory:
    """Return what lies in the model `path`, a directory or one file; a link that the user names is resolved once.

    Every regular file is in `files`, also hidden ones, sorted by path. Links, sockets, devices, files that cannot be
    read or that change meanwhile, names that are not UTF-8 and directories deeper than `MAX_DEPTH` are in `unreadable`,
    each with its reason. An empty directory gives an empty inventory. `max_files` bounds the entries, directories
    included, and `max_bytes` the bytes that are hashed; `progress` gets a line at once and then about twice a second.

    Raises `UsageError` when there is no such file or directory, `ScannerError` when a bound is exceeded.
    """
    root = _resolve(path)
    single = not root.is_dir()
    if single and not root.is_file():
        raise UsageError(f"{path}: neither a file nor a directory; expected a model")
    walker = _Walker(root.parent if single else root, max_files, max_bytes, progress)
    try:
        folder = os.open(walker.root, _DIRECTORY)
        try:
            if single:
                walker.entry(folder, root.name, "", 0)
            else:
                walker.directory(folder, "", 0)
        finally:
            os.close(folder)
    except OSError as exc:
        raise UsageError(f"{path}: cannot be read: {_why(exc)}; expected a model's directory or file") from exc
    return walker.inventory(root.name if single else None)


def _resolve(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as exc:  # NOTE: RuntimeError is a loop of links, ValueError a NUL byte.
        raise UsageError(f"{path}: {_why(exc)}; expected a model's directory or file") from exc


class _Walker:
    def __init__(self, root: Path, max_files: int, max_bytes: int, progress: Progress | None) -> None:
        self.root = root
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._progress = progress
        self._next_line = 0.0
        self._entries = 0
        self._bytes = 0
        self._files: list[ModelFile] = []
        self._unreadable: list[Unscanned] = []

    def inventory(self, single: str | None) -> Inventory:
        files = tuple(sorted(self._files, key=lambda file: file.path))
        unreadable = tuple(sorted(self._unreadable, key=lambda item: (item.path, item.reason)))
        return Inventory(root=self.root, files=files, unreadable=unreadable, single=single)

    def directory(self, folder: int, prefix: str, depth: int) -> None:
        """Walk the open directory `folder`, whose path is `prefix` (empty, or ended by a slash)."""
        names = []
        with os.scandir(folder) as entries:
            for entry in entries:
                names.append(entry.name)
                if len(names) > self._max_files:
                    self._too_many()
        for name in sorted(names):
            self.entry(folder, name, prefix, depth)

    def entry(self, folder: int, name: str, prefix: str, depth: int) -> None:
        """Take in one entry of the open directory `folder`."""
        path = prefix + name
        self._entries += 1
        if self._entries > self._max_files:
            self._too_many()
        if not _is_utf8(name):
            self._lost(prefix + _printable(name), f"the name is not UTF-8 (bytes {os.fsencode(name).hex()}); rename it")
            return
        try:
            mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                self._lost(path, self._link(folder, name, prefix))
            elif stat.S_ISDIR(mode):
                self._enter(folder, name, path, depth + 1)
            elif stat.S_ISREG(mode):
                self._read(folder, name, path)
            else:
                self._lost(path, f"{_kind(mode)}, not a regular file; remove it")
        except OSError as exc:
            self._lost(path, f"cannot be read: {_why(exc)}")

    def _enter(self, folder: int, name: str, path: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._lost(path, f"a directory more than {MAX_DEPTH} levels deep; it was not entered")
            return
        inner = os.open(name, _DIRECTORY, dir_fd=folder)
        try:
            self.directory(inner, path + "/", depth)
        finally:
            os.close(inner)

    def _read(self, folder: int, name: str, path: str) -> None:
        file = os.open(name, _FILE, dir_fd=folder)
        try:
            before = os.fstat(file)
            if not stat.S_ISREG(before.st_mode):
                raise OSError(errno.EAGAIN, "it was replaced while it was being read")
            if self._bytes + before.st_size > self._max_bytes:
                raise ScannerError(
                    f"{self.root}: more than {self._max_bytes} bytes; raise the limit or scan less at once"
                )
            size, sha256 = self._hash(file, before.st_size)
            kind = filetypes.detect(path, size, _reader(file)) if size == before.st_size else ""
            if size != before.st_size or _changed(before, os.fstat(file)):
                raise OSError(errno.EAGAIN, "it changed while it was being read")
        finally:
            os.close(file)
        self._files.append(ModelFile(path=path, size=size, sha256=sha256, format=kind))

    def _hash(self, file: int, expected: int) -> tuple[int, str]:
        """Return size and sha256 of the open `file`; stop soon after `expected` bytes, so that it always ends."""
        digest, size, buffer = hashlib.sha256(), 0, memoryview(bytearray(min(_CHUNK, expected + 1)))
        while size <= expected and (count := os.readv(file, [buffer])):
            digest.update(buffer[:count])
            size += count
            self._bytes += count
            self._tell()
        return size, digest.hexdigest()

    def _link(self, folder: int, name: str, prefix: str) -> str:
        target = os.readlink(name, dir_fd=folder)
        shown = _printable(target) if not _is_utf8(target) else target
        real = os.path.realpath(os.path.join(self.root, prefix, name))
        inside = os.path.commonpath([real, self.root]) == str(self.root)
        where = "" if inside else ", which lies outside the model"
        return f"a symbolic link to {shown!r}{where}; links are not followed: put the file itself in its place"

    def _lost(self, path: str, reason: str) -> None:
        self._unreadable.append(Unscanned(path=path, reason=reason))

    def _too_many(self) -> None:
        raise ScannerError(
            f"{self.root}: more than {self._max_files} files and directories; raise the limit or scan less at once"
        )

    def _tell(self) -> None:
        if self._progress is not None and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + 0.5
            self._progress(f"hashed {len(self._files)} files, {self._bytes / 1e6:.1f} MB")


def _reader(file: int) -> Callable[[int, int], bytes]:
    def read(offset: int, length: int) -> bytes:
        parts = []
        while length > 0 and (part := os.pread(file, length, offset)):
            parts.append(part)
            offset, length = offset + len(part), length - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    return read


def _changed(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_size, before.st_mtime_ns, before.st_ctime_ns) != (
        after.st_size,
        after.st_mtime_ns,
        after.st_ctime_ns,
    )


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(name: str) -> str:
    r"""Write the bytes of `name` that are not UTF-8 as `\xNN`, and a backslash as two, so that no two names meet."""
    return os.fsencode(name.replace("\\", "\\\\")).decode("utf-8", "backslashreplace")


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return kinds.get(stat.S_IFMT(mode), "something special")


def _why(exc: Exception) -> str:
    return (exc.strerror if isinstance(exc, OSError) else None) or str(exc)
