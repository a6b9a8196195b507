"""Find the OPA program. This is on the path of every command, so it imports next to nothing.

The order: `WEIGHTGATE_OPA` · the user's cache, at the pinned version · `opa` on `PATH`, if its version is supported ·
provisioned by `weightgate.engine.provision`, which is imported only then.
"""

from __future__ import annotations

import os
from pathlib import Path

from weightgate.errors import EngineError
from weightgate.paths import cache_dir

TYPE_CHECKING = False  # NOTE: type checkers know this name; importing it from `typing` would cost start-up time.
if TYPE_CHECKING:
    from typing import TextIO

PINNED = "1.22.2"
"""The OPA version that weightgate provisions and is tested with."""

SUPPORTED = ((1, 0), (2, 0))
"""OPA on `PATH` is taken from the first of these (major, minor) versions on and before the second.

Below 1.0 OPA reads the policies as Rego v0, where they mean something else; what 2.0 will change is not known.
"""

SUPPORTED_TEXT = "a release >=1.0 and <2"
"""`SUPPORTED` in words."""

VERSION_TIMEOUT = 30.0
"""Seconds that `opa version` may take; a new program can be held up by a virus scanner when it first runs."""

SOURCES = {"named": "WEIGHTGATE_OPA", "cache": "weightgate's cache", "path": "PATH"}
"""What `locate` calls the places where OPA can be, and their names for people."""


def find(*, provision: bool = True, stderr: TextIO | None = None) -> Path:
    """Return the absolute path of the OPA program to run, and provision it first if there is none.

    What is fetched is announced on `stderr` (default: the process's). With `provision=False` nothing is fetched.
    Raises `EngineError` that names every way tried and how to mend it; at once if `WEIGHTGATE_OPA` is no program.
    """
    if not provision:
        return present()[0]
    not_found: list[str] = []
    found = locate(not_found)
    if found:
        return found[0]
    from weightgate.engine.provision import install

    return install(stderr=stderr, not_found=not_found)


def present() -> tuple[Path, str]:
    """Return what `locate` returns; raise `EngineError` that names every place looked at if OPA is in none."""
    not_found: list[str] = []
    found = locate(not_found)
    if found is None:
        places = "".join(f"\n  {line}" for line in not_found)
        raise EngineError(f"OPA was not found:{places}\nrun `weightgate opa install`, or set WEIGHTGATE_OPA")
    return found


def locate(not_found: list[str] | None = None) -> tuple[Path, str] | None:
    """Return OPA's absolute path and its source (a key of `SOURCES`), or None; nothing is fetched.

    Why a place was passed over is appended to `not_found`, one line each. Raises `EngineError` if `WEIGHTGATE_OPA` is
    set and is no program: whoever names a program wants that one and no other.
    """
    reasons = [] if not_found is None else not_found
    named = os.environ.get("WEIGHTGATE_OPA")
    if named:
        if not is_program(named):
            raise EngineError(
                f"WEIGHTGATE_OPA is {named!r}, which is {_flaw(named)}; expected the path of an OPA program; "
                "correct it, or unset it to let weightgate find or provide OPA"
            )
        return Path(named).absolute(), "named"
    reasons.append("WEIGHTGATE_OPA is not set")
    kept = cached()
    if is_program(kept):
        return kept, "cache"
    reasons.append(f"cache: {kept} is {_flaw(kept)}")
    on_path = program_on_path("opa")
    if on_path is None:
        reasons.append("PATH: no opa in its absolute folders")
        return None
    problem = _unsupported(on_path)
    if problem:
        reasons.append(f"PATH: {problem}")
        return None
    return on_path, "path"


def cached(version: str = PINNED) -> Path:
    """Return where OPA `version` is kept in the user's cache, whether it is there or not."""
    return cache_dir() / "opa" / version / program_name("opa")


def program_name(name: str) -> str:
    """Return the file name of the program `name` on this platform."""
    return f"{name}.exe" if os.name == "nt" else name


def is_program(path: str | Path) -> bool:
    """Say whether `path` is a file that this user may execute."""
    return os.path.isfile(path) and os.access(path, os.X_OK)


def program_on_path(name: str) -> Path | None:
    """Return the first program `name` in the absolute folders of `PATH`.

    A relative folder is passed over: it would take programs from the working directory, which can hold a model.
    """
    for folder in os.get_exec_path():
        if os.path.isabs(folder):
            path = Path(folder, program_name(name))
            if is_program(path):
                return path
    return None


def version_of(path: Path) -> str:
    """Return the version that the OPA program at `path` reports, such as `1.22.2`; raise `EngineError` if none."""
    import subprocess

    try:
        done = subprocess.run(
            [str(path), "version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=VERSION_TIMEOUT
        )
    except subprocess.TimeoutExpired as exc:
        raise EngineError(f"{path}: `opa version` did not end within {VERSION_TIMEOUT:g} s; is it OPA?") from exc
    except OSError as exc:
        raise EngineError(
            f"{path} cannot be run: {exc.strerror or exc}; is it built for this platform, and its disk not noexec?"
        ) from exc
    if done.returncode == 0:
        for line in done.stdout.decode("utf-8", "replace").splitlines():
            name, _, version = line.partition(":")
            if name == "Version" and version.strip():
                return version.strip()
    raise EngineError(
        f"{path}: `opa version` ended with exit code {done.returncode} and without a `Version:` line; is it OPA?"
    )


def is_supported(version: str) -> bool:
    """Say whether `version` is a release (three numbers, no suffix) in the range `SUPPORTED`."""
    parts = version.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return False
    return SUPPORTED[0] <= (int(parts[0]), int(parts[1])) < SUPPORTED[1]


def _unsupported(path: Path) -> str | None:
    # NOTE: the answer is asked for each time. A version manager's shim reports another version in another folder, so
    # an answer remembered by the file's size and time could be wrong.
    try:
        version = version_of(path)
    except EngineError as exc:
        return str(exc)
    return None if is_supported(version) else f"{path} is version {version}; expected {SUPPORTED_TEXT}"


def _flaw(path: str | Path) -> str:
    if not os.path.lexists(path):
        return "not there"
    return "not executable" if os.path.isfile(path) else "not a file"
