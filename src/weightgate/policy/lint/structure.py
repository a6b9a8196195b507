"""How a tree's files belong together: each environment's policy to its directory, each rule to the gate."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from weightgate import strict
from weightgate.policy.lint.problem import Problem
from weightgate.policy.syntax import (
    Module,
    Node,
    Path_,
    leading,
    line,
    members,
    operator,
    resolved,
    rule_name,
    text,
    walk,
)

RULES = ("weightgate", "rules")
GATE = ("weightgate", "gate")
LEVELS = ("weightgate", "lib", "levels")
ANSWERS = ("deny", "undecided")
"""What a rule package says; the gate must use each of these that the package has."""
_ENTRY = ("decision", "deny", "warn")
_PREPARED: dict[Path_, tuple[str, ...]] = {
    (*RULES, "settings"): ("environment", "exceptions", "break_glass", "own"),
    ("weightgate", "lib", "register"): ("environment", "break_glass", "own"),
}
"""Packages that are asked once for many documents, and what they cannot know then, below `data.weightgate`."""


def rule_ids(modules: list[Module]) -> dict[str, Module]:
    """Return the ids of the library's rules, each with its module, from `custom.rule_id` of the annotations."""
    found: dict[str, Module] = {}
    for module in modules:
        rule = module.notes.get("custom", {}).get("rule_id")
        if isinstance(rule, str):
            found.setdefault(rule, module)
    return found


def parameters(modules: list[Module]) -> dict[str, frozenset[str]]:
    """Return what each rule is told beside its level: the keys that the rule `settings.valid` lets it have."""
    found = {}
    for module in modules:
        if module.package == (*RULES, "settings"):
            for rule in module.rules:
                value = rule["head"].get("value", {})
                if rule_name(rule) == "_parameters" and value.get("type") == "object":
                    for key, keys in value["value"]:
                        found[text(key) or ""] = frozenset(filter(None, (text(node) for node in walk(keys))))
    return found


def problems(modules: list[Module], environments: list[str], granting: frozenset[str]) -> Iterator[Problem]:
    """Yield what is wrong between the modules (but tests) of a tree with these environments, of which those of
    `granting` speak of break-glass grants."""
    for module in modules:
        folder = module.path.split("/")
        if folder[0] == "environments":
            yield from _environment(module, folder[1], environments, folder[1] in granting)
        elif module.package[:1] != ("weightgate",):
            yield Problem(module.path, module.line, "package", _package(module, "weightgate.…"))
    for name in environments:
        yield from _unheard([module for module in modules if module.package == ("environments", name)])
    library = [module for module in modules if module.package[:2] == RULES]
    yield from _metadata(library)
    yield from _gate(modules, library)
    yield from _unlisted(modules, library)
    for module in modules:
        yield from _prepared(module)


def _environment(module: Module, name: str, environments: list[str], grants: bool) -> Iterator[Problem]:
    if module.package != ("environments", name):
        yield Problem(module.path, module.line, "package", _package(module, f"environments.{name}"))
    for rule in module.rules:
        near = get_close_matches(rule_name(rule), _ENTRY, 1, 0.7)
        if near and rule_name(rule) not in _ENTRY and not rule_name(rule).startswith("_"):
            found = f"the rule {rule_name(rule)} is read by nothing (did you mean {near[0]}?)"
            yield Problem(module.path, line(rule), "rule-name", found)
    if module.path.endswith("/policy.rego"):
        for wanted in sorted(set(_ENTRY[:2]) - module.names):
            yield Problem(module.path, module.line, "rule-name", f"there is no rule {wanted}")
        yield from _bindings(module, name, grants)
    others = set(environments) - {name}
    for node in walk(module.rules):
        head = leading(node)
        if head[:1] == ("data",) and len(head) > 1 and head[1] in others:
            found = f"data.{head[1]} belongs to the environment {head[1]}; expected data.{name}"
            yield Problem(module.path, line(node), "other-environment", found)


def _unheard(modules: list[Module]) -> Iterator[Problem]:
    """Find rules of an environment that speak and that no decision hears, so that they refuse nothing."""
    rules = [(module, rule) for module in modules for rule in module.rules]
    uses: dict[str, set[str]] = {}
    for _, rule in rules:
        uses.setdefault(rule_name(rule), set()).update(_named(rule))
    heard, waiting = set(), ["decision"]
    while waiting:
        name = waiting.pop()
        if name not in heard:
            heard.add(name)
            waiting += uses.get(name, ())
    for module, rule in rules:
        name = rule_name(rule)
        if name in ("deny", "warn"):
            lost = "decision" not in _named(rule)
        else:
            lost = name not in heard and "msg" in _mentioned(rule["head"])
        if lost:
            found = (
                f"the decision does not hear the rule {name}, so it refuses nothing; write it as `own contains …`, and "
                "evaluate the decision `with data.weightgate.own as own`"
            )
            yield Problem(module.path, line(rule), "unheard", found)


def _named(rule: Node) -> set[str]:
    """Return the variables and rules that a rule names."""
    return {str(node["value"]) for node in walk(rule) if node.get("type") == "var"}


