"""A break-glass grant that was used is the first thing that any output says."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from support import reports
from weightgate.decision import BrokenGlass, broken_glass
from weightgate.formats import break_glass, registry
from weightgate.formats.github import GithubFormat
from weightgate.formats.text import TextFormat

SAID = (
    "BREAK-GLASS BG-2026-001 in prod until 2026-11-23T14:00:00Z: "
    "overrides model.source, severity.threshold for 2 findings"
)


def test_the_grant_is_read_from_the_warnings() -> None:
    dev, prod = reports.broken().decisions
    ids = tuple(sorted(item.id for item in reports.broken().documents[0].findings))
    rules = ("model.source", "severity.threshold")
    assert broken_glass(dev) == ()
    assert broken_glass(prod) == (
        BrokenGlass("BG-2026-001", "2026-11-23T14:00:00Z", "alice, approved by bob, SEC-7", rules, ids),
    )
    assert break_glass.told((dev, prod)) == [f"{SAID}; alice, approved by bob, SEC-7"]


def test_a_warning_that_cannot_be_read_is_told_all_the_same() -> None:
    about = reports.document()
    odd = reports.Violation("break_glass.used", "something else", None, None, None)
    decided = reports.decide(about, warnings=(odd,))
    assert break_glass.told((decided,)) == ["BREAK-GLASS ? in prod until ?: overrides ?; something else"]


@pytest.mark.parametrize("name", registry.HOMES)
@pytest.mark.parametrize(
    "ticket", ["SEC-7", "a\n::error::x", "<b>|`x`", "SEC) (7): "], ids=["plain", "command", "markup", "end"]
)
def test_every_format_says_it(name: str, ticket: str) -> None:
    text = registry.load(name).render(reports.broken(ticket))
    assert "BREAK-GLASS" in text
    assert "BG-2026-001" in text
    assert "\n::error::x" not in text
    assert "<b>" not in text or name != "html"


@pytest.mark.parametrize("name", registry.HOMES)
def test_no_format_says_it_without_a_grant(name: str) -> None:
    assert "BREAK-GLASS" not in registry.load(name).render(reports.mixed())


def test_the_text_says_it_before_anything_else_and_also_when_quiet() -> None:
    about = reports.broken().documents
    alone = reports.report(reports.broken().decisions[1], documents=about)
    for text in (TextFormat().render(alone), TextFormat(quiet=True).render(alone)):
        lines = text.splitlines()
        assert lines[0] == "models/mine  may pass by BREAK-GLASS"
        assert f"  !! {SAID}".startswith(next(line for line in lines if "!!" in line))


def test_a_refusal_by_another_environment_is_no_break_glass_allow() -> None:
    assert TextFormat().render(reports.broken()).splitlines()[0] == "models/mine  may not pass"


def test_github_has_an_annotation_and_an_output(tmp_path: Path) -> None:
    assert f"::warning title=BREAK-GLASS::{SAID}" in GithubFormat({}).render(reports.broken())
    outputs = tmp_path / "outputs"
    GithubFormat({"GITHUB_OUTPUT": str(outputs)}).publish(reports.broken(), None)
    assert "break-glass<<" in outputs.read_text()
    assert "\ntrue\n" in outputs.read_text()
    outputs.write_text("")
    GithubFormat({"GITHUB_OUTPUT": str(outputs)}).publish(reports.mixed(), None)
    assert "break-glass" not in outputs.read_text()


def test_it_stays_severe_in_code_quality_and_warns_in_sarif_and_junit() -> None:
    entries = json.loads(registry.load("codequality").render(reports.broken()))
    assert {entry["severity"] for entry in entries} == {"blocker", "minor"}
    runs = json.loads(registry.load("sarif").render(reports.broken()))["runs"]
    told = runs[1]["invocations"][0]["toolExecutionNotifications"]
    assert [(each["descriptor"]["id"], each["level"]) for each in told] == [("break-glass", "warning")]
    root = ET.fromstring(registry.load("junit").render(reports.broken()))  # noqa: S314
    assert SAID in (root[1].find("testcase/system-out").text or "")
