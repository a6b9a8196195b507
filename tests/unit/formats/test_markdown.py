"""Markdown: nothing of a model becomes markup, and it always fits into a comment."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from support import reports
from weightgate.decision import Violation
from weightgate.formats.escape import code, prose
from weightgate.formats.interface import Report
from weightgate.formats.markdown import LONGEST, MarkdownFormat, marker

PARSER = MarkdownIt("gfm-like", {"html": True})
TEXT = st.one_of(
    st.sampled_from(reports.HOSTILE),
    st.text(st.sampled_from("`|\\[]()!<>@#*_~$&;:\n /a-"), min_size=1),
    st.text(min_size=1, alphabet=st.characters(codec="utf-8")),
)


def tokens(text: str) -> list[Token]:
    return [token for block in PARSER.parse(text) for token in (block, *(block.children or ()))]


def check(report: Report) -> str:
    """Render, and check that the only HTML is the marker, and that nothing but code holds odd text."""
    text = MarkdownFormat().render(report)
    found = tokens(text)
    html = [token.content.strip() for token in found if token.type.startswith("html")]
    assert html == [marker(report.environments)]
    kinds = {token.type for token in found}
    assert not kinds & {"link_open", "image", "em_open", "s_open", "fence", "code_block", "blockquote_open", "hr"}
    rows = [token for token in found if token.type == "tr_open"]
    cells = [token for token in found if token.type in ("th_open", "td_open")]
    assert len(rows) == len(report.documents) + 1
    assert len(cells) == len(rows) * (len(report.environments) + 1)
    words = " ".join(token.content for token in found if token.type == "text")
    assert not set(words) & set("@<>[]$`{}~")
    assert "://" not in words
    assert len(text) <= LONGEST
    return text


@pytest.mark.parametrize("make", [reports.allowed, reports.mixed, reports.hostile], ids=lambda make: make.__name__)
def test_only_code_holds_text_from_outside(make: object) -> None:
    check(make())  # type: ignore[operator]


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=4))
def test_any_text_stays_in_code(texts: list[str]) -> None:
    check(reports.hostile(texts, texts))


@given(TEXT)
def test_a_code_span_shows_the_text_and_nothing_else(text: str) -> None:
    (inline,) = [token for token in PARSER.parse(f"x {code(text)} y") if token.type == "inline"]
    assert [token.type for token in inline.children or ()] == ["text", "code_inline", "text"]


@given(TEXT)
def test_prose_makes_no_markup(text: str) -> None:
    kinds = {token.type for token in tokens(f"- x {prose(text)}")}
    assert {kind.removesuffix("_open").removesuffix("_close") for kind in kinds} <= {
        *("bullet_list", "list_item", "paragraph", "inline", "text", "code_inline")
    }


@pytest.mark.parametrize("uri", ["a | b", "a \\| b", "|", "`|`", "\\|\\"])
def test_a_table_cell_holds_the_whole_name(uri: str) -> None:
    about = reports.document(uri=uri)
    text = MarkdownFormat().render(reports.report(reports.decide(about), documents=(about,)))
    found = tokens(text)
    body = found[[token.type for token in found].index("tbody_open") :]
    cells = [after.content for before, after in pairwise(body) if before.type == "td_open"]
    assert cells == [code(uri), "✅ allow"]
    assert next(token.content for token in body if token.type == "code_inline").strip() == uri.replace("|", "\\x7c")


def test_prose_reads_as_it_was_written() -> None:
    text = "Scan with `weightgate scan` too, or set environments/<env>/data.yaml; it's (not) a.b."
    assert prose(text) == "Scan with `weightgate scan` too, or set `environments/<env>/data.yaml;` it's (not) a.b."


def test_the_answer_comes_first_and_every_state_is_told() -> None:
    text = check(reports.mixed())
    lines = text.splitlines()
    assert lines[:2] == ["<!-- weightgate report: dev,prod -->", "## ❌ weightgate: refused"]
    for words in (
        "EXC-1` until `2026-12-01",
        "EXC-OLD` has expired",
        "EXC-BAD` is rejected",
        "`not supported`",
        "weightgate explain",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("model", "heading"), [(0, "❌ weightgate: refused"), (1, "⚠️ weightgate: refused, evidence is missing")]
)
def test_the_heading_is_the_worst_verdict(model: int, heading: str) -> None:
    assert f"## {heading}\n" in MarkdownFormat().render(reports.mixed().of_model(model))


def test_thousands_of_findings_are_cut_and_counted() -> None:
    about = reports.document(*(reports.finding(f"title {n} " + "x" * 200, f"{n % 50}.pkl") for n in range(5000)))
    decided = reports.decide(about, verdict="deny", violations=tuple(map(reports.refuse, about.findings)))
    text = check(reports.report(decided, documents=(about,)))
    assert "lines more do not fit" in text
    assert text.rstrip().splitlines()[-1].startswith("Policy `sha256:")


def test_thousands_of_models_fit_too() -> None:
    about = [reports.document(uri=f"models/{n}/" + "y" * 150) for n in range(800)]
    report = reports.report(*map(reports.decide, about), documents=tuple(about))
    assert len(MarkdownFormat().render(report)) <= LONGEST


def test_words_of_rules_may_be_long_and_odd() -> None:
    about = reports.document()
    said = Violation("own.rule", "z" * 100_000, None, None, "p" * 100_000)
    check(reports.report(reports.decide(about, verdict="deny", violations=(said,)), documents=(about,)))


def test_comments_about_other_environments_have_another_marker() -> None:
    assert marker(("dev",)) != marker(("dev", "prod"))
    assert marker(("a--><script>",)) == "<!-- weightgate report: a-script- -->"


def test_stored_documents_are_named_in_the_commands() -> None:
    report = replace(reports.mixed().of_model(0), stored=("out dir/findings.json",))
    assert "`weightgate explain 'out dir/findings.json' --env prod`" in MarkdownFormat().render(report)
