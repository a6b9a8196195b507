"""The HTML page as a file: only our own elements and attributes, one policy, colours that can be read."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import reports
from weightgate.decision import Applied, ExceptionUse, Violation
from weightgate.formats.html import HtmlFormat
from weightgate.formats.html.words import days_left
from weightgate.formats.interface import Report

ATTRIBUTES = {
    "html": {"lang"},
    "meta": {"charset", "name", "content", "http-equiv"},
    "a": {"href", "class"},
    "th": {"scope"},
    "div": {"class", "tabindex", "role", "aria-label", "aria-labelledby"},
    "section": {"class", "aria-labelledby"},
    "main": {"id"},
    "h2": {"id"},
    "li": {"class", "data-severity", "data-states"},
    "details": {"class", "open"},
    "form": {"class", "role", "aria-label", "hidden"},
    "input": {"type", "id", "name", "autocomplete", "value", "checked"},
    "label": {"for"},
    "select": {"name", "id"},
    "option": {"value"},
    "output": {"name", "aria-live"},
    "span": {"class", "aria-hidden"},
    **{name: {"class"} for name in ("header", "p", "ul", "table", "caption", "code")},
}
PLAIN = {
    *(
        "head",
        "title",
        "style",
        "body",
        "script",
        "h1",
        "h3",
        "h4",
        "bdi",
        "thead",
        "tbody",
        "tr",
        "td",
        "strong",
        "em",
    ),
    *("summary", "fieldset", "legend", "dl", "dt", "dd"),
}
VOID = {"meta", "input"}


class Checker(HTMLParser):
    """Collects what the page holds, and fails on an element or attribute that is not ours."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text: list[str] = []
        self.rows = 0
        self.hrefs: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in PLAIN | ATTRIBUTES.keys(), tag
        assert len(dict(attrs)) == len(attrs)
        assert {name for name, _ in attrs} <= ATTRIBUTES.get(tag, set()), (tag, attrs)
        found = dict(attrs)
        self.rows += found.get("class") == "row"
        self.hrefs += [found["href"] or ""] if "href" in found else []
        self.ids += [found["id"] or ""] if "id" in found else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"comment {data!r}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"processing instruction {data!r}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"declaration {data!r}")


def checked(report: Report) -> Checker:
    checker = Checker()
    page = HtmlFormat().render(report)
    checker.feed(page)
    checker.close()
    assert checker.open == []
    assert len(set(checker.ids)) == len(checker.ids)
    assert all(href.removeprefix("#") in checker.ids for href in checker.hrefs)
    return checker


@pytest.mark.parametrize("make", [reports.allowed, reports.mixed, reports.hostile], ids=lambda make: make.__name__)
def test_the_page_holds_only_our_markup(make: object) -> None:
    checked(make())  # type: ignore[operator]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(reports.HOSTILE),
            st.text(st.sampled_from("<>&\"'/=! -abscript\n`"), min_size=1),
            st.text(min_size=1, alphabet=st.characters(codec="utf-8")),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_text_stays_text(texts: list[str]) -> None:
    report = reports.hostile(texts, texts)
    found = checked(report)
    text = "".join(found.text)
    assert all(item.id in text for item in report.documents[0].findings)
    assert all(char.isprintable() or char in "\n" for char in text)


def test_hostile_text_is_there_word_for_word() -> None:
    text = "".join(checked(reports.hostile()).text)
    assert "<script>alert(1)</script><img src=x onerror=alert(1)>" in text
    assert "user\\u202etxt.exe" in text


def test_the_policy_allows_this_style_and_script_and_nothing_else() -> None:
    page = HtmlFormat().render(reports.hostile())
    (policy,) = re.findall('<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    digests = {}
    for name in ("style", "script"):
        (content,) = re.findall(f"<{name}>(.*?)</{name}>", page, re.DOTALL)
        digests[name] = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    assert policy.replace("&#x27;", "'") == (
        f"default-src 'none'; style-src 'sha256-{digests['style']}'; script-src 'sha256-{digests['script']}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert not re.search(
        r"""(src|action|srcset|poster)\s*=|@import|url\(|https?:""", page.replace("evil.example", "").split("<body>")[0]
    )


def test_every_part_is_there() -> None:
    text = "".join(checked(reports.mixed()).text)
    for words in (
        "0 of 2 models may enter all of dev, prod",
        "Tolerated severity",
        "Add a scanner that reads the file",
        "dev: excused",
        "prod: refused",
        "Excused by EXC-1 until 2026-12-01T00:00:00Z in dev.",
        "7 days",
        "expired, excuses nothing",
        "no owner",
        "not needed here",
        "not supported",
        "cannot parse",
        "OPA 1.22.2 (exec)",
        reports.DIGEST,
        "modelaudit 0.2.54",
        "2026-11-23 10:00:00 UTC",
    ):
        assert words in text, words


@pytest.mark.parametrize(
    ("number", "answer"),
    [(0, "The model may not enter dev, prod"), (1, "The model may not enter dev, prod: evidence is missing")],
)
def test_the_heading_is_the_answer(number: int, answer: str) -> None:
    assert answer in "".join(checked(reports.mixed().of_model(number)).text)
    assert "The model may enter dev, prod" in "".join(checked(reports.allowed()).text)


def test_a_model_without_any_scan_says_so() -> None:
    about = reports.document(scans=())
    said = Violation("outcome.safe", "no scanner looked at this model", None, None, None)
    report = reports.report(reports.decide(about, verdict="indeterminate", violations=(said,)), documents=(about,))
    assert "No scanner looked at this model." in "".join(checked(report).text)


def test_thousands_of_findings_are_all_there() -> None:
    about = reports.document(*(reports.finding(f"title {n}", f"{n % 40}.pkl") for n in range(5000)))
    used = ExceptionUse(tuple(Applied("EXC", item.id, "2027-01-01") for item in about.findings), (), (), ())
    assert checked(reports.report(reports.decide(about, exceptions=used), documents=(about,))).rows == 5000


@pytest.mark.parametrize(
    ("expires", "shown"),
    [
        ("2026-11-23T10:00:00Z", "expired"),
        ("2026-11-23", "expired"),
        ("2026-11-24T09:59:59Z", "less than a day"),
        ("2026-11-24T10:00:00Z", "1 day"),
        ("2026-11-24T12:00:00+02:00", "1 day"),
        ("2026-12-23T10:00:00Z", "30 days"),
        ("soon", "not known"),
    ],
)
def test_days_left(expires: str, shown: str) -> None:
    assert re.sub("<[^>]*>", "", days_left(expires, reports.AT)) == shown


def test_the_remedy_keeps_its_code() -> None:
    assert "with </bdi><code><bdi>--scanner</bdi></code>" in HtmlFormat().render(reports.mixed())


def test_stored_documents_are_named() -> None:
    report = replace(reports.mixed(), stored=("a/findings.json", "b/findings.json"))
    assert "weightgate explain b/findings.json --env prod" in "".join(checked(report).text)


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_contrast_is_at_least_aa(scheme: int) -> None:
    style = files("weightgate.formats.html").joinpath("page.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([\w-]+): (#\w+);", re.findall(r":root \{(.*?)\}", style, re.DOTALL)[scheme]))
    pairs = [(name, f"{name}-sheet") for name in ("deny", "doubt", "allow", "high", "low")]
    pairs += [(ink, ground) for ink in ("ink", "soft", "link") for ground in ("sheet", "page", "mark")]
    pairs += [("doubt", "sheet")]
    assert {
        pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2)
        for pair in pairs
        if contrast(colours[pair[0]], colours[pair[1]]) < 4.5
    } == {}
