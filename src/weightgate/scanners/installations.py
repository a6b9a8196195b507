"""Where the local scanners' programs are: each in an environment of its own in the user's cache, locked by hash.

An environment without its marker file was not finished and does not exist as far as anyone here is concerned. A
program that the user names in `WEIGHTGATE_SCANNER_<NAME>` is used instead, or nothing is.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from weightgate.errors import ScannerError, ScannerNotInstalled, UsageError
from weightgate.paths import cache_dir

MARKER = "complete.json"


@dataclass(frozen=True, slots=True)
class Program:
    """A scanner's program that can be run."""

    path: Path
    """Its console script, absolute."""
    python: Path | None
    """The interpreter of its environment; `None` if unknown."""
    version: str
    """The scanner's version; `unknown` where a program that the user named does not tell."""


@dataclass(frozen=True, slots=True)
class Specification:
    """What is installed for one scanner. Its name is also that of its distribution and of its console script."""

    name: str
    module: str
    """What must be importable for the scanner to work."""
    pythons: tuple[str, ...]
    """The Python releases it works on, the preferred first."""
    size: str
    """For people: what an installation brings along."""
    lock_file: Path

    @property
    def digest(self) -> str:
        """SHA-256 of the lock file, in hex."""
        return hashlib.sha256(self.lock_file.read_bytes()).hexdigest()

    @property
    def folder(self) -> Path:
        """Where the environment belongs (it need not exist)."""
        return cache_dir() / "scanners" / self.name / self.digest[:12]


def _specification(name: str, module: str, pythons: str, size: str) -> Specification:
    return Specification(name, module, tuple(pythons.split()), size, Path(__file__).parent / "locks" / f"{name}.txt")


SPECIFICATIONS = {
    each.name: each
    for each in (
        _specification("modelaudit", "modelaudit.cli", "3.12 3.11 3.13", "85 packages, about 494 MB installed,"),
        _specification("modelscan", "modelscan.cli", "3.12 3.11", "9 packages, about 131 MB installed,"),
        _specification("picklescan", "picklescan.cli", "3.13 3.12 3.11 3.14", "12 packages, about 118 MB installed,"),
        _specification("fickling", "fickling.cli", "3.13 3.12 3.11 3.14", "2 packages, about 27 MB installed,"),
    )
}
"""The scanners that can be installed, by name."""
WITHOUT_PROGRAM = {"sarif": "built in", "prisma-airs": "service"}
"""The scanners that have no program on this machine, and what they are instead."""


def variable(scanner: str) -> str:
    """Return the environment variable that names the program of `scanner`."""
    return "WEIGHTGATE_SCANNER_" + scanner.upper().replace("-", "_")


def specification(scanner: str) -> Specification:
    """Return what is installed for `scanner`; raise `UsageError` if it is not one that can be installed."""
    if scanner in WITHOUT_PROGRAM:
        raise UsageError(f"{scanner} needs no program on this machine ({WITHOUT_PROGRAM[scanner]})")
    if scanner not in SPECIFICATIONS:
        raise UsageError(f"no scanner {scanner!r} can be installed; expected one of {', '.join(SPECIFICATIONS)}")
    return SPECIFICATIONS[scanner]


def program(scanner: str) -> Program:
    """Return the program of `scanner`, the one the user named or else the installed one.

    Raises `ScannerNotInstalled`, naming the command that installs it or what is wrong with the named program, and
    `UsageError` for a scanner that has no program.
    """
    wanted = specification(scanner)
    named = os.environ.get(variable(scanner))
    if named:
        return _named(scanner, named)
    version = _installed_version(wanted)
    if version is None:
        raise ScannerNotInstalled(
            f"{scanner} is not installed in {wanted.folder}: run `weightgate scanners install {scanner}`, "
            f"or name its program in {variable(scanner)}"
        )
    return Program(script_of(wanted.folder, scanner), python_of(wanted.folder), version)


