"""What the rules of a policy tree say of themselves, from their annotations."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weightgate.engine import binary
from weightgate.errors import EngineError, PolicyCompileError
from weightgate.policy.tree import PolicyTree


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, by the annotations of its package."""

    id: str
    title: str
    description: str
    remediation: str
    file: str
    never_override: bool = False
    """Whether no break-glass grant overrides it, as its annotation `custom.break_glass: never` says."""


def annotated(tree: PolicyTree) -> dict[str, Rule]:
    """Return the rules of `tree` by id, from `opa inspect --annotations`. Raises `EngineError`,
    `PolicyCompileError`."""
    rules: dict[str, Rule] = {}
    for folder in ("policies", "environments"):
        for entry in _inspect(tree.root / folder):
            notes = entry["annotations"]
            custom = notes.get("custom", {})
            if notes.get("scope") == "package" and "rule_id" in custom:
                rules[custom["rule_id"]] = Rule(
                    id=custom["rule_id"],
                    title=notes.get("title", custom["rule_id"]),
                    description=" ".join(notes.get("description", "").split()),
                    remediation=custom.get("remediation", ""),
                    file=entry.get("location", {}).get("file", ""),
                    never_override=custom.get("break_glass") == "never",
                )
    return rules


def _inspect(folder: Path) -> list[dict[str, Any]]:
    command = [str(binary.find()), "inspect", "--annotations", "--format", "json", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        output = json.loads(done.stdout) if done.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, ValueError) as exc:
        raise EngineError(f"opa inspect gave no answer about {folder}: {exc}") from exc
    if output is None:
        raise PolicyCompileError(f"opa inspect {folder}: {done.stderr.decode('utf-8', 'replace').strip()}")
    annotations: list[dict[str, Any]] = output.get("annotations", [])
    return annotations
