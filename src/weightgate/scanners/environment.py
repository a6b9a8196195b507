"""Build the isolated environment of one scanner: a virtual environment, filled from a lock file by hash."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from weightgate.errors import ScannerError, UsageError
from weightgate.scanners.installations import MARKER, Specification, python_of, script_of
from weightgate.scanners.interface import Limits
from weightgate.scanners.process import Workspace

_PIP_SECONDS = 3600
_PROBE = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
_SMOKE = "import sys, importlib.metadata as m; __import__(sys.argv[1]); print(m.version(sys.argv[2]))"
_NOT_FOR_PIP = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_REQUIREMENT")
"""Environment variables that would install elsewhere or something else; all others (an index, a proxy) stay."""


@contextmanager
def locked(path: Path, report: Callable[[str], None]) -> Iterator[int]:
    """Hold the lock file `path` (created); yield its descriptor, and say so if another process has to be waited for."""
    import fcntl

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"waiting for another process that holds {path}")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def build(
    specification: Specification, folder: Path, *, python: str | None, lock: int, report: Callable[[str], None]
) -> None:
    """Make `folder` the environment of the scanner, from nothing; its marker file is written last.

    `python` names the interpreter, else one that the scanner supports is looked for. `lock` is the descriptor of the
    held lock file. Raises `UsageError` for an interpreter that will not do, `ScannerError` when anything fails.
    """
    interpreter, release = _interpreter(specification, python)
    if folder.exists():
        (folder / MARKER).unlink(missing_ok=True)  # first, so that a half-deleted environment does not count
        shutil.rmtree(folder)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    report(f"{specification.name}: fetching {specification.size} with pip for Python {release} into {folder}")
    _run([interpreter, "-I", "-m", "venv", folder], lock, f"Python {release} could not create {folder}")
    pip: list[str | Path] = [python_of(folder), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]
    pip += ["install", "--quiet", "--no-user", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    pip += ["-r", specification.lock_file]
    _run(pip, lock, f"pip could not install {specification.name} from {specification.lock_file.name}")
    version = _smoke(specification, folder)
    marker = {"scanner": specification.name, "version": version, "python": release, "lock": specification.digest}
    temporary = folder / f"{MARKER}.tmp"
    temporary.write_text(json.dumps(marker) + "\n", "utf-8")
    os.replace(temporary, folder / MARKER)


def _interpreter(specification: Specification, python: str | None) -> tuple[str, str]:
    """Return an interpreter for the scanner and its release, `3.12`."""
    expected = f"expected one of {', '.join(specification.pythons)}"
    if python is not None:
        release = _release(python)
        if release is None:
            raise UsageError(f"--python {python}: not a Python interpreter that can be run; {expected}")
        if release not in specification.pythons:
            raise UsageError(f"--python {python}: {specification.name} does not support Python {release}; {expected}")
        return python, release
    for candidate in (sys.executable, *(f"python{wanted}" for wanted in specification.pythons)):
        release = _release(candidate)
        if release in specification.pythons:
            return candidate, release
    raise ScannerError(
        f"no Python for {specification.name} found, neither {sys.executable} nor on PATH; {expected}: install one, "
        f"or run `weightgate scanners install {specification.name} --python PATH`"
    )


def _release(python: str) -> str | None:
    # NOTE: a name on PATH can be a version manager's stub that only prints an error, so it has to be tried.
    try:
        done = subprocess.run([python, "-I", "-c", _PROBE], capture_output=True, timeout=30, check=False)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("ascii", "replace").strip() if done.returncode == 0 else None


def _run(argv: list[str | Path], lock: int, failure: str) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_PIP}
    try:
        # NOTE: the child inherits the lock, so that one which outlives us is not disturbed by the next install.
        done = subprocess.run(
            argv,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PIP_SECONDS,
            pass_fds=(lock,),
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise ScannerError(f"{failure}: it did not end within {_PIP_SECONDS} s") from exc
    except OSError as exc:
        raise ScannerError(f"{failure}: {exc}") from exc
    if done.returncode != 0:
        told = done.stdout.decode("utf-8", "replace").strip().splitlines()[-15:]
        raise ScannerError(f"{failure}; nothing was installed. It said:\n  " + "\n  ".join(told))


def _smoke(specification: Specification, folder: Path) -> str:
    """Return the version of the installed scanner, after it was imported and its program was started."""
    name = specification.name
    with Workspace() as workspace:
        limits = Limits(seconds=120)
        imported = workspace.run([python_of(folder), "-I", "-c", _SMOKE, specification.module, name], limits=limits)
        started = workspace.run([script_of(folder, name), "--help"], limits=limits)
    for done, what in ((imported, f"import {specification.module}"), (started, f"{name} --help")):
        if done.exit_code != 0:
            raise ScannerError(f"{name} was installed but does not work: `{what}` failed:\n{done.stderr[-2000:]}")
    return imported.stdout.decode("utf-8", "replace").strip()
