"""A copy of the shipped policy tree, to be broken."""

from __future__ import annotations

import shutil
from pathlib import Path

from weightgate.policy.tree import PolicyTree

ROOT = Path(__file__).resolve().parents[2]
"""The checkout, whose tree is the one that ships."""

EXCEPTION = """\
EXC-1:
  scope: {finding: wgf-1}
  reason: A false positive.
  owner: alice@example.org
  approver: bob@example.org
  ticket: SEC-1
  created: "2026-11-01"
  expires: "2026-12-01"
"""
"""A sound exception for the finding `wgf-1`, in force at `documents.AT`."""


GRANT = f"""\
BG-1:
  digest: sha256:{"5c" * 32}
  rules: [severity.threshold]
  reason: The shop is down.
  owner: alice@example.org
  approver: bob@example.org
  ticket: SEC-1
  created: "2026-11-23T09:00:00Z"
  expires: "2026-11-23T13:00:00Z"
"""
"""A sound break-glass grant, in force at `documents.AT`, for the model of a document whose digest is `GRANTED`."""
GRANTED = "sha256:" + "5c" * 32


def copy(folder: Path) -> Path:
    """Copy the shipped tree without its tests into `folder`; return `folder`."""
    for top in ("policies", "environments"):
        shutil.copytree(ROOT / top, folder / top, ignore=shutil.ignore_patterns("*_test.rego"))
    return folder


def tree(folder: Path) -> PolicyTree:
    """Return a copy of the shipped tree in `folder`."""
    return PolicyTree(copy(folder), "--policy")


def edit(root: Path, path: str, old: str, new: str) -> int:
    """Replace the only `old` in the file `path` by `new`; return its line, counted from 1."""
    text = (root / path).read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise AssertionError(f"{path} has {old!r} {text.count(old)} times; expected once")
    (root / path).write_text(text.replace(old, new), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def write(root: Path, path: str, text: str) -> None:
    """Write `text` to the file `path`, making its folders."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def drop(root: Path, environment: str, condition: str) -> None:
    """Make the environment leave out every violation `v` for which the Rego `condition` holds, as a bad rule would."""
    path = f"environments/{environment}/policy.rego"
    edit(root, path, "\ndecision := ", "\nhonest := ")
    with (root / path).open("a", encoding="utf-8") as out:
        out.write(f"""
kept := [v | some v in honest.violations; not dropped(v)]

dropped(v) if {{
	is_object(v)
	{condition}
}}

verdict := "allow" if kept == []

verdict := honest.verdict if kept != []

decision := object.union(honest, {{"violations": kept, "allow": kept == [], "verdict": verdict}})
""")


def fail_on(root: Path, environment: str) -> frozenset[str]:
    """Return the severities that an environment of the tree refuses."""
    return frozenset(PolicyTree(root, "--policy").load([environment])[0][environment].settings.fail_on)
