"""What holds of every document and every set of exceptions, tried on generated ones, many in one OPA process.

Each property is tried on the shipped tree and on one with every rule on, and must not hold for trees with a mistake.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings

from support import documents, trees
from support.generated import SEEDS, Json, ago, batch, exceptions, finding
from weightgate.decision import Decision
from weightgate.engine import many
from weightgate.engine.evaluate import Evidence
from weightgate.policy import trial
from weightgate.policy.tree import PolicyTree

CHAIN = ["dev", "staging", "prod"]
Exceptions = dict[str, dict[str, Json]]

few = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    # NOTE: a batch takes half a second, so a failing one is not made smaller: it would take an hour.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""Each example is a batch of documents, so a few of them are hundreds of cases."""

EVERY_RULE: dict[str, list[Json]] = {
    "severity.budget": [{"at_most": {"MEDIUM": most, "LOW": most}} for most in (3, 2, 1)],
    "threats.forbidden": [{"kinds": kinds} for kinds in (["backdoor"], ["backdoor"], ["backdoor", "trojan"])],
    "scans.fresh": [{"max_hours": hours} for hours in (72, 48, 24)],
    "scanners.minimum_version": [{"minimum": {"modelaudit": least}} for least in ("0.1", "0.2", "0.2.30")],
    "scanners.corroborated": [{"at_least": 1}] * 3,
    "model.source": [
        {"sources": ["local", *remote], "hosts": [], "organizations": [], "denied_models": ["**/evil"]}
        for remote in (["huggingface", "s3"], ["huggingface"], ["huggingface"])
    ],
    "model.formats": [{"allowed": ["json", "safetensors", *more]} for more in (["pickle", "empty"], ["pickle"], [])],
    "model.file_digests": [{}] * 3,
    "model.licence": [{"judged_by": ["modelaudit", *more]} for more in (["modelscan"], [], [])],
}
"""What dev, staging and prod are told where every rule is on."""


