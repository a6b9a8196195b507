"""A copy of a policy tree with other exceptions, to try what they would do."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from weightgate.policy.tree import PolicyTree


@contextmanager
def with_exceptions(tree: PolicyTree, added: Mapping[str, Mapping[str, Any]]) -> Iterator[PolicyTree]:
    """Yield a copy of `tree` whose environments have the exceptions `added` beside their own.

    `added` is environment → id → exception. The copy lies in a temporary directory, removed afterwards. Raises
    `PolicyError` for a broken tree.
    """
    loaded, _ = tree.load(list(added))
    with tempfile.TemporaryDirectory(prefix="weightgate-trial-") as folder:
        for top in ("policies", "environments"):
            shutil.copytree(tree.root / top, Path(folder, top), ignore=shutil.ignore_patterns("*_test.rego", ".*"))
        for name, exceptions in added.items():
            file = loaded[name].exceptions_file
            own = file.value if file is not None and file.value else {}
            path = Path(folder, "environments", name, "exceptions", "data.yaml")
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps({**own, **exceptions}), encoding="utf-8")
        yield PolicyTree(Path(folder), tree.origin)


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
