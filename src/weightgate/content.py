"""Read parts of one hostile file, never more at once than a bound."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable

ReadAt = Callable[[int, int], bytes]
"""`read(offset, length)`: the bytes of the file from `offset` on, at most `length`, fewer only at its end."""

WHOLE = 64 * 1024**2
"""Largest file, in bytes, that is held in memory as a whole."""


class TooBigError(Exception):
    """Something asked for more bytes at once than its bound."""


class Content:
    """The bytes of one file of `size` bytes, read piece by piece through `read`."""

    def __init__(self, size: int, read: ReadAt) -> None:
        self.size = size
        self.at = read
        self.head = read(0, 4096)
        """The first 4096 bytes, or all where there are fewer."""

    def tail(self, length: int) -> bytes:
        """Return the last `length` bytes, or all where there are fewer."""
        return self.at(max(0, self.size - length), min(length, self.size))

    def whole(self) -> bytes | None:
        """Return all bytes, or `None` where there are more than `WHOLE`."""
        return self.at(0, self.size) if self.size <= WHOLE else None

    def stream(self, limit: int) -> BoundedStream:
        """Return a binary stream whose reads raise `TooBigError` when they would give more than `limit` bytes."""
        return BoundedStream(self, limit)


class _Raw(io.RawIOBase):
    def __init__(self, content: Content) -> None:
        self._content = content
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        part = self._content.at(self._position, len(buffer))
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._content.size}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, "a place before the start of the file")
        self._position = base + offset
        return self._position


class BoundedStream(io.BufferedReader):
    """A seekable stream over a `Content`, for parsers that trust the lengths they read."""

    def __init__(self, content: Content, limit: int) -> None:
        super().__init__(_Raw(content))  # type: ignore[arg-type]
        self._size = content.size
        self._limit = limit

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes (all, when negative); raise `TooBigError` when that is more than the limit."""
        if size is None or not 0 <= size <= self._limit:
            # NOTE: a length beyond the end of the file must not be allocated before the end is seen.
            rest = max(0, self._size - self.tell())
            size = rest if size is None or size < 0 else min(size, rest)
            if size > self._limit:
                raise TooBigError
        return super().read(size)

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return the rest of the line; raise `TooBigError` when it is longer than the limit."""
        line = super().readline(self._limit if size is None or size < 0 else min(size, self._limit))
        if len(line) == self._limit and not line.endswith(b"\n"):
            raise TooBigError
        return line
