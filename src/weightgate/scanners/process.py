"""Run a scanner as a child process that is bounded in time, memory and output, and that leaves nothing behind.

What it is not: a sandbox. The child runs as the same user and can reach the network and the user's files; it gets no
credentials from the environment, a working directory of its own, and it is killed with everything it started.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from weightgate.errors import ScannerError, ScanTimeout
from weightgate.scanners.interface import Limits, Progress

STDERR_BYTES = 1024**2
"""How much of a child's standard error is kept: the last of it."""
STDERR_CUT = "[the beginning of standard error was cut off]\n"
"""What `Completed.stderr` starts with when the child wrote more than `STDERR_BYTES`."""

_WORKSPACE_FACTOR = 8
"""All files in a workspace together may take this many times the largest allowed file."""
_TICK = 0.1
"""Seconds between two looks at a child that writes nothing."""
_LIMITER = "weightgate-limits"
"""Name under which the shell that sets the limits reports that it could not."""


@dataclass(frozen=True, slots=True)
class Completed:
    """A child that ran to its end; whether its exit code is a good one is for the caller to say."""

    exit_code: int
    """0 to 255; a child that ended by a signal is an error and no `Completed`."""
    stdout: bytes
    """All of it."""
    stderr: str
    """The last `STDERR_BYTES` of it, from UTF-8 with replacements; starts with `STDERR_CUT` if some is missing."""
    started_at: str
    """RFC 3339, UTC, whole seconds, ending in `Z`."""
    finished_at: str