@pytest.fixture(scope="module", params=[(), tuple(EVERY_RULE)], ids=["shipped", "every rule on"])
def tree(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PolicyTree:
    return made(tmp_path_factory.mktemp("tree"), request.param)


def made(folder: Path, rules: Iterable[str]) -> PolicyTree:
    """A copy of the shipped tree in which these rules are on too."""
    found = trees.tree(folder)
    for rule in rules:
        for name, told in zip(CHAIN, EVERY_RULE[rule], strict=True):
            change(found, name, ["rules", rule], {"level": "deny", **told})
    return found


def change(tree: PolicyTree, environment: str, path: list[str], value: Any) -> None:
    """Set one setting of an environment."""
    file = f"environments/{environment}/data.yaml"
    data = yaml.safe_load((tree.root / file).read_text(encoding="utf-8"))
    place = data["settings"]
    for step in path[:-1]:
        place = place.setdefault(step, {})
    place[path[-1]] = value
    trees.write(tree.root, file, json.dumps(data))


def decided(tree: PolicyTree, batch: list[Json], added: Exceptions | None = None) -> list[dict[str, Decision]]:
    """The decisions of every environment about each document."""
    evidence = [Evidence.of(documents.typed(value)) for value in batch]
    everywhere: Exceptions = {name: {} for name in CHAIN}
    with trial.with_exceptions(tree, everywhere | (added or {})) as copied:
        answers = many.decide(copied, evidence, CHAIN, documents.AT)
    rows = [answers[start : start + len(CHAIN)] for start in range(0, len(answers), len(CHAIN))]
    return [{each.environment: each for each in row} for row in rows]


def never_more(before: list[dict[str, Decision]], after: list[dict[str, Decision]]) -> None:
    """Nothing is allowed afterwards that was refused before."""
    for first, second in zip(before, after, strict=True):
        for name in CHAIN:
            assert first[name].allow or not second[name].allow


def the_stricter_allows_no_more(tree: PolicyTree) -> None:
    seen = set()

    @few
    @given(SEEDS)
    def holds(random: Random) -> None:
        found = batch(random)
        prod = exceptions(random, found)
        staging = prod | {f"S-{key}": value for key, value in exceptions(random, found).items()}
        dev = staging | {f"D-{key}": value for key, value in exceptions(random, found).items()}
        for answers in decided(tree, found, {"prod": prod, "staging": staging, "dev": dev}):
            allowed = [answers[name].allow for name in CHAIN]
            assert allowed == sorted(allowed, reverse=True)
            seen.add(tuple(allowed))

    holds()
    assert len(seen) == len(CHAIN) + 1, "each environment must allow something and refuse something of its own"


def a_finding_more_allows_no_more(tree: PolicyTree) -> None:
    @few
    @given(SEEDS)
    def holds(random: Random) -> None:
        found = batch(random)
        larger = copy.deepcopy(found)
        for value in larger:
            value["findings"].append({**finding(random), "id": "wgf-more"})
        never_more(decided(tree, found), decided(tree, larger))

    holds()


def an_exception_more_refuses_no_more(tree: PolicyTree) -> None:
    @few
    @given(SEEDS)
    def holds(random: Random) -> None:
        found = batch(random)
        some, more = exceptions(random, found), exceptions(random, found)
        both = some | {f"MORE-{key}": value for key, value in more.items()}
        never_more(decided(tree, found, dict.fromkeys(CHAIN, both)), decided(tree, found, dict.fromkeys(CHAIN, some)))

    holds()


WEAKER_SCANS: list[Json] = [
    {"status": "partial"},
    {"status": "failed"},
    {"outcome": None},
    {"outcome": "PENDING"},
    {"files_scanned": 0},
    {"unscanned": [{"path": "weights.pkl", "reason": "lost"}, {"path": "a/b.bin", "reason": "lost"}]},
    {"errors": [{"code": "x", "message": "x", "path": None}]},
    {"version": None},
    {"finished_at": None},
]
WEAKER_MODELS: list[Json] = [{"digest": None}, {"revision": None}, {"revision": "main"}]


def less_evidence_allows_no_more(tree: PolicyTree) -> None:
    @few
    @given(SEEDS)
    def holds(random: Random) -> None:
        found = batch(random)
        weaker = copy.deepcopy(found)
        for value in weaker:
            weaken(random, value)
        never_more(decided(tree, found), decided(tree, weaker))

    holds()


def weaken(random: Random, value: Json) -> None:
    """Take some evidence from the document: what a scan vouches for, a whole scan, or what names the model."""
    scan = random.choice(value["scans"])
    match random.randrange(4):
        case 0:
            scan.update(random.choice(WEAKER_SCANS))
        case 1 if speaks_for(scan):
            value["scans"].remove(scan)
        case 2 if value["model"]["files"]:
            random.choice(value["model"]["files"])["sha256"] = None
        case _:
            value["model"].update(random.choice(WEAKER_MODELS))


def speaks_for(scan: Json) -> bool:
    """Whether nothing in a scan speaks against the model, so that its loss is a loss of evidence and nothing else."""
    return {**scan, "scanner": ""} == documents.scan("", finished_at=ago(1))


def order_does_not_matter(tree: PolicyTree) -> None:
    @few
    @given(SEEDS)
    def holds(random: Random) -> None:
        found = batch(random)
        added = exceptions(random, found)
        back = dict(reversed(added.items()))
        first = decided(tree, found, dict.fromkeys(CHAIN, added))
        second = decided(tree, [turned(value) for value in found], dict.fromkeys(CHAIN, back))
        for before, after in zip(first, second, strict=True):
            assert [said(before[name]) for name in CHAIN] == [said(after[name]) for name in CHAIN]

    holds()


def turned(value: Json) -> Json:
    """The document with every list, and its keys, the other way round."""
    model = {**value["model"], "files": value["model"]["files"][::-1]}
    back = {key: value[key] for key in reversed(value)}
    return back | {"findings": value["findings"][::-1], "scans": value["scans"][::-1], "model": model}


def said(decision: Decision) -> tuple[Any, ...]:
    return decision.verdict, decision.violations, decision.warnings, decision.counts, decision.exceptions


PROPERTIES = [
    the_stricter_allows_no_more,
    a_finding_more_allows_no_more,
    an_exception_more_refuses_no_more,
    less_evidence_allows_no_more,
    order_does_not_matter,
]


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda each: each.__name__)
def test_it_holds(holds: Callable[[PolicyTree], None], tree: PolicyTree) -> None:
    holds(tree)


