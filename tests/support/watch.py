"""See the command lines of this process's children while they run."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path


class CommandLines:
    """A context manager; `lines` holds every command line of a descendant, arguments joined by blanks."""

    def __init__(self) -> None:
        self.lines: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> CommandLines:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.005):
            for pid in _children(os.getpid()):
                with suppress(OSError):
                    raw = Path(f"/proc/{pid}/cmdline").read_bytes()
                    self.lines.add(raw.replace(b"\0", b" ").decode("utf-8", "replace"))


def _children(pid: int) -> list[int]:
    found = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_children(int(child))]
    return found
