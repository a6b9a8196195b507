"""The HTML page in a real browser: silent, alone, filtered, in light and dark, with and without scripts.

`WEIGHTGATE_SCREENSHOTS=DIR` keeps the pictures.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from support import reports
from support.chromium import Browser, Page, program
from weightgate.formats.html import HtmlFormat
from weightgate.formats.interface import Report

pytestmark = pytest.mark.skipif(
    program() is None, reason="no Chromium here (Debian: apt-get install chromium); the page is not tried in a browser"
)
VISIBLE = "[...document.querySelectorAll('.row')].filter(row => row.checkVisibility()).length"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as started:
        yield started


def write(folder: Path, report: Report) -> Path:
    file = folder / "report.html"
    file.write_text(HtmlFormat().render(report), encoding="utf-8", newline="\n")
    return file


def many(count: int) -> Report:
    words = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO")
    about = reports.document(
        *(
            reports.finding(f"Dangerous global {n}", f"weights/{n % 40:02}.bin", words[n % 5], description=f"Line {n}.")
            for n in range(count)
        )
    )
    bad = tuple(map(reports.refuse, (item for item in about.findings if item.severity.value == "CRITICAL")))
    worse = bad + tuple(map(reports.refuse, (item for item in about.findings if item.severity.value == "HIGH")))
    return reports.report(
        reports.decide(about, "dev", "deny", violations=bad),
        reports.decide(about, "prod", "deny", violations=worse),
        documents=(about,),
    )


def fill(page: Page, name: str, value: str) -> None:
    page.value(
        f"(() => {{ const field = document.forms[0].elements.{name}; field.value = {value!r};"
        " field.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def tick(page: Page, value: str) -> None:
    page.value(f"document.querySelector('form.filters [value={value}]').click()")


def test_no_console_message_and_no_request(browser: Browser, tmp_path: Path) -> None:
    file = write(tmp_path, reports.hostile())
    page = browser.open(file)
    fill(page, "search", "a")
    page.value("document.querySelectorAll('summary').forEach(summary => summary.click())")
    assert page.happened("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded") == []
    assert [event["request"]["url"] for event in page.happened("Network.requestWillBeSent")] == [file.as_uri()]
    assert page.value("performance.getEntriesByType('resource').length") == 0
    assert page.value("document.title").startswith("weightgate: ")
    page.close()


def test_the_policy_stops_what_would_slip_through(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    bad = (
        "<script>document.title = 'bad'</script><img src='https://evil.example/x'><p style='color: red' onclick='x()'>"
    )
    file.write_text(HtmlFormat().render(reports.mixed()).replace("<main", bad + "<main"), encoding="utf-8")
    page = browser.open(file)
    assert page.value("document.title") != "bad"
    assert page.value("getComputedStyle(document.querySelector('p[onclick]')).color") != "rgb(255, 0, 0)"
    assert len(page.happened("Log.entryAdded")) >= 3
    assert [event.get("blockedReason") for event in page.happened("Network.loadingFailed")] == ["csp"]
    page.close()


def test_filters(browser: Browser, tmp_path: Path) -> None:
    page = browser.open(write(tmp_path, reports.mixed().of_model(0)))
    shown = "document.forms[0].elements.shown.value"
    assert page.value(VISIBLE) == 5
    fill(page, "search", "OTHER.bin malicious")
    assert (page.value(VISIBLE), page.value(shown)) == (1, "1 of 5 shown")
    fill(page, "search", "")
    tick(page, "CRITICAL")
    assert page.value(VISIBLE) == 3
    tick(page, "CRITICAL")
    fill(page, "state", "excused")
    assert page.value("document.querySelector('.row:not([hidden]) .title').textContent") == "CRITICAL Malicious code"
    fill(page, "environment", "1")
    assert (page.value(VISIBLE), page.value(shown)) == (0, "0 of 5 shown")
    assert page.value("[...document.querySelectorAll('.file')].every(file => file.hidden)")
    fill(page, "state", "refused")
    assert page.value(VISIBLE) == 4
    fill(page, "environment", "")
    fill(page, "state", "")
    assert page.value(VISIBLE) == 5
    page.close()


def test_without_scripts_everything_is_there(browser: Browser, tmp_path: Path) -> None:
    page = browser.open(write(tmp_path, reports.mixed().of_model(0)), scripts=False)
    assert page.value(VISIBLE) == 5
    assert page.value("document.querySelector('form.filters').checkVisibility()") is False
    page.close()


def test_five_thousand_findings_open_and_filter_quickly(browser: Browser, tmp_path: Path) -> None:
    file = write(tmp_path, many(5000))
    begin = time.monotonic()
    page = browser.open(file)
    assert page.value("document.querySelectorAll('.row').length") == 5000
    assert time.monotonic() - begin < 20
    begin = time.monotonic()
    fill(page, "search", "weights/07 global")
    assert page.value("document.forms[0].elements.shown.value") == "125 of 5000 shown"
    assert page.value(VISIBLE) == 125
    assert time.monotonic() - begin < 10
    page.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_light_and_dark(browser: Browser, tmp_path: Path, dark: bool) -> None:
    page = browser.open(write(tmp_path, reports.mixed()), dark=dark)
    colour = page.value("getComputedStyle(document.body).backgroundColor")
    assert colour == ("rgb(16, 19, 24)" if dark else "rgb(246, 247, 249)")
    picture = page.screenshot()
    assert picture.startswith(b"\x89PNG")
    if folder := os.environ.get("WEIGHTGATE_SCREENSHOTS"):
        Path(folder, f"report-{'dark' if dark else 'light'}.png").write_bytes(picture)
    page.close()


@pytest.mark.parametrize("width", [340, 800, 1600])
@pytest.mark.parametrize("make", [reports.mixed, reports.hostile], ids=lambda make: make.__name__)
def test_nothing_is_wider_than_the_window(browser: Browser, tmp_path: Path, make: object, width: int) -> None:
    page = browser.open(write(tmp_path, make()), width=width)  # type: ignore[operator]
    assert page.value("document.documentElement.scrollWidth") <= width
    page.close()


def test_the_keyboard_reaches_the_report_first(browser: Browser, tmp_path: Path) -> None:
    page = browser.open(write(tmp_path, reports.mixed()))
    page.press("Tab")
    assert page.value("document.activeElement.className") == "skip"
    assert page.value("document.activeElement.getBoundingClientRect().left") >= 0
    reached = []
    for _ in range(12):
        page.press("Tab")
        reached.append(page.value("document.activeElement.tagName"))
    assert {"A", "DIV", "INPUT", "SELECT"} <= set(reached)
    page.close()


def test_headings_and_names_for_those_who_listen(browser: Browser, tmp_path: Path) -> None:
    page = browser.open(write(tmp_path, reports.mixed()))
    levels = page.value("[...document.querySelectorAll('h1,h2,h3,h4')].map(heading => +heading.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    unnamed = page.value("[...document.querySelectorAll('input, select')].filter(field => !field.labels.length).length")
    assert unnamed == 0
    assert page.value("document.querySelectorAll('main, header').length") == 2
    assert page.value("[...document.querySelectorAll('table')].every(table => table.querySelector('th[scope=col]'))")
    page.close()


def test_paper_shows_everything_without_the_filters(browser: Browser, tmp_path: Path) -> None:
    page = browser.open(write(tmp_path, many(300)), dark=True)
    page.value("dispatchEvent(new Event('beforeprint'))")
    page.scheme("dark", media="print")
    assert page.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.value("document.querySelector('form.filters').checkVisibility()") is False
    assert page.value("[...document.querySelectorAll('.row')].every(row => row.getBoundingClientRect().height > 0)")
    page.close()
