"""YAML is read strictly, and as OPA reads it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from weightgate import strict
from weightgate.engine import binary
from weightgate.errors import PolicyError
from weightgate.policy import yamlfile


def load(text: str) -> yamlfile.YamlFile:
    return yamlfile.load(text.encode("utf-8"), "data.yaml")


def test_values_and_their_lines() -> None:
    file = load("a: 1\nb:\n  - x\n  - {c: null}\n'd/e~': true\n")
    assert file.value == {"a": 1, "b": ["x", {"c": None}], "d/e~": True}
    assert file.lines == {"": 1, "/a": 1, "/b": 2, "/b/0": 3, "/b/1": 4, "/b/1/c": 4, "/d~1e~0": 5}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 'the key "a" stands twice'),
        ("a:\n  b: {c: 1, c: 2}\n", 2, 'the key "c" stands twice'),
        ("a: 1\n'a': 2\n", 2, "stands twice"),
        ("a: 010\n", 1, "neither a word nor a plain whole number"),
        ("a: 0x10\n", 1, "neither"),
        ("a: 1_000\n", 1, "neither"),
        ("a: 1.5\n", 1, "neither"),
        ("a: .inf\n", 1, "neither"),
        ("a: 12345678901234567890\n", 1, "neither"),
        ("a: 1:30\n", 1, "neither"),
        ("x: 1\na: !!binary aGk=\n", 2, "neither"),
        ("a: !mine x\n", 1, "neither"),
        ("a: !!set {b}\n", 1, "the tag"),
        ("a: {b\n", 2, "not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "not YAML"),
        ("a: 1\n b: 2\n", 2, "not YAML"),
        ("? [a]\n: 1\n", 1, "a key must be a word"),
        ("<<: {a: 1}\n", 1, "a key must be a word"),
    ],
)
def test_what_is_odd_is_an_error_with_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load(text)
    assert str(caught.value).startswith(f"data.yaml:{line}: ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"), [("a: 1\nb: &x 1\nc: *x\n", 2), ("a: &x 1\n", 1), ("&x a: 1\n", 1), ("a:\n  - *x\n", 2)]
)
def test_anchors_are_an_error_with_its_line(text: str, line: int) -> None:
    with pytest.raises(PolicyError, match=f"^data.yaml:{line}: anchors and aliases"):
        load(text)


def test_the_characters_of_anchors_are_allowed_in_words() -> None:
    assert load("a: 'x/*&'\nb: R&D\n").value == {"a": "x/*&", "b": "R&D"}


def test_bytes_that_are_no_text_are_an_error() -> None:
    with pytest.raises(PolicyError, match=r"data\.yaml: byte 3 is not valid UTF-8"):
        yamlfile.load(b"a: \xff\n", "data.yaml")


def test_a_file_that_is_too_large_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yamlfile, "MAX_BYTES", 4)
    assert load("a: 1").value == {"a": 1}
    with pytest.raises(PolicyError, match="has 5 bytes; at most 4"):
        load("a: 12")


def test_what_is_nested_too_deeply_is_an_error() -> None:
    with pytest.raises(PolicyError, match="not YAML"):
        load("[" * 5000)


def test_an_empty_file_has_no_value() -> None:
    assert load("# nothing\n").value is None


def test_an_error_names_the_nearest_line_above() -> None:
    file = load("a:\n  b: 1\n")
    assert str(file.error("/a/b/c/d", "x")).startswith("data.yaml:2: /a/b/c/d: x")
    assert str(file.error("", "x")).startswith("data.yaml:1: /: x")


def test_a_reader_s_error_gets_the_line() -> None:
    with pytest.raises(PolicyError, match=r'^data\.yaml:2: /b: found "x"; expected a whole number'):
        load("a: 1\nb: x\n").read(strict.mapping(strict.count))


WORDS = """\
a: [off, on, yes, no, y, n, Off, TRUE, true, false, True, FALSE, ~, null, Null]
b: [2026-11-20, 2026-11-20T00:00:00Z, 0, -7, '1']
"""


def test_words_are_what_opa_takes_them_for(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text(WORDS, encoding="utf-8")
    command = [binary.find(), "eval", "-d", tmp_path, "--format", "raw", "[data.a, data.b]"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert list(load(WORDS).value.values()) == json.loads(done.stdout)
