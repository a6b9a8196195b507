"""SARIF: valid by the official schema, and what GitHub's code scanning needs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import reports
from weightgate import findings
from weightgate.formats.interface import Report
from weightgate.formats.sarif import SarifFormat

SCHEMA = Path(__file__).parents[2] / "assets" / "sarif-schema" / "sarif-2.1.0-rtm.5.json"
VALIDATOR = jsonschema.Draft4Validator(json.loads(SCHEMA.read_bytes()))


def rendered(report: Report) -> Any:
    log = json.loads(SarifFormat().render(report))
    problems = [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in VALIDATOR.iter_errors(log)
    ]
    assert problems == []
    return log


def results(report: Report, run: int = 0) -> dict[str, Any]:
    found = rendered(report)["runs"][run]["results"]
    return {result["message"]["text"].split(". ")[0].split("\n")[0]: result for result in found}


@pytest.mark.parametrize("make", [reports.allowed, reports.mixed, reports.hostile], ids=lambda make: make.__name__)
def test_valid_by_the_official_schema(make: Any) -> None:
    rendered(make())


def test_the_schema_can_refuse() -> None:
    log = json.loads(SarifFormat().render(reports.mixed()))
    del log["runs"][0]["results"][0]["message"]
    assert not VALIDATOR.is_valid(log)


def test_a_run_for_each_model_and_environment_with_a_category_of_its_own() -> None:
    ids = [run["automationDetails"]["id"] for run in rendered(reports.mixed())["runs"]]
    assert ids == [
        "weightgate/dev/models/mine/",
        "weightgate/prod/models/mine/",
        "weightgate/dev/models/unread/",
        "weightgate/prod/models/unread/",
    ]


def test_a_model_has_the_same_category_alone_and_beside_others() -> None:
    alone = rendered(reports.mixed().of_model(1))["runs"][0]["automationDetails"]
    assert alone == rendered(reports.mixed())["runs"][2]["automationDetails"]


def test_models_with_almost_one_name_have_different_categories() -> None:
    one, two = reports.document(uri="a b"), reports.document(uri="a?b")
    report = reports.report(reports.decide(one), reports.decide(two), documents=(one, two))
    assert len({run["automationDetails"]["id"] for run in rendered(report)["runs"]}) == 2


def test_levels_say_what_the_environment_made_of_a_finding() -> None:
    dev = {title: result["level"] for title, result in results(reports.mixed()).items()}
    assert dev == {
        "Dangerous global os.system": "error",
        "Malicious code": "note",
        "Suspicious import": "note",
        "Old protocol": "note",
        "config.json (json) was not scanned": "warning",
    }
    assert {result["level"] for result in results(reports.mixed(), 1).values()} == {"error", "note"}


def test_an_excused_finding_is_suppressed_where_it_is_excused_and_only_there() -> None:
    dev, prod = results(reports.mixed()), results(reports.mixed(), 1)
    assert dev["Malicious code"]["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "EXC-1"}
    ]
    assert prod["Malicious code"]["suppressions"] == []
    assert [title for title, result in dev.items() if result["suppressions"]] == ["Malicious code"]


def test_fingerprints_are_the_finding_ids() -> None:
    report = reports.mixed()
    found = {result["partialFingerprints"]["weightgate/v1"] for result in results(report).values()}
    assert {item.id for item in report.documents[0].findings} < found
    for result in results(report).values():
        assert (
            result["partialFingerprints"]["primaryLocationLineHash"]
            == result["partialFingerprints"]["weightgate/v1"] + ":1"
        )


def test_rules_have_help_from_the_annotations_and_a_security_severity() -> None:
    run = rendered(reports.mixed())["runs"][0]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert rules["modelaudit/S201"]["properties"]["security-severity"] == "9.5"
    assert "dated exception" in rules["modelaudit/S201"]["help"]["text"]
    assert "Do not use this model." in rules["modelaudit/S201"]["help"]["text"]
    assert rules["coverage.complete"]["shortDescription"]["text"] == "Complete coverage"
    assert "Add a scanner" in rules["coverage.complete"]["help"]["markdown"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


@pytest.mark.parametrize(
    ("severity", "score"),
    [("CRITICAL", 9.5), ("UNKNOWN", 9.5), ("HIGH", 8.0), ("MEDIUM", 5.5), ("LOW", 2.0), ("INFO", 0.0)],
)
def test_security_severity(severity: str, score: float) -> None:
    about = reports.document(reports.finding(severity=severity))
    (run,) = rendered(reports.report(reports.decide(about), documents=(about,)))["runs"]
    assert float(run["tool"]["driver"]["rules"][0]["properties"]["security-severity"]) == score


def test_the_worst_finding_of_a_rule_gives_its_severity() -> None:
    about = reports.document(*(reports.finding(word, severity=word) for word in ("LOW", "HIGH", "MEDIUM")))
    (run,) = rendered(reports.report(reports.decide(about), documents=(about,)))["runs"]
    assert [rule["properties"]["security-severity"] for rule in run["tool"]["driver"]["rules"]] == ["8.0"]


def test_what_was_not_scanned_is_a_notification_and_an_error_where_it_refuses() -> None:
    runs = rendered(reports.mixed())["runs"]
    told = [
        [(item["descriptor"]["id"], item["level"]) for item in run["invocations"][0]["toolExecutionNotifications"]]
        for run in runs
    ]
    assert told[:2] == [
        [("scan.unscanned", "warning"), ("scan.error", "error")],
        [("scan.unscanned", "error"), ("scan.error", "error")],
    ]
    text = runs[0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    assert text == "modelaudit did not scan config.json: not supported"


@pytest.mark.parametrize(
    ("scans", "verdict", "successful"),
    [
        ((reports.scan(),), "allow", True),
        ((reports.scan(status=findings.Status.PARTIAL),), "deny", True),
        ((reports.scan(), reports.scan("x", findings.Status.FAILED)), "deny", False),
        ((), "deny", False),
        ((reports.scan(),), "indeterminate", False),
    ],
    ids=["completed", "partial", "one-failed", "no-scan", "indeterminate"],
)
def test_execution_is_successful_only_with_evidence(scans: Any, verdict: str, successful: bool) -> None:
    about = reports.document(reports.finding(), scans=scans)
    said = () if verdict == "allow" else (reports.refuse(about.findings[0]),)
    report = reports.report(reports.decide(about, verdict=verdict, violations=said), documents=(about,))
    assert rendered(report)["runs"][0]["invocations"][0]["executionSuccessful"] is successful


@pytest.mark.parametrize("path", reports.HOSTILE_PATHS)
def test_file_names_keep_their_meaning(path: str) -> None:
    about = reports.document(reports.finding(path=path), uri="models/my model")
    (run,) = rendered(reports.report(reports.decide(about), documents=(about,)))["runs"]
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert unquote(uri) == f"models/my model/{path}"
    assert uri.startswith("models/my%20model/")
    assert ".." not in uri


@pytest.mark.parametrize(
    ("uri", "source", "path", "expected"),
    [
        ("models/m", "local", None, "models/m"),
        (".", "local", "a.pkl", "a.pkl"),
        (".", "local", None, "."),
        ("../m", "local", "a.pkl", "../m/a.pkl"),
        ("/abs/m", "local", "a.pkl", "file:///abs/m/a.pkl"),
        ("/", "local", "a.pkl", "file:///a.pkl"),
        ("models/a.pkl", "local", "a.pkl", "models/a.pkl/a.pkl"),
        ("https://huggingface.co/org/mine", "huggingface", "a.pkl", "org/mine/a.pkl"),
        ("https://huggingface.co/org/mine", "huggingface", None, "org/mine"),
    ],
)
def test_places(uri: str, source: str, path: str | None, expected: str) -> None:
    about = reports.document(reports.finding(path=path), uri=uri, source=findings.Source(source))
    (run,) = rendered(reports.report(reports.decide(about), documents=(about,)))["runs"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == expected


def test_a_model_that_is_one_file_is_not_a_directory() -> None:
    about = reports.document(reports.finding(path="a.pkl"), uri="models/a.pkl")
    alone = replace(about, model=replace(about.model, files=about.model.files[:1]))
    (run,) = rendered(reports.report(reports.decide(alone), documents=(alone,)))["runs"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "models/a.pkl"


def test_long_rule_names_stay_apart() -> None:
    about = reports.document(*(reports.finding(rule="x" * 400 + end) for end in "ab"))
    (run,) = rendered(reports.report(reports.decide(about), documents=(about,)))["runs"]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(ids)) == 2
    assert max(map(len, ids)) <= 255


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(min_size=1, alphabet=st.characters(codec="utf-8")), min_size=1, max_size=4))
def test_any_text_makes_a_valid_log(texts: list[str]) -> None:
    rendered(reports.hostile(texts, texts))
