"""The findings document: its types, its strict reader, its canonical writer, its schema and its ids."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from weightgate import findings
from weightgate.errors import InvalidDocument
from weightgate.findings import Enforcement, Finding, ModelFile, Severity

FULL: dict[str, Any] = {
    "schema": "weightgate.findings/v1",
    "generated_at": "2026-11-23T10:00:00Z",
    "generator": {"name": "weightgate", "version": "1"},
    "model": {
        "uri": "models/tiny",
        "source": "local",
        "name": "tiny",
        "revision": None,
        "digest": "sha256:" + "d" * 64,
        "files": [{"path": "a/b.pkl", "size": 3, "sha256": "a" * 64, "format": "pickle"}],
    },
    "scans": [
        {
            "scanner": "modelscan",
            "version": "0.8.8",
            "status": "partial",
            "outcome": "CLEAN",
            "started_at": "2026-11-23T09:59:00Z",
            "finished_at": None,
            "files_scanned": 1,
            "unscanned": [{"path": "c.xyz", "reason": "not supported"}],
            "errors": [{"code": "DEPENDENCY", "message": "", "path": None}],
            "reference": {"id": "1", "url": None, "profile": "strict"},
            "report_sha256": "b" * 64,
        }
    ],
    "findings": [
        {
            "id": "wgf-1",
            "scanner": "modelscan",
            "rule": "PickleUnsafeOpScan/os.system",
            "threat": None,
            "category": "unsafe-operator",
            "severity": "CRITICAL",
            "native_severity": "CRITICAL",
            "title": "os.system",
            "description": "<b>&amp;\u2028",
            "path": "a/b.pkl",
            "location": None,
            "remediation": None,
            "references": ["https://example.org"],
            "enforcement": "BLOCKING",
        }
    ],
}


def schema(name: str) -> Draft7Validator:
    text = resources.files("weightgate.schemas").joinpath(f"{name}.schema.json").read_text("utf-8")
    Draft7Validator.check_schema(json.loads(text))
    return Draft7Validator(json.loads(text))


def raw(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_a_document_survives_reading_and_writing_to_the_byte() -> None:
    document = findings.read(raw(FULL))
    written = findings.write(document)
    assert json.loads(written) == FULL
    assert findings.read(written) == document
    assert findings.write(findings.read(written)) == written
    assert not written.endswith(b"\n")


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, item in inner for place in places(item, (*at, key)))]


def changed(at: tuple[Any, ...], change: Any) -> Any:
    value = copy.deepcopy(FULL)
    if not at:
        return change(value)
    target = value
    for key in at[:-1]:
        target = target[key]
    target[at[-1]] = change(target[at[-1]])
    return value


@pytest.mark.parametrize("at", places(FULL), ids=lambda at: "/".join(map(str, at)) or "top")
def test_every_key_is_needed_and_no_other_is_taken(at: tuple[Any, ...]) -> None:
    value = changed(at, lambda item: item)
    target = value
    for key in at:
        target = target[key]
    if not isinstance(target, dict):
        return
    pointer = "".join(f"/{key}" for key in at)
    for key in list(target):
        kept = target.pop(key)
        with pytest.raises(InvalidDocument, match=f'"{key}" is missing') as caught:
            findings.read(raw(value), "f.json")
        assert caught.value.pointer == pointer
        assert not schema("findings").is_valid(value)
        target[key] = kept
    target["severty"] = "LOW"
    with pytest.raises(InvalidDocument, match="unknown key") as caught:
        findings.read(raw(value), "f.json")
    assert caught.value.pointer == f"{pointer}/severty"
    assert not schema("findings").is_valid(value)


@given(
    st.sampled_from(places(FULL)),
    st.sampled_from([None, "", "x", 0, -1, 1.5, True, [], {}, ["x"], {"x": 1}, "low", "LOW"]),
)
@settings(max_examples=400, deadline=None)
def test_the_reader_and_the_json_schema_take_the_same_documents(at: tuple[Any, ...], replacement: Any) -> None:
    value = changed(at, lambda _: replacement)
    valid = schema("findings").is_valid(value)
    try:
        findings.read(raw(value), "f.json")
    except InvalidDocument:
        assert not valid
    else:
        assert valid


def test_the_input_schema_is_the_findings_schema_with_a_context() -> None:
    with_context = {**FULL, "context": {"evaluated_at": "2026-11-23T10:00:00Z"}}
    assert schema("input").is_valid(FULL)
    assert schema("input").is_valid(with_context)
    assert not schema("findings").is_valid(with_context)
    ours, theirs = dict(schema("input").schema), dict(schema("findings").schema)
    properties = dict(ours.pop("properties"))
    properties.pop("context")
    assert properties == theirs.pop("properties")
    for key in ("$id", "title", "description"):
        ours.pop(key)
        theirs.pop(key)
    assert ours == theirs


def test_a_document_cannot_bring_its_own_clock() -> None:
    with pytest.raises(InvalidDocument, match="/context: unknown key"):
        findings.read(raw({**FULL, "context": {"evaluated_at": "2020-01-01T00:00:00Z"}}))


@pytest.mark.parametrize(("key", "list_name"), [("id", "findings"), ("path", "files")])
def test_two_with_one_name_are_refused(key: str, list_name: str) -> None:
    value = copy.deepcopy(FULL)
    items = value["findings"] if list_name == "findings" else value["model"]["files"]
    items.append(copy.deepcopy(items[0]))
    with pytest.raises(InvalidDocument, match=f"the {key} .* stands twice"):
        findings.read(raw(value))


def finding(**changes: Any) -> Finding:
    first = findings.read(raw(FULL)).findings[0]
    return replace(first, **changes)


def test_the_same_finding_has_the_same_id_whatever_is_not_part_of_it() -> None:
    (one,) = findings.identify([finding(id="")])
    for changes in (
        {"id": "other"},
        {"severity": Severity.LOW, "native_severity": "low"},
        {"enforcement": Enforcement.ALLOWING},
        {"references": ()},
        {"remediation": "x"},
        {"title": "shortened"},
    ):
        (other,) = findings.identify([finding(**changes)])
        assert other.id == one.id


@pytest.mark.parametrize("name", ["scanner", "rule", "threat", "path", "location", "description"])
def test_two_different_findings_have_different_ids(name: str) -> None:
    both = findings.identify([finding(), finding(**{name: "other"})])
    assert len({item.id for item in both}) == 2


def test_no_two_fields_can_be_mistaken_for_one_another() -> None:
    both = findings.identify(
        [finding(rule="a", threat="b"), finding(rule="ab", threat=None), finding(rule="a,b", threat=None)]
    )
    assert len({item.id for item in both}) == 3


def test_twins_are_numbered_and_the_order_they_come_in_does_not_matter() -> None:
    twins = findings.identify([finding(), finding(), finding(description="z")])
    assert len({item.id for item in twins}) == 3
    again = findings.identify([finding(description="z"), finding(), finding()])
    assert twins == again


def test_the_digest_of_a_model_depends_on_paths_and_content_only() -> None:
    files = (ModelFile("a", 1, "a" * 64, "json"), ModelFile("b", 1, "b" * 64, "json"))
    digest = findings.model_digest(files)
    assert digest == findings.model_digest(tuple(reversed(files)))
    assert digest == findings.model_digest(tuple(replace(file, format="x", size=9) for file in files))
    assert digest != findings.model_digest((replace(files[0], path="c"), files[1]))
    assert digest != findings.model_digest((replace(files[0], sha256="c" * 64), files[1]))
    swapped = (replace(files[0], sha256="b" * 64), replace(files[1], sha256="a" * 64))
    assert digest != findings.model_digest(swapped)
    assert findings.model_digest((replace(files[0], sha256=None), files[1])) is None


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("critical", "CRITICAL"),
        ("High", "HIGH"),
        ("INFO", "INFO"),
        ("severe", "UNKNOWN"),
        ("", "UNKNOWN"),
        (None, "UNKNOWN"),
        (3, "UNKNOWN"),
    ],
)
def test_a_severity_that_nobody_knows_is_unknown(native: object, expected: str) -> None:
    assert Severity.of(native) is Severity(expected)
