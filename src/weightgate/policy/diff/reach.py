"""Which environments a change cannot reach, so that nothing need be decided again for them.

That is proven and not guessed: nothing that the environments share says anything else than before, and OPA's own
analysis of what a decision depends on (`opa deps`) names neither data nor rules of an environment that does.
"""

from __future__ import annotations

import json
import re

from weightgate import strict
from weightgate.errors import EngineError
from weightgate.policy import opa, yamlfile
from weightgate.policy.tree import PolicyTree

_OWN = re.compile(r"environments/([^/]+)/(?:(?:[^/]+/)?data\.yaml|[^/]+\.rego)")


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
    """Return the environments whose own data or rules differ; `None` when anything else does."""
    old, new = base.contents(), head.contents()
    paths = [path for path in old.keys() | new.keys() if old.get(path) != new.get(path)]
    edited = set()
    for path in paths:
        own = _OWN.fullmatch(path)
        sides = [_said(tree, path, files[path]) for tree, files in ((base, old), (head, new)) if path in files]
        if len(sides) == 2 and None not in sides and sides[0] == sides[1]:
            continue
        if own is None or (path.endswith(".rego") and not all(_is_own(side, own[1]) for side in sides)):
            return None
        edited.add(own[1])
    return edited


def _said(tree: PolicyTree, path: str, raw: bytes) -> bytes | None:
    """Return what the file says as JSON, whatever its comments and layout; `None` when it cannot be read."""
    if not path.endswith(".rego"):
        return strict.canonical(yamlfile.load(raw, path).value)
    done = opa.run(tree.root, "parse", "--format", "json", "--json-include", "-locations,-comments", path)
    return done.stdout.encode() if done.code == 0 else None


def _is_own(module: bytes | None, environment: str) -> bool:
    """Whether the rules of a file are in the package of the environment, and not among those that all share."""
    if module is None:
        return False
    return [step["value"] for step in json.loads(module)["package"]["path"]] == ["data", "environments", environment]


def _depends(tree: PolicyTree, environment: str, edited: set[str]) -> bool:
    """Whether the decision of `environment` may read what is of one of `edited`; a policy that OPA refuses may."""
    words = ["deps", "--format", "json", "--ignore", "*_test.rego", "--ignore", ".*", "-d", "policies"]
    query = f"data.environments[{json.dumps(environment)}].decision"
    done = opa.run(tree.root, *words, "-d", "environments", query)
    if done.code != 0:
        return True
    try:
        answer = json.loads(done.stdout)
        return any(_may_be(ref, edited) for ref in (*answer["base"], *answer["virtual"]))
    except (ValueError, KeyError, IndexError, TypeError) as exc:
        raise EngineError(f"opa deps: its output is not a list of references: {exc}") from exc


def _may_be(ref: list[dict[str, str]], names: set[str]) -> bool:
    """Whether a reference can be to `data.<name>` or `data.environments.<name>` of one of `names`: by name, or because
    nobody knows by which name."""
    steps = [step["value"] if step["type"] == "string" else None for step in ref[1:3]]
    if ref[0]["value"] != "data":
        return False
    if steps[:1] == ["environments"]:
        steps = steps[1:]
    return steps[:1] in ([], [None]) or steps[0] in names
