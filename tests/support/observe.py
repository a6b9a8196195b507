"""Run the command against the stand-in of Prisma AIRS and keep everything that it shows to anybody while it runs."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.aims_server import COMMIT, GROUP, MODEL, AimsServer, Recorded
from support.trees import ROOT
from support.watch import CommandLines

PINNED = f"{MODEL}/tree/{COMMIT}"


@dataclass(frozen=True)
class Observed:
    """One run of a program, seen from outside."""

    code: int
    out: str
    err: str
    files: dict[str, bytes]
    """What it left in `--out`: path below it → content."""
    command_lines: frozenset[str]
    """Arguments of the program and of all that it started."""
    written: frozenset[bytes]
    """Each content that a file in its directories had at some moment, those without a name included."""
    requests: tuple[Recorded, ...]
    scans: tuple[str, ...]
    """Ids of the scans that the service has."""
    secrets: tuple[str, ...]
    problems: tuple[str, ...]
    """Where a request or an answer was not what the official documents allow."""

    def json(self, name: str) -> Any:
        return json.loads(self.files[name])

    def creates(self) -> list[Recorded]:
        """Return the requests that ask for a scan, as the service's log has them."""
        return [item for item in self.requests if item.method == "POST" and item.path.endswith("/v1/scans")]

    def assert_no_secret(self) -> None:
        """Assert that nothing shows a secret, and that secrets were in use and were looked for."""
        assert any(item.headers.get("authorization") for item in self.requests), "no secret was used"
        assert any("weightgate" in line for line in self.command_lines), "no command line was seen"
        assert self.written, "no file was seen"
        assert self.leaks() == set()

    def leaks(self) -> set[str]:
        """Return where a secret stands."""
        texts = {
            "stdout": [self.out],
            "stderr": [self.err],
            "artifacts": [content.decode("latin-1") for content in self.files.values()],
            "command line": list(self.command_lines),
            "files": [content.decode("latin-1") for content in self.written],
        }
        return {place for place, found in texts.items() for text in found for secret in self.secrets if secret in text}


def gate(
    aims: AimsServer, folder: Path, *words: str, env: str = "dev", when: Callable[[], bool] | None = None
) -> Observed:
    """Gate the small model, pinned, against `env` at the most verbose level; interrupt it as soon as `when`."""
    fast = ["--poll-interval", "0.05", "--timeout", "20", "-v", "-v"]
    command = ["gate", PINNED, "--env", env, "--scanner", "prisma-airs", "--security-group-id", GROUP, *fast]
    return run(["-m", "weightgate", *command, "--policy", str(ROOT), *words], aims, folder, when)


def run(
    words: Sequence[str], aims: AimsServer, folder: Path, when: Callable[[], bool] | None = None, out: str = "out"
) -> Observed:
    """Run Python with `words` and `--out`, in directories of its own below `folder`."""
    places = {name: folder / name for name in (out, "tmp", "cwd")}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    environ = {
        **os.environ,
        **aims.environ(),
        "TMPDIR": str(places["tmp"]),
        "WEIGHTGATE_DEBUG": "1",
        "HTTPX_LOG_LEVEL": "trace",
    }
    with CommandLines() as seen, _Files(folder) as files:
        process = subprocess.Popen(
            [sys.executable, *words, "--out", str(places[out])],
            env=environ,
            cwd=places["cwd"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            if when is not None:
                _interrupt(process, when)
            stdout, stderr = process.communicate(timeout=90)
        finally:
            process.kill()
            process.wait()
    left = {str(path.relative_to(places[out])): path.read_bytes() for path in places[out].rglob("*") if path.is_file()}
    return Observed(
        code=process.returncode,
        out=stdout,
        err=stderr,
        files=left,
        command_lines=frozenset(seen.lines),
        written=frozenset(files.contents),
        requests=tuple(aims.requests),
        scans=tuple(aims.scans),
        secrets=tuple(aims.secrets()),
        problems=tuple(aims.problems),
    )


def _interrupt(process: subprocess.Popen[str], when: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not when():
        assert process.poll() is None, "it ended before it could be interrupted"
        assert time.monotonic() < deadline, "the moment to interrupt it never came"
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)


class _Files:
    """A context manager that reads every file below `folder`, and every nameless one of a child, as it changes."""

    def __init__(self, folder: Path) -> None:
        self.contents: set[bytes] = set()
        self._folder = folder
        self._versions: set[tuple[int, int, int]] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Files:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._stop.wait(0.01):
            self._look()

    def _look(self) -> None:
        for path in self._paths():
            with suppress(OSError):
                state = path.stat()
                version = (state.st_ino, state.st_mtime_ns, state.st_size)
                if stat.S_ISREG(state.st_mode) and version not in self._versions:
                    self.contents.add(path.read_bytes())
                    self._versions.add(version)

    def _paths(self) -> list[Path]:
        found = [Path(folder) / name for folder, _, names in os.walk(self._folder) for name in names]
        for child in _children():
            with suppress(OSError):
                for opened in Path(f"/proc/{child}/fd").iterdir():
                    if os.readlink(opened).endswith(" (deleted)"):
                        found.append(opened)
        return found


def _children() -> list[str]:
    found: list[str] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            found += (task / "children").read_text().split()
    return found
