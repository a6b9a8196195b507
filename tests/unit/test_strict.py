"""The strict JSON reader and the canonical writer."""

from __future__ import annotations

import hashlib
import json
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weightgate import strict
from weightgate.engine import binary
from weightgate.errors import InvalidDocument


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b'{"a": 1, "a": 1}', 'the key "a" stands twice'),
        (b'{"x": {"a": 1, "b": 2, "a": 3}}', 'the key "a" stands twice'),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": "\xff"}', "byte 7 is not valid UTF-8"),
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
        (b'{"\\udfff": 1}', "half of a surrogate pair"),
        (b"[1, 2", "line 1, column 6: not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
    ],
    ids=[
        "twin",
        "inner-twin",
        "nan",
        "infinity",
        "utf8",
        "surrogate",
        "surrogate-key",
        "cut",
        "bom",
        "empty",
        "two",
        "deep",
        "huge",
    ],
)
def test_what_is_not_strict_json_is_refused_with_its_reason(raw: bytes, problem: str) -> None:
    with pytest.raises(InvalidDocument, match="doc.json") as caught:
        strict.loads(raw, "doc.json")
    assert problem in caught.value.problem


def test_a_document_beyond_the_size_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict, "MAX_BYTES", 10)
    assert strict.loads(b'"12345678"', "x") == "12345678"
    with pytest.raises(InvalidDocument, match="at most 10 are read"):
        strict.loads(b'"123456789"', "x")


READERS = {
    "string": (strict.string, ["", "a"], [1, None, True, ["a"]]),
    "text": (strict.text, ["a", " "], ["", 1, None]),
    "boolean": (strict.boolean, [True, False], [0, 1, "true", None]),
    "count": (strict.count, [0, 2**53 - 1], [-1, 2**53, 1.0, True, "1", None]),
    "time": (
        strict.time,
        ["2026-11-23T10:00:00Z", "2026-11-23T10:00:00.123456789Z"],
        [
            "2026-11-23",
            "2026-11-23T10:00:00",
            "2026-11-23T10:00:00+00:00",
            "2026-13-01T00:00:00Z",
            "2026-11-23T24:00:00Z",
            1,
        ],
    ),
    "sha256": (strict.sha256, ["a" * 64], ["A" * 64, "a" * 63, "g" * 64, "a" * 64 + "\n", None]),
    "digest": (
        strict.prefixed_digest,
        ["sha256:" + "a" * 64],
        ["a" * 64, "sha512:" + "a" * 64, "sha256:" + "a" * 65, None],
    ),
    "word": (strict.word("ON", "OFF"), ["ON"], ["on", "", None, 1, ["ON"]]),
    "nullable": (strict.nullable(strict.text), [None, "a"], ["", 0, False]),
    "array": (strict.array(strict.count), [[], [1, 2]], [None, {}, "", [1, "2"], [None]]),
    "mapping": (strict.mapping(strict.count), [{}, {"a": 1}], [None, [], {"a": "1"}]),
}


@pytest.mark.parametrize("name", READERS)
def test_readers_take_what_they_promise_and_nothing_else(name: str) -> None:
    reader, good, bad = READERS[name]
    for value in good:
        reader(value, "")
    for value in bad:
        with pytest.raises(InvalidDocument):
            reader(value, "")


def test_a_record_is_closed_and_names_the_place_of_what_is_wrong() -> None:
    reader = strict.array(strict.record(dict, {"a/b": strict.count, "c": strict.text}, optional={"d": strict.boolean}))
    assert reader([{"a/b": 1, "c": "x"}], "") == ({"a/b": 1, "c": "x"},)
    assert reader([{"a/b": 1, "c": "x", "d": True}], "") == ({"a/b": 1, "c": "x", "d": True},)
    for value, pointer, words in [
        ({"a/b": 1}, "/0", 'the key "c" is missing'),
        ({"a/b": 1, "c": "x", "e": 1}, "/0/e", "unknown key"),
        ({"a/b": "1", "c": "x"}, "/0/a~1b", "expected a whole number"),
        ({"a/b": 1, "c": "x", "d": None}, "/0/d", "expected true or false"),
        ([], "/0", "expected an object"),
    ]:
        with pytest.raises(InvalidDocument) as caught:
            reader([value], "")
        assert caught.value.pointer == pointer
        assert words in caught.value.problem


def test_the_nearest_right_word_is_offered() -> None:
    with pytest.raises(InvalidDocument, match='did you mean "HIGH"'):
        strict.word("HIGH", "LOW")("HIHG", "")
    with pytest.raises(InvalidDocument, match='did you mean "expires"'):
        strict.record(dict, {"expires": strict.text})({"expirse": "x"}, "")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON_VALUES)
@settings(max_examples=200, deadline=None)
def test_canonical_bytes_are_read_back_and_do_not_depend_on_key_order(value: object) -> None:
    raw = strict.canonical(value)
    assert strict.loads(raw, "x") == value
    assert strict.canonical(json.loads(raw)) == raw
    if isinstance(value, dict):
        assert strict.canonical(dict(reversed(value.items()))) == raw


def test_opa_computes_the_same_digest_as_the_canonical_bytes() -> None:
    alphabet = [chr(number) for number in [*range(0x20), *range(0x20, 0x180), 0x2028, 0x2029, 0xFEFF, 0xFFFD, 0x1F600]]
    values = [
        {char: f"a{char}b" for char in alphabet},
        [1, 0, 2**53 - 1, True, None, {}, [], ""],
        '<>&\u2028\u2029"\\/\x7f',
    ]
    document = {"values": values}
    query = "crypto.sha256(json.marshal(input))"
    done = subprocess.run(
        [binary.find(), "eval", "--format", "raw", "--stdin-input", query],
        input=json.dumps(document).encode(),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().strip() == hashlib.sha256(strict.canonical(document)).hexdigest()
