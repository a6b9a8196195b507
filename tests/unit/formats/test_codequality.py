"""GitLab's code-quality report: one entry a finding, with what each environment made of it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from support import reports
from weightgate.formats.codequality import CodeQualityFormat
from weightgate.formats.interface import Report


def entries(report: Report) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(CodeQualityFormat().render(report))
    for entry in found:
        assert entry.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert entry["location"]["path"]
        assert entry["location"]["lines"] == {"begin": 1}
    assert len({entry["fingerprint"] for entry in found}) == len(found)
    return found


def test_entries() -> None:
    found = {entry["description"]: entry for entry in entries(reports.mixed())}
    assert {text: entry["severity"] for text, entry in found.items()} == {
        "Dangerous global os.system (dev: refused; prod: refused)": "blocker",
        "Malicious code. exception EXC-1 excuses this only until 2026-12-01 "
        "(dev: excused by EXC-1 until 2026-12-01T00:00:00Z; prod: refused)": "blocker",
        "Suspicious import (dev: tolerated; prod: refused)": "major",
        "Old protocol (dev: tolerated; prod: tolerated)": "minor",
        "config.json (json) was not scanned (dev: warned; prod: refused)": "blocker",
        "the scan by modelaudit is failed (dev: refused; prod: refused)": "blocker",
    }
    assert found["Old protocol (dev: tolerated; prod: tolerated)"]["location"]["path"] == "models/mine"


def test_an_excused_finding_stays_as_information() -> None:
    report = reports.mixed()
    dev = reports.report(report.decisions[0], documents=report.documents[:1])
    (entry,) = [entry for entry in entries(dev) if "EXC-1 until" in entry["description"]]
    assert entry["severity"] == "info"


def test_two_models_with_one_finding_have_two_entries() -> None:
    one, two = reports.document(reports.finding()), reports.document(reports.finding(), uri="models/two")
    assert len(entries(reports.report(reports.decide(one), reports.decide(two), documents=(one, two)))) == 2


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(min_size=1, alphabet=st.characters(codec="utf-8")), min_size=1, max_size=4))
def test_any_text_makes_a_report(texts: list[str]) -> None:
    for entry in entries(reports.hostile(texts, texts)):
        assert entry["description"].isprintable()
        assert entry["location"]["path"].isprintable()
