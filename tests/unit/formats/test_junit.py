"""JUnit: read by a real parser; a refusal is never a green suite."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import junitparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import reports
from weightgate.formats.interface import Report
from weightgate.formats.junit import JunitFormat


def suites(report: Report) -> list[junitparser.TestSuite]:
    parsed = junitparser.JUnitXml.fromstring(JunitFormat().render(report).encode())
    return list(parsed)


def outcome(case: junitparser.TestCase) -> str:
    return type(case.result[0]).__name__ if case.result else "Passed"


def test_outcomes_of_each_environment() -> None:
    found = {
        suite.name: {case.name.split(" (")[0]: outcome(case) for case in suite} for suite in suites(reports.mixed())
    }
    assert found["models/mine in dev"] == {
        "may enter dev": "Failure",
        "CRITICAL: Dangerous global os.system": "Failure",
        "CRITICAL: Malicious code": "Skipped",
        "MEDIUM: Suspicious import": "Passed",
        "LOW: Old protocol": "Passed",
        "config.json": "Passed",
    }
    assert found["models/unread in prod"] == {"may enter prod": "Error", "the scan by modelaudit is failed": "Error"}


def test_counts_are_those_of_the_cases() -> None:
    root = ET.fromstring(JunitFormat().render(reports.mixed()))  # noqa: S314
    for element in (root, *root):
        assert int(element.get("tests", "")) == len(list(element.iter("testcase")))
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(element.get(attribute, "")) == len(list(element.iter(tag)))


def test_an_excused_finding_names_its_exception() -> None:
    assert 'message="excused by EXC-1 until 2026-12-01T00:00:00Z"' in JunitFormat().render(reports.mixed())


@pytest.mark.parametrize("verdict", ["deny", "indeterminate"])
def test_a_refusal_is_red_even_without_a_case_of_its_own(verdict: str) -> None:
    about = reports.document(reports.finding())
    decided = reports.decide(about, verdict=verdict, violations=(reports.refuse(about.findings[0]),))
    (suite,) = suites(reports.report(decided, documents=(about,)))
    assert outcome(next(iter(suite))) == ("Failure" if verdict == "deny" else "Error")


def test_allowed_is_green_and_never_without_a_case() -> None:
    about = reports.document()
    (suite,) = suites(reports.report(reports.decide(about), documents=(about,)))
    assert [outcome(case) for case in suite] == ["Passed"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(min_size=1, alphabet=st.characters(codec="utf-8")), min_size=1, max_size=4))
def test_any_text_makes_xml_that_parses(texts: list[str]) -> None:
    report = reports.hostile(texts, texts)
    found = suites(report)
    findings = {item.id for item in report.documents[0].findings}
    for suite in found:
        assert {case.name.rpartition("(")[2][:-1] for case in suite} >= findings
