"""One line on a terminal that tells how far a long run is; silence everywhere else."""

from __future__ import annotations

import shutil
import sys
import threading
import time

from weightgate.formats.escape import printable


class ProgressLine:
    """A context manager; call it with a line of text. It writes to standard error, on a terminal only."""

    def __init__(self, what: str, quiet: bool = False) -> None:
        """Begin with nothing on the screen; `what` names the model."""
        self._what = what
        self._shown = sys.stderr.isatty() and not quiet
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def __call__(self, line: str) -> None:
        """Show `line` in place of the one before."""
        if not self._shown:
            return
        width = shutil.get_terminal_size().columns - 1
        text = printable(f"{self._what}: {line} · {time.monotonic() - self._began:.0f} s")
        with self._lock:
            sys.stderr.write(f"\r\x1b[K{text[:width]}")
            sys.stderr.flush()
