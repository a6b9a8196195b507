"""Which environments a change cannot reach, so that nothing need be decided again for them.

That is proven and not guessed: no Rego file and nothing that the environments share has changed, and OPA's own analysis
of what a decision depends on (`opa deps`) names no data of an environment that has.
"""

from __future__ import annotations

import json
import re

from weightgate.errors import EngineError
from weightgate.policy import opa
from weightgate.policy.tree import PolicyTree

_OWN_DATA = re.compile(r"environments/([^/]+)/(?:[^/]+/)?data\.yaml")


def unreached(base: PolicyTree, head: PolicyTree, environments: list[str]) -> list[str]:
    """Return those of `environments`, which both trees have, that decide every document alike in both trees.

    Raises `EngineError` when OPA cannot be run.
    """
    edited = _edited(base, head)
    if edited is None:
        return []
    return [
        name
        for name in environments
        if name not in edited and not any(_depends(tree, name, edited) for tree in (base, head))
    ]


def _edited(base: PolicyTree, head: PolicyTree) -> set[str] | None:
    """Return the environments whose own data differs; `None` when anything else does."""
    old, new = base.contents(), head.contents()
    paths = [path for path in old.keys() | new.keys() if old.get(path) != new.get(path)]
    found = [_OWN_DATA.fullmatch(path) for path in paths]
    return None if None in found else {match[1] for match in found if match}


def _depends(tree: PolicyTree, environment: str, edited: set[str]) -> bool:
    """Whether the decision of `environment` may read data of one of `edited`; a policy that OPA refuses may."""
    words = ["deps", "--format", "json", "--ignore", "*_test.rego", "--ignore", ".*", "-d", "policies"]
    query = f"data.environments[{json.dumps(environment)}].decision"
    done = opa.run(tree.root, *words, "-d", "environments", query)
    if done.code != 0:
        return True
    try:
        return any(_may_be(ref, edited) for ref in json.loads(done.stdout)["base"])
    except (ValueError, KeyError, IndexError, TypeError) as exc:
        raise EngineError(f"opa deps: its output is not a list of references: {exc}") from exc


def _may_be(ref: list[dict[str, str]], names: set[str]) -> bool:
    """Whether a reference can be to `data.<name>` of one of `names`: by name, or because nobody knows by which name."""
    if ref[0]["value"] != "data":
        return False
    return len(ref) == 1 or ref[1]["type"] != "string" or ref[1]["value"] in names
