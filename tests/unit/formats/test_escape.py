"""Text from outside, made harmless for each place."""

from __future__ import annotations

import json
import re
import unicodedata
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.reports import HOSTILE, HOSTILE_PATHS
from weightgate.formats import escape

TEXT = st.one_of(
    st.text(), st.sampled_from(HOSTILE), st.text(st.sampled_from("`|\\[]{}:#%\n\r @<>&\"'./\u202e\x1b\u200b"))
)


@given(TEXT)
def test_printable_leaves_nothing_hidden(text: str) -> None:
    shown = escape.printable(text)
    assert not [char for char in shown if char != " " and unicodedata.category(char)[0] in "CZ"]
    assert shown.isprintable()


@pytest.mark.parametrize("char", "\u115f\u3164\uffa0\u2800\ufe0f\U000e0100\u00a0\u200d\u202e\u2066\x9b")
def test_characters_that_show_nothing_are_named(char: str) -> None:
    assert escape.printable(f"a{char}b").startswith("a\\")


@pytest.mark.parametrize("text", ["std::vector", "a: b", "# heading", "模型 ü", "## [x]"])
def test_harmless_lines_stay_as_they_are(text: str) -> None:
    assert escape.lines(text) == text


@given(TEXT)
def test_no_line_is_a_command_of_a_ci_system(text: str) -> None:
    for line in escape.lines(text).split("\n"):
        assert not line.strip().startswith("::")
        assert not re.search(r"##\w*\[", line)


@given(TEXT)
def test_a_sarif_message_holds_no_link_and_no_placeholder(text: str) -> None:
    shown = escape.message(text)
    assert not re.search(r"(?<!\\)(\\\\)*[\[\]]", shown)
    assert not re.search(r"[{}]", shown.replace("{{", "").replace("}}", ""))


@given(st.one_of(st.text(min_size=1), st.sampled_from(HOSTILE_PATHS)))
def test_a_uri_keeps_the_path_and_leads_nowhere_else(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        return
    made = escape.uri(path)
    assert unquote(made) == path
    assert re.fullmatch(r"[A-Za-z0-9._~%/-]+", made)
    parts = urlsplit(made)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    assert urljoin("https://host/model/", made) == f"https://host/model/{made}"


@given(TEXT)
def test_json_text_means_the_same_and_hides_nothing(text: str) -> None:
    raw = json.dumps([text], ensure_ascii=False, indent=1)
    shown = escape.json_text(raw)
    assert json.loads(shown) == [text]
    assert all(char == "\n" or char.isprintable() for char in shown)


@given(TEXT)
def test_command_data_is_one_line_that_decodes_to_what_is_shown(text: str) -> None:
    for made in (escape.command_data(text), escape.command_property(text)):
        assert not set(made) & {"\r", "\n"}
        decoded = made.replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
        assert decoded == escape.printable(text)
    assert not set(escape.command_property(text)) & {":", ","}


def test_shortened_says_that_something_is_missing() -> None:
    assert escape.shortened("abc", 3) == "abc"
    assert escape.shortened("abcd", 3) == "ab…"
