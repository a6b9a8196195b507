"""What other programs find in a tree: `opa check`, `opa fmt`, and Regal where it is installed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from weightgate.engine.binary import program_on_path
from weightgate.errors import EngineError
from weightgate.policy import opa
from weightgate.policy.lint.problem import Problem

REGAL_TIMEOUT_S = 120


def compiled(root: Path) -> list[Problem]:
    """Return what `opa check --strict` says, with the schema of the input."""
    from importlib import resources

    schema = resources.files("weightgate.schemas").joinpath("input.schema.json")
    with resources.as_file(schema) as path:
        words = ("check", "--strict", "--format", "json", "--max-errors", "0", "--schema", str(path))
        done = opa.run(root, *words, "policies", "environments")
    if done.code == 0:
        return []
    try:
        errors = json.loads(done.stderr or done.stdout)["errors"]
        return [_compile_error(error) for error in errors]
    except (ValueError, KeyError, TypeError) as exc:
        said = (done.stderr or done.stdout).strip()[:500]
        raise EngineError(f"opa check ended with exit code {done.code} and said: {said}") from exc


def _compile_error(error: dict[str, Any]) -> Problem:
    place = error.get("location") or {}
    said = error["message"]
    options = (error.get("details") or {}).get("oneOf") if isinstance(error.get("details"), dict) else None
    listed = f"; expected one of {', '.join(map(str, options))}" if options else ""
    return Problem(place.get("file", "policies"), place.get("row", 1), "opa-check", f"{said}{listed}")


def unformatted(root: Path) -> list[Problem]:
    """Return one problem for each file that `opa fmt` would change, at the first line that it would change."""
    done = opa.run(root, "fmt", "--list", "policies", "environments")
    problems = []
    for name in done.stdout.splitlines():
        path = name.strip().replace("\\", "/")
        if path:
            problems.append(Problem(path, _first_change(root, path), "opa-fmt", "not formatted; run `opa fmt --write`"))
    # NOTE: a file that is no Rego ends `opa fmt` with an error; `opa check` names it.
    return problems


def _first_change(root: Path, path: str) -> int:
    wanted = opa.run(root, "fmt", path).stdout.splitlines()
    found = (root / path).read_text("utf-8", "replace").splitlines()
    same = [number for number, (old, new) in enumerate(zip(found, wanted, strict=False), start=1) if old != new]
    return same[0] if same else min(len(found), len(wanted)) + 1


def regal(root: Path) -> list[Problem]:
    """Return what Regal says; nothing when it is not installed."""
    program = program_on_path("regal")
    if program is None:
        return []
    command = [str(program), "lint", "--format", "json", "policies", "environments"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, timeout=REGAL_TIMEOUT_S, check=False)
        violations = json.loads(done.stdout)["violations"]
        return [
            Problem(
                item["location"]["file"],
                item["location"]["row"],
                f"regal-{item['title']}",
                item["description"],
            )
            for item in violations or []
        ]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as exc:
        raise EngineError(f"{program}: regal gave no answer: {exc}") from exc
