"""Run OPA over the files of a policy tree, for the tools around it (check, fmt, parse, test)."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from weightgate.engine import binary
from weightgate.errors import EngineError

TIMEOUT_S = 120.0
"""How long one OPA process may take, in seconds."""


@dataclass(frozen=True, slots=True)
class Done:
    """How an OPA process ended."""

    code: int
    stdout: str
    stderr: str


def run(root: Path, *words: str, timeout: float = TIMEOUT_S) -> Done:
    """Run `opa` with the arguments `words` in the directory `root` and return how it ended.

    Raises `EngineError` when OPA cannot be found or started, does not end within `timeout` seconds, or is ended by a
    signal.
    """
    try:
        done = subprocess.run(
            [binary.find(), *words],
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
            env=_environ(),
        )
    except subprocess.TimeoutExpired as exc:
        raise EngineError(f"opa {words[0]} did not end within {timeout:g} s") from exc
    except OSError as exc:
        raise EngineError(f"OPA cannot be started: {exc.strerror or exc}") from exc
    if done.returncode < 0:
        raise EngineError(f"opa {words[0]} was ended by signal {-done.returncode}; out of memory?")
    return Done(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def _environ() -> dict[str, str]:
    # NOTE: a policy can read the environment's variables; it gets none that it could leak. These processes are short:
    # without garbage collection below the limit they take half the time.
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
    return {**kept, "GOGC": "off", "GOMEMLIMIT": "512MiB"}