def on(rule: str, **told: Any) -> tuple[list[str], Any]:
    """A rule that denies, and what it is told."""
    return ["rules", rule], {"level": "deny", **told}


MISTAKES: dict[str, tuple[list[str], Any]] = {
    "fail_on": (["fail_on"], ["CRITICAL", "MEDIUM"]),
    "data_formats": (["coverage", "data_formats"], ["pickle", "json", "safetensors", "unknown"]),
    "severity_map": (["severity_map"], {"threats": {"PAIT-TF-300": {"severity": "LOW", "reason": "a mistake"}}}),
    "max_days": (["exceptions", "max_days"], dict.fromkeys(["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"], 400)),
    "level": (["rules", "coverage.complete"], {"level": "off"}),
    "severity.budget": on("severity.budget", at_most={"MEDIUM": 9, "LOW": 9}),
    "threats.forbidden": on("threats.forbidden", kinds=["trojan"]),
    "scans.fresh": on("scans.fresh", max_hours=9999),
    "scanners.minimum_version": on("scanners.minimum_version", minimum={"modelscan": "0.0.1"}),
    "model.source": on("model.source", **EVERY_RULE["model.source"][0]),
    "model.formats": on("model.formats", allowed=["json", "safetensors", "pickle", "empty", "unknown", "image"]),
    "model.licence": on("model.licence", judged_by=["modelaudit", "modelscan", "prisma-airs", "picklescan"]),
}
"""What turns the order when prod says it."""


@pytest.mark.parametrize("name", MISTAKES)
def test_a_setting_that_turns_the_order_is_seen(tmp_path: Path, name: str) -> None:
    tree = made(tmp_path, {name} & EVERY_RULE.keys())
    change(tree, "prod", *MISTAKES[name])
    with pytest.raises(AssertionError, match="False"):
        the_stricter_allows_no_more(tree)


REVISION = "policies/weightgate/rules/revision/revision.rego"
ODD = '{"rule": "model.pinned_revision", "msg": "odd", "finding": null, "severity": null, "path": null}'
BROKEN: list[Any] = [
    pytest.param(a_finding_more_allows_no_more, "count(input.findings) == 1", id="finding"),
    pytest.param(an_exception_more_refuses_no_more, "count(data.weightgate.exceptions) > 20", id="exception"),
    pytest.param(less_evidence_allows_no_more, "count(input.scans) == 2", id="scan"),
    pytest.param(less_evidence_allows_no_more, "is_string(input.model.files[_].sha256)", id="file"),
    pytest.param(order_does_not_matter, 'input.findings[0].severity == "INFO"', id="order"),
]
"""A property, and a condition on which a rule refuses so that the property does not hold."""


@pytest.mark.parametrize(("property_", "condition"), BROKEN)
def test_a_rule_for_which_it_does_not_hold_is_seen(
    tmp_path: Path, property_: Callable[[PolicyTree], None], condition: str
) -> None:
    tree = made(tmp_path, ())
    with (tree.root / REVISION).open("a", encoding="utf-8") as out:
        out.write(f"\ndeny contains {ODD} if {condition}\n")
    with pytest.raises(AssertionError):
        property_(tree)
