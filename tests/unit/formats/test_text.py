"""The text that a person reads first: the answer, why, and what to do."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest

from support import reports
from weightgate.decision import Violation
from weightgate.formats.interface import Report
from weightgate.formats.text import MOST_SHOWN, Style, TextFormat


def one(*titles: str, path: str = "model.pkl") -> Report:
    about = reports.document(*(reports.finding(title, path, location=f"pos {n}") for n, title in enumerate(titles)))
    decided = reports.decide(about, verdict="deny", violations=tuple(map(reports.refuse, about.findings)))
    return reports.report(decided, documents=(about,))


def test_the_first_lines_are_the_answer() -> None:
    lines = TextFormat().render(reports.mixed()).splitlines()
    assert lines[0] == "models/mine  may not pass"
    verdicts = lines.index("") + 1
    assert re.fullmatch(r"  dev   DENY +2 critical, .* · 1 reason to refuse · 2 warnings · 1 excused", lines[verdicts])
    assert re.fullmatch(r"  prod  DENY +2 critical, .* · 4 reasons to refuse", lines[verdicts + 1])
    assert lines[verdicts + 2 : verdicts + 4] == ["", "Why"]


@pytest.mark.parametrize(
    ("report", "answer"),
    [
        (reports.allowed(), "may pass"),
        (reports.mixed().of_model(0), "may not pass"),
        (reports.mixed().of_model(1), "may not pass: evidence is missing"),
    ],
    ids=["allow", "deny", "indeterminate"],
)
def test_each_verdict_has_its_words(report: Report, answer: str) -> None:
    assert TextFormat().render(report).splitlines()[0].partition("  ")[2] == answer


def test_the_severity_stands_once() -> None:
    text = TextFormat().render(one("CRITICAL: Malicious code"))
    assert "CRITICAL  Malicious code" in text
    assert "CRITICAL: " not in text


def test_findings_that_read_the_same_are_one() -> None:
    text = TextFormat().render(one(*["Dangerous global"] * 5))
    assert text.count("Dangerous global") == 1
    assert "and 4 alike" in text
    assert TextFormat(verbose=1).render(one(*["Dangerous global"] * 5)).count("wgf-") >= 5


def test_an_environment_is_named_only_where_they_differ() -> None:
    text = TextFormat().render(reports.mixed())
    assert "Dangerous global os.system\n" in text
    assert "Malicious code  [prod]" in text.replace("\n" + " " * 14, " ")


def test_what_is_left_out_is_counted_and_verbose_shows_it() -> None:
    report = one(*(f"title {n:03}" for n in range(100)))
    assert f"… and {100 - MOST_SHOWN} more (-v shows all)" in TextFormat().render(report)
    everything = TextFormat(verbose=1).render(report)
    assert "more (-v" not in everything
    assert all(f"title {n:03}" in everything for n in range(100))


def test_the_first_screen_holds_the_whole_answer_to_thousands_of_findings() -> None:
    about = reports.document(*(reports.finding(f"t {n}", f"{n}.pkl", remediation=f"r {n}") for n in range(3000)))
    decided = reports.decide(about, verdict="deny", violations=tuple(map(reports.refuse, about.findings)))
    assert len(TextFormat().render(reports.report(decided, documents=(about,))).splitlines()) < 50


def test_quiet_says_nothing_of_what_may_pass() -> None:
    assert TextFormat(quiet=True).render(reports.allowed()) == ""
    about, bad = reports.document(uri="models/good"), reports.mixed().documents[1]
    failed = Violation("outcome.safe", "failed", None, None, None)
    report = reports.report(
        reports.decide(about),
        reports.decide(bad, verdict="indeterminate", violations=(failed,)),
        documents=(about, bad),
    )
    text = TextFormat(quiet=True).render(report)
    assert "models/good" not in text
    assert "INDETERMINATE" in text


def test_excused_findings_are_told_with_their_exception() -> None:
    text = " ".join(TextFormat().render(reports.mixed()).split())
    assert "dev: EXC-1 excuses 1 finding until 2026-12-01T00:00:00Z: Malicious code in sub/other.bin (wgf-" in text
    assert "EXC-OLD has expired" in text
    assert "EXC-BAD is rejected and excuses nothing: no owner" in text


def test_what_was_not_scanned_is_shown_when_asked() -> None:
    assert "config.json: not supported" not in TextFormat().render(reports.mixed())
    assert "modelaudit: config.json: not supported" in TextFormat(verbose=1).render(reports.mixed())


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("make", [reports.mixed, reports.hostile], ids=lambda make: make.__name__)
def test_lines_fit(width: int, make: object) -> None:
    text = TextFormat(Style(width)).render(make())  # type: ignore[operator]
    wrapped = [line for line in text.splitlines() if line.startswith((" " * 14, "  - ", "policy "))]
    assert len(wrapped) > 5
    assert [line for line in wrapped if len(line) > width + len("\\x3a:") - 2] == []


def test_no_escape_sequence_but_our_colours() -> None:
    assert "\x1b" not in TextFormat().render(reports.hostile())
    coloured = TextFormat(Style(100, colour=True)).render(reports.hostile())
    assert set(re.findall("\x1b[^m]*m", coloured)) <= {
        f"\x1b[{code}m" for code in ("0", "1", "2", "31", "31;1", "32", "33", "33;1")
    }
    assert "\x1b" not in re.sub("\x1b\\[[0-9;]*m", "", coloured)


def test_commands_name_the_stored_document() -> None:
    report = replace(reports.mixed(), stored=("o u t/findings.json", "x/findings.json"))
    text = TextFormat().render(report)
    assert "weightgate explain 'o u t/findings.json' --env prod" in text
    assert "weightgate explain x/findings.json --env prod" in text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_only_on_a_terminal_that_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    assert Style.of(Terminal()) == Style(80, colour=True)
    assert Style.of(io.StringIO()) == Style(100, colour=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Style.of(Terminal()).colour
