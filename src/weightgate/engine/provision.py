"""Provide the pinned OPA program in the user's cache: the official release, else a build with `go install`.

`weightgate.engine.binary.locate` finds nothing before it is whole, verified and has said its version: the work is done
beside the final place, under a lock, and moved there with one rename.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from weightgate.engine import binary, download
from weightgate.errors import EngineError

MODULE = f"github.com/open-policy-agent/opa@v{binary.PINNED}"
"""What `go install` builds."""

GO_TIMEOUT = 1200.0
"""Seconds that `go install` may take: about 10 with a warm cache, minutes on a small machine without one."""

LOCK_TIMEOUT = 1500.0
"""Seconds to wait for another process that provides OPA."""

RELEASE_HELP = "allow access to it (HTTPS_PROXY is honoured), or set WEIGHTGATE_OPA_BASE_URL to a mirror"
GO_HELP = "install Go from https://go.dev/dl, or correct its settings"


def install(
    *, stderr: TextIO | None = None, not_found: Sequence[str] = (), limits: download.Limits | None = None
) -> Path:
    """Provide OPA at the pinned version in the user's cache, if it is not there, and return its absolute path.

    One line on `stderr` (default: the process's) says what is fetched and from where. `not_found` are lines on places
    already looked at, for the error. Of two processes one does the work and the other waits for it.
    Raises `EngineError` that names every way tried, why it failed and how to mend it.
    """
    out = sys.stderr if stderr is None else stderr
    place = binary.cached()
    base = download.base_url()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _locked(place.parent / "lock", out):
            if binary.is_program(place):
                return place
            work = place.parent / "work"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            try:
                return _provide(place, work, base, out, not_found, limits or download.Limits())
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as exc:
        raise EngineError(
            f"OPA cannot be kept in {place.parent}: {exc.strerror or exc}; set WEIGHTGATE_CACHE_DIR to a folder that "
            "can be written, or WEIGHTGATE_OPA to an OPA program"
        ) from exc


def _provide(
    place: Path, work: Path, base: str, out: TextIO, not_found: Sequence[str], limits: download.Limits
) -> Path:
    program = work / binary.program_name("opa")
    try:
        _from_release(place, program, base, out, limits)
        return _accept(program, place)
    except EngineError as exc:
        failed = [f"official release: {exc}\n    mend: {RELEASE_HELP}"]
        _say(out, f"the official release cannot be had: {exc}")
    try:
        _from_go(program, out)
        return _accept(program, place)
    except EngineError as exc:
        failed.append(f"go install: {exc}\n    mend: {GO_HELP}")
    ways = "".join(f"\n  {line}" for line in [*not_found, *failed])
    raise EngineError(
        f"OPA {binary.PINNED} could not be provided; tried:{ways}\n"
        f"or set WEIGHTGATE_OPA to an OPA program, or put opa on PATH ({binary.SUPPORTED_TEXT})"
    )


def _from_release(place: Path, program: Path, base: str, out: TextIO, limits: download.Limits) -> None:
    name = download.release_file(platform.system(), platform.machine())
    url = f"{base}/v{binary.PINNED}/{name}"
    part = place.parent / f"{name}.part"
    _say(out, f"fetching OPA {binary.PINNED} from {url}")
    download.download(url, part, limits)
    os.replace(part, program)
    program.chmod(0o755)


def _from_go(program: Path, out: TextIO) -> None:
    work = program.parent
    go = binary.program_on_path("go")
    if go is None:
        raise EngineError("there is no go in the absolute folders of PATH")
    env = {name: value for name, value in os.environ.items() if name not in ("GOOS", "GOARCH")}
    # NOTE: `none` exempts no module from Go's checksum database; an empty value would let GOPRIVATE exempt some.
    env |= {"GOBIN": str(work), "CGO_ENABLED": "0", "GONOSUMDB": "none"}
    database = _run_go([str(go), "env", "GOSUMDB"], work, env).strip()
    if database in ("", "off"):
        raise EngineError("GOSUMDB is off, so nothing would check what Go downloads; unset it")
    _say(out, f"building OPA {binary.PINNED}: go install {MODULE} (checked by {database.split()[0]})")
    _run_go([str(go), "install", MODULE], work, env)
    if not binary.is_program(program):
        raise EngineError(f"`go install {MODULE}` ended well, but there is no {program}")


def _run_go(command: list[str], work: Path, env: dict[str, str]) -> str:
    """Run `command` in `work` and return its standard output.

    It writes into files, so that no grandchild can hold a pipe open; a warning on stderr is no part of the answer.
    """
    shown = "go " + " ".join(command[1:])
    printed, log = work / "go.out", work / "go.log"
    try:
        with open(printed, "wb") as out, open(log, "wb") as errors:
            done = subprocess.run(
                command,
                cwd=work,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                timeout=GO_TIMEOUT,
            )
    except subprocess.TimeoutExpired as exc:
        raise EngineError(f"`{shown}` did not end within {GO_TIMEOUT:g} s") from exc
    except OSError as exc:
        raise EngineError(f"`{shown}` cannot be run: {exc.strerror or exc}") from exc
    if done.returncode:
        last = " | ".join(log.read_text("utf-8", "replace").strip().splitlines()[-3:]) or "it printed nothing"
        raise EngineError(f"`{shown}` ended with exit code {done.returncode}: {last[-600:]}")
    return printed.read_text("utf-8", "replace")


def _accept(program: Path, place: Path) -> Path:
    """Move `program` to its final place if it is OPA at the pinned version."""
    with open(program, "r+b") as file:
        os.fsync(file.fileno())  # the rename must not outlive a power cut that the content does not
    version = binary.version_of(program)
    if version != binary.PINNED:
        raise EngineError(f"what was provided says that it is version {version}; expected {binary.PINNED}")
    os.replace(program, place)
    return place


@contextlib.contextmanager
def _locked(path: Path, out: TextIO) -> Iterator[None]:
    """Hold the lock `path`. The system frees it when its holder ends, however that ends."""
    with open(path, "ab") as file:
        deadline = time.monotonic() + LOCK_TIMEOUT
        waiting = False
        while not _try_lock(file.fileno()):
            if not waiting:
                _say(out, f"waiting for another process that provides OPA (it holds {path})")
                waiting = True
            if time.monotonic() > deadline:
                raise EngineError(f"another process has held {path} for {LOCK_TIMEOUT:g} s; end it, then try again")
            time.sleep(0.1)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _say(out: TextIO, text: str) -> None:
    print(f"weightgate: {text}", file=out, flush=True)