def _bindings(module: Module, name: str, grants: bool) -> Iterator[Problem]:
    """Check that the decision is evaluated with the name, the settings, the exceptions and, where it has some, the
    grants of this environment."""
    bound: dict[Path_, Node] = {}
    for node in walk(module.rules):
        for item in node.get("with", []):
            bound[leading(item["target"])[1:]] = item["value"]
    for target in ("environment", "settings", "exceptions", "break_glass"):
        key = None if target == "environment" else target
        value = bound.get(("weightgate", target))
        wanted = f'"{name}"' if key is None else f"data.{name}.{key}"
        if value is None and target == "break_glass" and not grants:
            continue
        if value is None:
            found = f"the decision is not evaluated with data.weightgate.{target} as {wanted}"
            yield Problem(module.path, module.line, "binding", found)
        elif (text(value) != name) if key is None else key not in _mentioned(value):
            found = f"data.weightgate.{target} is not {wanted}"
            yield Problem(module.path, line(value), "binding", found)


def _mentioned(value: Node) -> set[str]:
    return {text(node) or "" for node in walk(value)}


def _prepared(module: Module) -> Iterator[Problem]:
    """Find what a package asks for that is not known while it is asked once for many documents."""
    unknown = _PREPARED.get(module.package, ())
    for rule in module.rules if unknown else ():
        for node in walk(rule) if rule_name(rule) != "deny" else ():
            steps = resolved(node, module)
            lost = steps[:2] == ("data", "weightgate") and len(steps) > 2 and steps[2] in unknown
            if lost or steps[:1] == ("input",):
                found = (
                    f"{'.'.join(steps[:3])} is not known here: this package is asked once for many documents "
                    "(policies/weightgate/lib/prepared)"
                )
                yield Problem(module.path, line(node), "prepared", found)


def _metadata(library: list[Module]) -> Iterator[Problem]:
    owners: dict[str, Module] = {}
    for module in library:
        custom = module.notes.get("custom", {})
        said = {**module.notes, **{f"custom.{key}": value for key, value in custom.items()}}
        for key in ("title", "description", "custom.rule_id", "custom.remediation"):
            if not isinstance(said.get(key), str) or not said[key].strip():
                found = f"the package's METADATA has no {key}; the rule reference and the reports are made from it"
                yield Problem(module.path, module.line, "metadata", found)
        rule = str(custom.get("rule_id", ""))
        if rule in owners and owners[rule].package != module.package:
            found = f"the rule id {rule} is also that of {owners[rule].path}"
            yield Problem(module.path, module.line, "duplicate-rule-id", found)
        elif rule:
            owners[rule] = module
        for node in walk(module.rules):
            yield from _own_id(node, module, rule)


def _own_id(node: Node, module: Module, rule: str) -> Iterator[Problem]:
    pairs = node["value"] if node.get("type") == "object" else []
    said = {text(key): value for key, value in pairs}
    if "msg" in said and "rule" in said and text(said["rule"]) not in (None, rule):
        found = f"a violation of rule {strict.show(text(said['rule']))} in the package of rule {rule}"
        yield Problem(module.path, line(said["rule"]), "rule-id", found)


def _gate(modules: list[Module], library: list[Module]) -> Iterator[Problem]:
    used: set[Path_] = set()
    for module in modules:
        if module.package == GATE:
            used.update(resolved(node, module) for node in walk(module.rules))
    for module in library:
        answers = [name for name in ANSWERS if name in module.names]
        if not answers and not any(other.package == module.package and other is not module for other in library):
            found = f"the package has none of the rules {', '.join(ANSWERS)}, so it can refuse nothing"
            yield Problem(module.path, module.line, "rule-name", found)
        for name in answers:
            if ("data", *module.package, name) not in used:
                found = f"the gate does not use data.{'.'.join(module.package)}.{name}, so it refuses nothing"
                yield Problem(module.path, module.line, "unused-rule", found)


def _unlisted(modules: list[Module], library: list[Module]) -> Iterator[Problem]:
    """Find rules that the gate's `rule_ids` lacks, so that no environment can say what it makes of them."""
    gates = [module for module in modules if module.package == GATE and "rule_ids" in module.names]
    values = [
        rule["head"].get("value", {}) for module in gates for rule in module.rules if rule_name(rule) == "rule_ids"
    ]
    listed = _written_out(values[0], gates[0], modules) if len(values) == 1 else None
    if listed is None:
        return
    for rule, module in rule_ids(library).items():
        if rule not in listed:
            found = f"the gate's rule_ids lacks {rule}, so settings that name the rule are refused"
            yield Problem(module.path, module.line, "unlisted-rule", found)


def _written_out(term: Node, module: Module, modules: list[Module]) -> set[str] | None:
    """Return the words of a set that is put together of literals and of the floors; `None` for another one."""
    if term.get("type") == "set":
        return {text(item) or "" for item in term["value"]}
    if term.get("type") == "call" and operator(term["value"]) == "or":
        sides = [_written_out(side, module, modules) for side in term["value"][1:]]
        return None if None in sides else set().union(*filter(None, sides))
    floors = resolved(term, module) == ("data", *LEVELS, "floors")
    return members(modules, LEVELS, "floors") if floors else None


def _package(module: Module, wanted: str) -> str:
    return f"the package is {'.'.join(module.package)}; expected {wanted}"
