"""A copy of a policy tree with other permissions, to try what they would do."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from weightgate.policy.tree import PolicyTree

Added = Mapping[str, Mapping[str, Any]]
"""Environment → id → exception or grant, as policy data."""


@contextmanager
def with_exceptions(tree: PolicyTree, added: Added) -> Iterator[PolicyTree]:
    """Yield a copy of `tree` whose environments have the exceptions `added` beside their own.

    The copy lies in a temporary directory, removed afterwards. Raises `PolicyError` for a broken tree.
    """
    loaded, _ = tree.load(list(added))
    with copied(tree) as copy:
        for name, exceptions in added.items():
            file = loaded[name].exceptions_file
            own = file.value if file is not None and file.value else {}
            _write(copy, name, "exceptions", {**own, **exceptions})
        yield copy


@contextmanager
def without_grants(tree: PolicyTree) -> Iterator[PolicyTree]:
    """Yield a copy of `tree` in which no environment has a break-glass grant."""
    with copied(tree) as copy:
        for name in tree.environments():
            _write(copy, name, "break_glass", {})
        yield copy


@contextmanager
def copied(tree: PolicyTree) -> Iterator[PolicyTree]:
    """Yield a copy of `tree` without its tests, in a temporary directory, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="weightgate-trial-") as folder:
        for top in ("policies", "environments"):
            shutil.copytree(tree.root / top, Path(folder, top), ignore=shutil.ignore_patterns("*_test.rego", ".*"))
        yield PolicyTree(Path(folder), tree.origin)


def _write(copy: PolicyTree, environment: str, kind: str, entries: Mapping[str, Any]) -> None:
    path = copy.root / "environments" / environment / kind / "data.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(entries), encoding="utf-8")


def exception(finding: str, created: str, expires: str, approver: str) -> dict[str, Any]:
    """Return a trial exception for the finding with the id `finding`, as policy data."""
    return {
        "scope": {"finding": finding},
        "reason": "a trial",
        "owner": f"not-{approver}",
        "approver": approver,
        "ticket": "TRIAL-1",
        "created": created,
        "expires": expires,
    }
