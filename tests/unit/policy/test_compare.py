"""Which of two settings is the stricter, for every setting that there is."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from support import trees
from weightgate.policy import yamlfile
from weightgate.policy.compare import MORE_IS_LOOSER, MORE_IS_STRICTER, Effect, compare
from weightgate.policy.settings import PARAMETERS

PROD: dict[str, Any] = yamlfile.load((trees.ROOT / "environments/prod/data.yaml").read_bytes(), "data.yaml").value


def changed(pointer: str, value: Any, base: dict[str, Any] = PROD) -> dict[str, Any]:
    """The settings with `value` at the place `pointer`; `...` takes it away."""
    made = copy.deepcopy(base)
    *steps, last = pointer.split("/")
    place = made["settings"]
    for step in steps:
        place = place.setdefault(step, {})
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return made


LOOSER: dict[str, tuple[str, Any, Any]] = {
    "fewer severities": ("fail_on", ["CRITICAL", "HIGH"], ["CRITICAL"]),
    "warn for deny": ("rules/model.digest", {"level": "deny"}, {"level": "warn"}),
    "off for warn": ("rules/model.digest", {"level": "warn"}, {"level": "off"}),
    "off for what was not named": ("rules/model.digest", ..., {"level": "off"}),
    "effective later": (
        "rules/model.digest",
        {"level": "deny", "effective_on": "2026-01-01"},
        {"level": "deny", "effective_on": "2026-02-01"},
    ),
    "effective only from a date": (
        "rules/model.digest",
        {"level": "deny"},
        {"level": "deny", "effective_on": "2026-02-01"},
    ),
    "greater budget": (
        "rules/severity.budget",
        {"level": "deny", "at_most": {"LOW": 3}},
        {"level": "deny", "at_most": {"LOW": 4}},
    ),
    "a budget less": (
        "rules/severity.budget",
        {"level": "deny", "at_most": {"LOW": 3, "INFO": 9}},
        {"level": "deny", "at_most": {"INFO": 9}},
    ),
    "older scans": (
        "rules/scans.fresh",
        {"level": "deny", "max_hours": 24},
        {"level": "deny", "max_hours": 25},
    ),
    "older versions": (
        "rules/scanners.minimum_version",
        {"level": "deny", "minimum": {"modelscan": "0.10.0"}},
        {"level": "deny", "minimum": {"modelscan": "0.9"}},
    ),
    "fewer scanners": (
        "rules/scanners.corroborated",
        {"level": "deny", "at_least": 3},
        {"level": "deny", "at_least": 2},
    ),
    "fewer kinds": (
        "rules/threats.forbidden",
        {"level": "deny", "kinds": ["trojan", "backdoor"]},
        {"level": "deny", "kinds": ["trojan"]},
    ),
    "any host": (
        "rules/model.source/hosts",
        ["huggingface.co"],
        [],
    ),
    "a host more": ("rules/model.source/hosts", ["a"], ["a", "b"]),
    "a denied model less": ("rules/model.source/denied_models", ["a", "b"], ["a"]),
    "an allowed format more": ("rules/model.formats/allowed", ["json"], ["json", "pickle"]),
    "nothing required": ("scanners/required", ["modelscan"], []),
    "another scanner accepted": ("coverage/scanners", {"default": ["a"]}, {"default": ["a", "b"]}),
    "another scanner accepted for a format": (
        "coverage/scanners",
        {"default": ["a"]},
        {"default": ["a"], "pickle": ["a", "b"]},
    ),
    "a stricter format gone": ("coverage/scanners", {"default": ["a", "b"], "pickle": ["a"]}, {"default": ["a", "b"]}),
    "another data format": ("coverage/data_formats", ["json"], ["json", "text"]),
    "longer exceptions": ("exceptions/max_days/HIGH", 30, 31),
    "excusable again": ("exceptions/never", ["CRITICAL"], []),
    "rules excusable again": ("exceptions/never_rules", ["PAIT-1"], ...),
    "an approver more": ("exceptions/approvers", ["a@x"], ["a@x", "b@x"]),
    "anybody approves": ("exceptions/approvers", ["a@x"], []),
}


@pytest.mark.parametrize(("pointer", "strict", "lax"), LOOSER.values(), ids=LOOSER)
def test_the_direction_is_known_both_ways(pointer: str, strict: Any, lax: Any) -> None:
    base = changed("rules/model.source", {"level": "deny", "hosts": [], "denied_models": []})
    base = changed("rules/model.formats", {"level": "deny", "allowed": []}, base)
    base = changed("exceptions/never_rules", [], base)
    first, second = changed(pointer, strict, base), changed(pointer, lax, base)
    assert {each.effect for each in compare(first, second)} == {Effect.LOOSENED}
    assert {each.effect for each in compare(second, first)} == {Effect.TIGHTENED}
    assert compare(first, first) == []


UNKNOWN: dict[str, tuple[str, Any]] = {
    "neither set holds the other": ("coverage/data_formats", ["text", "yaml"]),
    "a key that nobody knows": ("rules/model.digest", {"level": "deny", "tolerance": 3}),
    "a section that nobody knows": ("limits", {"max_days": 3, "depth": {"x": 1}}),
    "no declared order": ("stricter_than", ...),
    "a level that is none": ("rules/model.digest", {"level": "ask"}),
}


@pytest.mark.parametrize(("pointer", "value"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_has_no_known_direction_may_loosen(pointer: str, value: Any) -> None:
    assert Effect.UNKNOWN in {each.effect for each in compare(PROD, changed(pointer, value))}


@pytest.mark.parametrize("pointer", ["description", "exceptions/warn_days", "scanners/prisma-airs"])
def test_words_and_announcements_are_neither(pointer: str) -> None:
    assert [each.effect for each in compare(PROD, changed(pointer, 7))] == [Effect.CHANGED]


def test_a_rule_that_is_off_has_no_parameters_to_compare() -> None:
    off = changed("rules/scans.fresh", {"level": "off"})
    on = changed("rules/scans.fresh", {"level": "deny", "max_hours": 9})
    assert [(each.effect, each.words) for each in compare(off, on)] == [
        (Effect.TIGHTENED, "rules.scans.fresh.level: off → deny")
    ]


def test_the_order_of_a_list_is_no_difference_of_meaning() -> None:
    turned = changed("fail_on", ["MEDIUM", "HIGH", "CRITICAL"])
    assert {each.effect for each in compare(PROD, turned)} == {Effect.CHANGED}


def test_the_words_name_the_setting_and_both_values() -> None:
    (found,) = compare(PROD, changed("fail_on", ["HIGH", "CRITICAL"]))
    assert (found.pointer, found.words) == (
        "/settings/fail_on",
        "fail_on: [CRITICAL, HIGH, MEDIUM] → [CRITICAL, HIGH]",
    )


def test_every_parameter_of_a_rule_has_a_direction() -> None:
    assert {name for told in PARAMETERS.values() for name in told} <= MORE_IS_STRICTER | MORE_IS_LOOSER
    assert not MORE_IS_STRICTER & MORE_IS_LOOSER


def test_a_number_is_another_value_than_the_truth_value_that_is_equal_to_it() -> None:
    one, true = (changed("rules/local.x", {"level": "deny", "most": value}) for value in (1, True))
    assert [(each.pointer, each.effect) for each in compare(one, true)] == [
        ("/settings/rules/local.x/most", Effect.UNKNOWN)
    ]
