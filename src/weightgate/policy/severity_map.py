"""What findings without a severity of their own count as: the library's map with an environment's own entries first."""

from __future__ import annotations

from typing import Any

from weightgate.errors import PolicyError
from weightgate.policy import yamlfile
from weightgate.policy.compare import Difference, Effect
from weightgate.policy.settings import SEVERITIES
from weightgate.policy.tree import PolicyTree

FILE = "policies/weightgate/severity_map/data.yaml"

Map = dict[str, Any]


def library(tree: PolicyTree) -> Map:
    """Return the library's severity map, `{}` when it has none. Raises `PolicyError`."""
    path = tree.root / FILE
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise PolicyError(f"{path}: cannot be read: {exc.strerror}") from exc
    return yamlfile.load(raw, str(path)).value or {}


def compare(before: tuple[Map, Map], after: tuple[Map, Map]) -> list[Difference]:
    """Return what counts as another severity; each side is the library's map and the environment's own."""
    found = []
    for key in sorted(set().union(*(_keys(entries) for entries in (*before, *after)))):
        old, new = _severity(key, *before), _severity(key, *after)
        if old != new:
            effect = Effect.TIGHTENED if SEVERITIES.index(new) < SEVERITIES.index(old) else Effect.LOOSENED
            words = f"{' '.join(key)} counts as {new}, no longer as {old}"
            found.append(Difference("/settings/severity_map", effect, words))
    return found


def _keys(entries: Map) -> set[tuple[str, ...]]:
    keys: set[tuple[str, ...]] = {("threat", name) for name in entries.get("threats", {})}
    keys |= {("series", name) for name in entries.get("series", {})}
    return keys | {("rule", name, state) for name, states in entries.get("rules", {}).items() for state in states}


def _severity(key: tuple[str, ...], shared: Map, own: Map) -> str:
    """Return what `key` counts as, as `weightgate.lib.severities` decides it."""
    kind, name = key[0], key[1]
    for entries in (own, shared):
        if kind == "rule":
            entry = entries.get("rules", {}).get(name, {}).get(key[2])
        else:
            series = name if kind == "series" else _series(name)
            named = entries.get("threats", {}).get(name) if kind == "threat" else None
            entry = named or entries.get("series", {}).get(series)
        if entry and entry.get("severity") in SEVERITIES:
            return str(entry["severity"])
    return "CRITICAL"


def _series(threat: str) -> str:
    """Return the series of a threat code, the first digit of its number."""
    return threat.rpartition("-")[2][:1] if threat.startswith("PAIT-") else ""