class Workspace:
    """A fresh private directory in which children run; it and they are gone when the `with` block ends."""

    path: Path
    """Absolute; the children's working directory, empty but for `home/` and `tmp/`."""

    def __enter__(self) -> Workspace:
        try:
            self.path = Path(tempfile.mkdtemp(prefix="weightgate-")).resolve()
            for name in ("home", "tmp"):
                (self.path / name).mkdir(mode=0o700)
        except OSError as exc:
            raise ScannerError(f"could not make a working directory in {tempfile.gettempdir()}: {exc}") from exc
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _kill_strays(self.path)
        try:
            _remove(self.path)
        except OSError as exc:
            if error is None:
                raise ScannerError(f"could not remove the working directory {self.path}: {exc}") from exc

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        limits: Limits,
        progress: Progress | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run `argv` in the workspace to its end and return what it said.

        `argv[0]` is the absolute path of a program. `environ` is added to the scrubbed environment. `progress` is
        called about once a second; whatever it raises ends the child, as does Ctrl-C. Every process that the child
        started in its session is killed when it ends.

        Raises `ScanTimeout` after `limits.seconds`; `ScannerError` when the program cannot be started, ends by a
        signal, or writes more than `limits` allow.
        """
        program = Path(argv[0])
        if not (program.is_absolute() and program.is_file() and os.access(program, os.X_OK)):
            raise ScannerError(f"{program}: cannot be run; expected the absolute path of an executable file")
        started_at = _now()
        process = _start([os.fspath(word) for word in argv], self.path, limits, environ or {})
        output = _Output(process, program.name, limits)
        try:
            _follow(process, output, program.name, limits, progress, self.path)
            _kill_group(process)
            output.read(0)
        finally:
            _kill_group(process)
            process.wait()
            output.close()
        return _completed(process.returncode, output, program.name, limits, started_at)


def _completed(code: int, output: _Output, name: str, limits: Limits, started_at: str) -> Completed:
    stderr = output.stderr.decode("utf-8", "replace")
    if code < 0:
        hint = f" (perhaps out of memory: limit {_gib(limits.memory_bytes)})" if -code in _MEMORY_SIGNALS else ""
        raise ScannerError(f"{name} was killed by {_signal_name(-code)}{hint}{_last_line(stderr)}")
    if code and stderr.startswith(f"{_LIMITER}:"):
        raise ScannerError(f"{name} could not be started{_last_line(stderr)}")
    if output.stderr_cut:
        stderr = STDERR_CUT + stderr
    return Completed(code, bytes(output.stdout), stderr, started_at, _now())


def _start(words: list[str], workspace: Path, limits: Limits, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    if os.name != "posix":
        raise ScannerError("local scanners run on Linux and macOS only, where a process can be limited; use WSL")
    # NOTE: the shell sets the limits and then becomes the program. `preexec_fn` would run Python between fork and
    # exec, which can deadlock when several scanners are started from threads; `prlimit` afterwards comes too late.
    script = " && ".join([*_ulimits(limits), 'exec "$@"'])
    try:
        return subprocess.Popen(
            ["/bin/sh", "-c", script, _LIMITER, *words],
            cwd=workspace,
            env=_environment(Path(words[0]), workspace) | dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as exc:
        raise ScannerError(f"{Path(words[0]).name} could not be started: {exc}") from exc


def _ulimits(limits: Limits) -> list[str]:
    """Return shell commands that set hard and soft limits, none above the limit this process has itself."""
    import resource

    def capped(kind: int, amount: int, unit: int) -> int:
        hard = resource.getrlimit(kind)[1]
        return max(1, (amount if hard == resource.RLIM_INFINITY else min(amount, hard)) // unit)

    commands = ["ulimit -c 0", f"ulimit -f {capped(resource.RLIMIT_FSIZE, limits.output_bytes, 512)}"]
    if sys.platform != "darwin":  # NOTE: macOS refuses to set RLIMIT_AS.
        commands.append(f"ulimit -v {capped(resource.RLIMIT_AS, limits.memory_bytes, 1024)}")
    return commands


def _environment(program: Path, workspace: Path) -> dict[str, str]:
    """Return all that a child gets to see: nothing of the user's environment, so no credentials and no proxies."""
    home = workspace / "home"
    return {
        "PATH": os.pathsep.join([str(program.parent), os.defpath]),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(home),
        "TMPDIR": str(workspace / "tmp"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "WEIGHTGATE_WORKSPACE": str(workspace),
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONSAFEPATH": "1",
        "PYTHONUTF8": "1",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        # NOTE: each BLAS thread reserves address space, which on a machine with many cores breaks the memory limit.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


class _Output:
    """What a child writes, read without ever waiting on one of its two streams alone."""

    def __init__(self, process: subprocess.Popen[bytes], name: str, limits: Limits) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.stderr_cut = False
        self._name = name
        self._limit = limits.output_bytes
        self._pipes = [pipe for pipe in (process.stdout, process.stderr) if pipe is not None]
        self._selector = selectors.DefaultSelector()
        for pipe, add in zip(self._pipes, (self._add_stdout, self._add_stderr), strict=True):
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ, add)

    def read(self, seconds: float) -> bool:
        """Read what is there, waiting up to `seconds` for it to come; return whether a stream is still open."""
        while events := self._selector.select(seconds):
            for key, _ in events:
                chunk = os.read(key.fd, 65536)
                if chunk:
                    key.data(chunk)
                else:
                    self._selector.unregister(key.fileobj)
            if seconds:
                break
        return bool(self._selector.get_map())

    def _add_stdout(self, chunk: bytes) -> None:
        self.stdout += chunk
        if len(self.stdout) > self._limit:
            raise ScannerError(f"{self._name} wrote more than {self._limit} bytes to standard output and was stopped")

    def _add_stderr(self, chunk: bytes) -> None:
        self.stderr += chunk
        if len(self.stderr) > STDERR_BYTES:
            self.stderr_cut = True
            del self.stderr[:-STDERR_BYTES]

    def close(self) -> None:
        self._selector.close()
        for pipe in self._pipes:
            pipe.close()


def _follow(
    process: subprocess.Popen[bytes],
    output: _Output,
    name: str,
    limits: Limits,
    progress: Progress | None,
    workspace: Path,
) -> None:
    """Read the child's output until the child itself ends; raise what ends it early."""
    began = time.monotonic()
    second = 1
    pause = 0.001
    while not _ended(process):
        elapsed = time.monotonic() - began
        if elapsed >= limits.seconds:
            raise ScanTimeout(f"{name} did not end within {limits.seconds:g} s and was stopped")
        if elapsed >= second:
            second = int(elapsed) + 1
            _check_disk(workspace, name, limits)
            if progress is not None:
                progress(f"{name}: {int(elapsed)} s")
        if not output.read(min(_TICK, limits.seconds - elapsed)):
            # NOTE: both streams are closed, which mostly means that the child is just ending.
            time.sleep(pause)
            pause = min(_TICK, pause * 2)


def _check_disk(workspace: Path, name: str, limits: Limits) -> None:
    allowed = limits.output_bytes * _WORKSPACE_FACTOR
    used = 0
    for folder, _, files in os.walk(workspace):
        for file in files:
            with suppress(OSError):
                used += os.lstat(os.path.join(folder, file)).st_blocks * 512
        if used > allowed:
            raise ScannerError(f"{name} filled its working directory with more than {allowed} bytes and was stopped")


def _ended(process: subprocess.Popen[bytes]) -> bool:
    # NOTE: looking without reaping keeps the process id, so that `killpg` cannot hit a stranger who got it next.
    if hasattr(os, "waitid"):
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    return process.poll() is not None  # macOS before Python 3.13


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # NOTE: macOS answers EPERM for a group of which only the unreaped leader is left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _kill_strays(workspace: Path) -> None:
    """Kill what left its session (a daemon), known by the workspace in its environment; Linux only."""
    mark = b"WEIGHTGATE_WORKSPACE=" + os.fsencode(workspace)
    deadline = time.monotonic() + 5
    while strays := _processes_with(mark):
        for pid in strays:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return
        time.sleep(0.005)


def _processes_with(mark: bytes) -> list[int]:
    if not sys.platform.startswith("linux"):
        return []
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def _remove(top: Path) -> None:
    try:
        shutil.rmtree(top)
    except PermissionError:
        for folder, folders, _ in os.walk(top):
            for name in folders:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    os.chmod(path, 0o700)
        shutil.rmtree(top)


_MEMORY_SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _gib(amount: int) -> str:
    return f"{amount / 1024**3:.3g} GiB"


def _last_line(stderr: str) -> str:
    lines = stderr.strip().splitlines()
    return f": {lines[-1][:500]}" if lines else ""


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
