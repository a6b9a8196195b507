"""An answer becomes a decision only when it proves that it is one, about what was asked."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from support import documents
from support.answers import ENGINE, POLICY, VIOLATION, answer, decision, expected
from weightgate import strict
from weightgate.decision import SEVERITIES, check_allow, complete, list_to_json, read, read_answer, to_json
from weightgate.errors import InvalidDocument, MalformedDecision

CLEAN = documents.document()
REFUSED = documents.document(documents.finding())


def test_a_sound_allow_is_read() -> None:
    found = read_answer(answer(CLEAN), expected(CLEAN), "here")
    assert (found.allow, found.verdict, found.violations) == (True, "allow", ())


def test_a_sound_refusal_is_read() -> None:
    found = read_answer(answer(REFUSED), expected(REFUSED), "here")
    assert (found.allow, found.verdict, found.violations[0].finding) == (False, "deny", "wgf-1")


def _set(*steps: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(value: dict[str, Any]) -> None:
        place: Any = value
        for step in steps[:-1]:
            place = place[step]
        place[steps[-1]] = to

    return change


def _drop(*steps: Any) -> Callable[[dict[str, Any]], None]:
    def change(value: dict[str, Any]) -> None:
        place: Any = value
        for step in steps[:-1]:
            place = place[step]
        del place[steps[-1]]

    return change


LIES = {
    "no schema": (_drop("schema"), "schema"),
    "another schema": (_set("schema", to="weightgate.decision/v2"), "/schema"),
    "another environment": (_set("environment", to="dev"), "/environment"),
    "another time": (_set("evaluated_at", to="2026-11-23T10:00:01Z"), "/evaluated_at"),
    "a time without zone": (_set("evaluated_at", to="2026-11-23T10:00:00"), "/evaluated_at"),
    "another model": (_set("model", "uri", to="models/other"), "/model"),
    "another model digest": (_set("model", "digest", to="sha256:" + "0" * 64), "/model"),
    "no model digest": (_set("model", "digest", to=None), "/model"),
    "another input": (_set("input_digest", to="sha256:" + "0" * 64), "/input_digest"),
    "an input digest without prefix": (_set("input_digest", to="0" * 64), "/input_digest"),
    "allow as a word": (_set("allow", to="true"), "/allow"),
    "allow as a number": (_set("allow", to=1), "/allow"),
    "allow is null": (_set("allow", to=None), "/allow"),
    "no allow": (_drop("allow"), "allow"),
    "unknown verdict": (_set("verdict", to="ALLOW"), "/verdict"),
    "allow beside deny": (_set("verdict", to="deny"), "/allow"),
    "allow beside indeterminate": (_set("verdict", to="indeterminate"), "/allow"),
    "deny beside the verdict allow": (_set("allow", to=False), "/allow"),
    "allow with violations": (_set("violations", to=[{**VIOLATION}]), "/violations"),
    "no violations": (_drop("violations"), "violations"),
    "violations are an object": (_set("violations", to={}), "/violations"),
    "no counts": (_drop("counts"), "counts"),
    "one finding too many": (_set("counts", "INFO", to=1), "/counts"),
    "negative count": (_set("counts", "INFO", to=-1), "/counts/INFO"),
    "count as truth value": (_set("counts", "INFO", to=False), "/counts/INFO"),
    "a severity is not counted": (_drop("counts", "INFO"), "/counts"),
    "UNKNOWN is counted": (_set("counts", "UNKNOWN", to=0), "/counts/UNKNOWN"),
    "extra key": (_set("force", to=True), "/force"),
    "warning without message": (_set("warnings", to=[{**VIOLATION, "msg": ""}]), "/warnings/0/msg"),
    "exception for a finding not sent": (
        _set("exceptions", "applied", to=[{"id": "E", "finding": "wgf-9", "expires": "2026-12-01"}]),
        "/exceptions/applied",
    ),
    "exception without id": (
        _set("exceptions", "applied", to=[{"id": "", "finding": "wgf-1", "expires": "2026-12-01"}]),
        "/exceptions/applied/0/id",
    ),
    "no exceptions": (_drop("exceptions"), "exceptions"),
}


@pytest.mark.parametrize(("change", "place"), LIES.values(), ids=LIES)
def test_an_allow_is_not_believed(change: Callable[[dict[str, Any]], None], place: str) -> None:
    value = copy.deepcopy(answer(CLEAN))
    change(value)
    with pytest.raises(MalformedDecision) as caught:
        read_answer(value, expected(CLEAN), "environment prod, here")
    assert place in str(caught.value)
    assert str(caught.value).startswith("environment prod, here: ")


FAULTS = {
    "no violations": (_set("violations", to=[]), "/violations"),
    "empty message": (_set("violations", 0, "msg", to=""), "/violations/0/msg"),
    "message is no string": (_set("violations", 0, "msg", to=7), "/violations/0/msg"),
    "empty rule": (_set("violations", 0, "rule", to=""), "/violations/0/rule"),
    "violation is a string": (_set("violations", 0, to="refused"), "/violations/0"),
    "violation without finding": (_drop("violations", 0, "finding"), "/violations/0"),
    "unknown severity": (_set("violations", 0, "severity", to="HIHG"), "/violations/0/severity"),
    "extra key in a violation": (_set("violations", 0, "level", to="warn"), "/violations/0/level"),
}


@pytest.mark.parametrize(("change", "place"), FAULTS.values(), ids=FAULTS)
def test_a_refusal_that_breaks_the_schema_is_an_error(change: Callable[[dict[str, Any]], None], place: str) -> None:
    value = copy.deepcopy(answer(REFUSED))
    change(value)
    with pytest.raises(MalformedDecision, match=place):
        read_answer(value, expected(REFUSED), "here")


@pytest.mark.parametrize("value", [None, True, "allow", [], {}, 0], ids=str)
def test_what_is_no_object_of_the_schema_is_an_error(value: object) -> None:
    with pytest.raises(MalformedDecision):
        read_answer(value, expected(CLEAN), "here")


def _allow(severity: str, *excused: str) -> Any:
    sent = documents.document(documents.finding("wgf-1", severity), documents.finding("wgf-2", severity))
    applied = [{"id": f"EXC-{number}", "finding": id, "expires": "x"} for number, id in enumerate(excused)]
    exceptions = {"applied": applied, "expired": [], "unused": [], "rejected": []}
    value = answer(sent, allow=True, verdict="allow", violations=[], exceptions=exceptions)
    return read_answer(value, expected(sent), "here")


@pytest.mark.parametrize("severity", SEVERITIES)
def test_an_allow_of_a_severity_in_fail_on_needs_an_exception_for_each_finding(severity: str) -> None:
    fail_on = frozenset({severity})
    for excused in ([], ["wgf-1"], ["wgf-1", "wgf-1"]):
        with pytest.raises(MalformedDecision, match="the policy allows 2 findings"):
            check_allow(_allow(severity, *excused), fail_on, "here")
    check_allow(_allow(severity, "wgf-1", "wgf-2"), fail_on, "here")


@pytest.mark.parametrize("severity", SEVERITIES)
def test_only_critical_needs_one_without_fail_on(severity: str) -> None:
    if severity == "CRITICAL":
        with pytest.raises(MalformedDecision):
            check_allow(_allow(severity), frozenset(), "here")
    else:
        check_allow(_allow(severity), frozenset(), "here")


def test_a_refusal_needs_no_exception() -> None:
    check_allow(read_answer(answer(REFUSED), expected(REFUSED), "here"), frozenset(SEVERITIES), "here")


def test_a_decision_is_read_back() -> None:
    for verdict in ("allow", "deny", "indeterminate"):
        made = decision(verdict)
        assert read(strict.canonical(to_json(made))) == made


@pytest.mark.parametrize(
    ("change", "place"),
    [
        pytest.param(_set("engine", "mode", to="guess"), "/engine/mode", id="unknown engine mode"),
        pytest.param(_set("policy", "digest", to=None), "/policy/digest", id="no policy digest"),
        pytest.param(_set("violations", to=[{**VIOLATION}]), "/violations", id="allow with violations"),
        pytest.param(_set("extra", to=1), "/extra", id="extra key"),
    ],
)
def test_a_stored_decision_is_read_strictly(change: Callable[[dict[str, Any]], None], place: str) -> None:
    value = json.loads(strict.canonical(to_json(decision())))
    change(value)
    with pytest.raises(InvalidDocument) as caught:
        read(json.dumps(value).encode(), "decision.json")
    assert caught.value.pointer == place


def test_a_list_of_decisions_names_its_schema() -> None:
    value = list_to_json((decision(), decision("deny")))
    assert value["schema"] == "weightgate.decisions/v1"
    assert [item["verdict"] for item in value["decisions"]] == ["allow", "deny"]


def test_keys_stand_in_the_order_of_the_contract() -> None:
    made = complete(read_answer(answer(CLEAN), expected(CLEAN), "here"), POLICY, ENGINE)
    assert list(to_json(made)) == [
        "schema", "environment", "allow", "verdict", "evaluated_at", "model", "violations", "warnings", "counts",
        "exceptions", "policy", "input_digest", "engine",
    ]  # fmt: skip