def install(scanner: str, *, python: str | None = None, report: Callable[[str], None]) -> Program:
    """Create the isolated environment of `scanner` unless it is there; return the program in it.

    `python` is the interpreter to build it with (a path or a name on PATH); naming one builds the environment anew.
    `report` gets a line about what is fetched. Raises `UsageError` for a scanner or interpreter that will not do, and
    `ScannerError` for all else that fails, which leaves no environment.
    """
    from weightgate.scanners import environment

    wanted = specification(scanner)
    if os.environ.get(variable(scanner)):
        report(f"note: {variable(scanner)} is set, so that program is used and not the one installed here")
    try:
        with environment.locked(_lock_path(scanner), report) as lock:
            if python is not None or _installed_version(wanted) is None:
                environment.build(wanted, wanted.folder, python=python, lock=lock, report=report)
    except OSError as exc:
        raise ScannerError(
            f"could not install {scanner} into {wanted.folder}: {exc}; WEIGHTGATE_CACHE_DIR can name another place"
        ) from exc
    version = _installed_version(wanted)
    if version is None:
        raise ScannerError(f"{scanner} was installed into {wanted.folder}, but is not there any more")
    return Program(script_of(wanted.folder, scanner), python_of(wanted.folder), version)


def remove(scanner: str) -> bool:
    """Delete every installed environment of `scanner`; return whether there was any."""
    import shutil

    from weightgate.scanners import environment

    folder = specification(scanner).folder.parent
    if not folder.exists():
        return False
    try:
        with environment.locked(_lock_path(scanner), lambda line: None):
            for marker in folder.glob(f"*/{MARKER}"):
                marker.unlink()
            shutil.rmtree(folder)
    except OSError as exc:
        raise ScannerError(f"could not remove {folder}: {exc}") from exc
    return True


def python_of(folder: Path) -> Path:
    """Return the interpreter of the virtual environment `folder`."""
    return folder / "bin" / "python"


def script_of(folder: Path, scanner: str) -> Path:
    """Return the console script of `scanner` in the virtual environment `folder`."""
    return folder / "bin" / scanner


def _lock_path(scanner: str) -> Path:
    return cache_dir() / "scanners" / f"{scanner}.lock"


def _installed_version(wanted: Specification) -> str | None:
    """Return the version in a finished, usable environment; `None` if there is none."""
    try:
        marker = json.loads((wanted.folder / MARKER).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(marker, dict) or marker.get("scanner") != wanted.name or marker.get("lock") != wanted.digest:
        return None
    # NOTE: the interpreter is a link to one that an upgrade of the system may have taken away.
    if not all(_is_program(path) for path in (script_of(wanted.folder, wanted.name), python_of(wanted.folder))):
        return None
    version = marker.get("version")
    return version if isinstance(version, str) and version else None


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _named(scanner: str, named: str) -> Program:
    path = Path(named).absolute()
    if not _is_program(path):
        raise ScannerNotInstalled(
            f"{variable(scanner)}={named}: not an executable file; correct it, or unset it to use the scanner that "
            f"`weightgate scanners install {scanner}` installs"
        )
    # NOTE: a console script is often a link from a folder of programs into its own environment.
    beside = path.resolve().parent / "python"
    python = beside if _is_program(beside) else None
    return Program(path, python, _told_version(scanner, path, python))


@functools.cache
def _told_version(scanner: str, path: Path, python: Path | None) -> str:
    from weightgate.scanners.interface import Limits
    from weightgate.scanners.process import Workspace

    ask = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
    questions: list[list[str | Path]] = [[python, "-I", "-c", ask, scanner]] if python else []
    questions.append([path, "--version"])
    with Workspace() as workspace:
        for question in questions:
            try:
                done = workspace.run(question, limits=Limits(seconds=30))
            except ScannerError:
                continue
            told = re.search(r"\d+(\.\d+)+\S*", done.stdout[:1000].decode("utf-8", "replace"))
            if done.exit_code == 0 and told:
                return told[0]
    return "unknown"
