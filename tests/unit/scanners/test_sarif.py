"""SARIF 2.1.0: ModelAudit's stored logs, and small logs of other tools, each with one thing wrong."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weightgate import findings
from weightgate.errors import MalformedReport, UsageError
from weightgate.findings import ModelFile, Severity, Status, Unscanned
from weightgate.scanners.interface import Inventory, Limits, Report, ScanResult
from weightgate.scanners.modelaudit import ModelAudit
from weightgate.scanners.sarif import Sarif

ASSETS = Path(__file__).parents[2] / "assets" / "sarif"
WHOLE = "the scan was not complete, and SARIF does not say for which files"


def tree(*paths: str, root: str = "/models/m", unreadable: tuple[Unscanned, ...] = ()) -> Inventory:
    files = tuple(ModelFile(path, 1, "0" * 64, "unknown") for path in sorted(paths))
    return Inventory(root=Path(root), files=files, unreadable=unreadable)


def read(log: Any, inventory: Inventory | None = None, **fields: Any) -> ScanResult:
    content = log if isinstance(log, bytes) else json.dumps(log).encode()
    return Sarif().normalize(Report(content, **fields), inventory)


def at(uri: str, **more: Any) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, **more}}


def result(**given: Any) -> dict[str, Any]:
    return {"ruleId": "R1", "message": {"text": "bad"}, "locations": [at("a.pkl")], **given}


def log(*results: dict[str, Any], rules: Any = (), uris: tuple[str, ...] = ("a.pkl", "b.pkl"), **run: Any) -> Any:
    """A log of one run of a tool that did everything right; what `run` gives as None is left out."""
    whole = {
        "tool": {"driver": {"name": "Tool", "version": "1.2", "rules": list(rules)}},
        "invocations": [{"executionSuccessful": True}],
        "results": list(results),
        "artifacts": [{"location": {"uri": uri}} for uri in uris],
        **run,
    }
    return {"version": "2.1.0", "runs": [{key: value for key, value in whole.items() if value is not None}]}


def codes(read: ScanResult) -> list[str]:
    return [item.code for item in read.scan.errors]


def reasons(read: ScanResult) -> dict[str, str]:
    return {item.path: item.reason for item in read.scan.unscanned}


AB = tree("a.pkl", "b.pkl")


# ModelAudit's stored logs


@pytest.mark.parametrize(
    ("name", "status", "errors", "severities", "files"),
    [
        (
            "edge",
            Status.PARTIAL,
            ["incomplete-coverage", "unsuccessful"],
            {"CRITICAL": 9, "MEDIUM": 6, "INFO": 8},
            12,
        ),
        (
            "malicious",
            Status.FAILED,
            ["incomplete-coverage", "operational-error", "unsuccessful"],
            {"CRITICAL": 53, "MEDIUM": 11, "INFO": 10},
            32,
        ),
    ],
)
def test_a_stored_log(name: str, status: Status, errors: list[str], severities: dict[str, int], files: int) -> None:
    got = read((ASSETS / f"{name}.sarif").read_bytes())
    assert (got.scan.status, got.scan.version, got.scan.files_scanned) == (status, "ModelAudit 0.2.54", files)
    assert codes(got) == errors
    assert Counter(finding.severity.value for finding in got.findings) == severities
    assert len(got.files) == len(got.scan.unscanned) == files
    assert len({finding.id for finding in got.findings}) == len(got.findings)


def test_an_incomplete_log_says_what_little_it_knows_about_each_file() -> None:
    got = reasons(read((ASSETS / "edge.sarif").read_bytes()))
    assert got["bad_crc.pt"] == WHOLE
    assert got["no_config.h5"] == f"{WHOLE}; keras_h5_h5py_unavailable"


def test_modelaudits_uris_are_relative_to_its_working_directory() -> None:
    raw = (ASSETS / "edge.sarif").read_bytes()
    names = [item["location"]["uri"] for item in json.loads(raw)["runs"][0]["artifacts"]]
    there = tree(*(unquote(name).removeprefix("edge/") for name in names), root="/models/edge")
    got = read(raw, there, root="/models/edge")
    assert [f.path for f in got.findings] == [f.path for f in read(raw).findings]
    places = {(f.path, f.location) for f in got.findings}
    assert ("step:100 [bold] final.pkl", " (pos 32)") in places
    assert ("nested.zip", ":inner.zip:model.pkl") in places


def test_the_same_findings_as_in_modelaudits_json() -> None:
    raw = (ASSETS.parent / "modelaudit" / "edge.json").read_bytes()
    mine = read((ASSETS / "edge.sarif").read_bytes()).findings
    json_ones = ModelAudit().normalize(Report(raw), None).findings
    assert sorted((f.path or "", f.location or "", f.severity, f.title) for f in mine) == sorted(
        (f.path or "", f.location or "", f.severity, f.title) for f in json_ones
    )


def test_a_complete_log_of_modelaudit_still_leaves_out_what_it_cannot_read() -> None:
    def artifact(uri: str, **properties: Any) -> dict[str, Any]:
        return {"location": {"uri": uri}, "properties": properties}

    driver = {"name": "ModelAudit", "version": "9"}
    artifacts = [artifact("m/a.pkl", type="pickle"), artifact("m/b.pkl", type="unknown"), artifact("m/c.pkl")]
    invocation = {"executionSuccessful": True, "workingDirectory": {"uri": "file:///models"}}
    got = read(
        log(tool={"driver": driver}, artifacts=artifacts, invocations=[invocation]), tree("a.pkl", "b.pkl", "c.pkl")
    )
    assert list(reasons(got)) == ["b.pkl", "c.pkl"]


# Coverage


def test_a_tool_that_did_everything_right_is_believed() -> None:
    got = read(log(), AB)
    assert (got.scan.status, got.scan.outcome, got.scan.errors, got.findings) == (Status.COMPLETED, "CLEAN", (), ())
    assert (got.scan.scanner, got.scan.version, got.scan.files_scanned) == ("sarif", "Tool 1.2", 2)
    assert got.files == ()
    assert [file.path for file in read(log()).files] == ["a.pkl", "b.pkl"]


_NOTICE = {"message": {"text": "cannot read"}, "level": "error"}
_PROPERTIES = {"executionSuccessful": True}


@pytest.mark.parametrize(
    ("run", "status", "code"),
    [
        ({"invocations": None}, Status.PARTIAL, "no-invocation"),
        ({"invocations": []}, Status.PARTIAL, "no-invocation"),
        ({"invocations": [{}]}, Status.PARTIAL, "unsuccessful"),
        ({"invocations": [{"executionSuccessful": None}]}, Status.PARTIAL, "unsuccessful"),
        ({"invocations": [{"executionSuccessful": False}]}, Status.FAILED, "unsuccessful"),
        ({"invocations": [{"executionSuccessful": True}, {}]}, Status.PARTIAL, "unsuccessful"),
        ({"invocations": [{**_PROPERTIES, "exitSignalName": "SIGKILL"}]}, Status.FAILED, None),
        ({"invocations": [{**_PROPERTIES, "processStartFailureMessage": "no"}]}, Status.FAILED, None),
        (
            {"invocations": [{**_PROPERTIES, "properties": {"incompleteCoverage": True}}]},
            Status.PARTIAL,
            "incomplete-coverage",
        ),
        (
            {"invocations": [{**_PROPERTIES, "properties": {"operationalErrors": ["x"]}}]},
            Status.PARTIAL,
            "operational-error",
        ),
        ({"invocations": [{**_PROPERTIES, "properties": {"filesScanned": 0}}]}, Status.FAILED, None),
        (
            {"invocations": [{**_PROPERTIES, "toolExecutionNotifications": [_NOTICE]}]},
            Status.PARTIAL,
            "notification",
        ),
        (
            {"invocations": [{**_PROPERTIES, "toolConfigurationNotifications": [_NOTICE]}]},
            Status.PARTIAL,
            "notification",
        ),
        ({"results": None}, Status.FAILED, "no-results"),
        ({"artifacts": None}, Status.PARTIAL, "no-artifacts"),
        ({"artifacts": []}, Status.PARTIAL, "no-artifacts"),
        ({"externalPropertyFileReferences": {"results": [{}]}}, Status.PARTIAL, "external-properties"),
    ],
)
def test_a_run_without_proof_vouches_for_nothing(run: dict[str, Any], status: Status, code: str | None) -> None:
    got = read(log(**run), AB)
    assert got.scan.status is status
    assert codes(got) == ([code] if code else [])


@pytest.mark.parametrize("runs", [[], None], ids=["empty", "absent"])
def test_no_runs(runs: Any) -> None:
    value = {"version": "2.1.0", "runs": runs}
    if runs is None:
        with pytest.raises(MalformedReport, match='"runs" is missing'):
            read(value)
    else:
        assert read(value, AB).scan.status is Status.FAILED
        assert len(read(value, AB).scan.unscanned) == 2


def test_parts_that_stand_outside_the_runs_are_an_error() -> None:
    assert codes(read({**log(), "inlineExternalProperties": [{"results": []}]}, AB)) == ["external-properties"]


def test_a_file_that_no_artifact_names_is_unscanned() -> None:
    got = read(log(uris=("a.pkl",)), AB)
    assert reasons(got) == {"b.pkl": "the report does not mention this file"}
    assert read(log(result(locations=[at("b.pkl")]), uris=("a.pkl",)), AB).scan.status is Status.PARTIAL


@pytest.mark.parametrize(
    "artifact",
    [
        {"location": {"uri": "b.pkl"}, "roles": ["resultFile"]},
        {"location": {"uri": "b.pkl"}, "parentIndex": 0},
        {"location": {}},
        {},
    ],
    ids=["another-role", "part-of-another", "no-uri", "no-location"],
)
def test_an_artifact_that_is_no_scanned_file_covers_none(artifact: dict[str, Any]) -> None:
    got = read(log(artifacts=[{"location": {"uri": "a.pkl"}, "roles": ["analysisTarget"]}, artifact]), AB)
    assert list(reasons(got)) == ["b.pkl"]


def test_a_warning_about_a_file_counts_against_it() -> None:
    notice = {"message": {"text": "not parsed"}, "locations": [at("a.pkl")]}
    got = read(log(invocations=[{"executionSuccessful": True, "toolExecutionNotifications": [notice]}]), AB)
    assert reasons(got) == {"a.pkl": "not parsed"}
    notice["level"] = "note"
    got = read(log(invocations=[{"executionSuccessful": True, "toolExecutionNotifications": [notice]}]), AB)
    assert got.scan.status is Status.COMPLETED


def test_a_result_that_says_incomplete_counts_against_its_file() -> None:
    for kind in ("fail", "pass", "informational"):
        got = read(log(result(kind=kind, properties={"analysis_incomplete": True})), AB)
        assert reasons(got) == {"a.pkl": "analysis_incomplete"}
    assert codes(read(log(result(locations=[], properties={"analysis_incomplete": True})), AB)) == ["incomplete"]


def test_runs_are_added_up_and_the_worst_counts() -> None:
    one, two = log(result(), uris=("a.pkl",)), log(result(ruleId="R2"), uris=("b.pkl",))
    two["runs"][0]["tool"]["driver"] = {"name": "Other"}
    both = {"version": "2.1.0", "runs": one["runs"] + two["runs"]}
    got = read(both, AB)
    assert (got.scan.status, got.scan.version, got.scan.files_scanned) == (Status.COMPLETED, "Tool 1.2; Other", 2)
    assert [finding.rule for finding in got.findings] == ["R1", "R2"]
    two["runs"][0]["invocations"] = [{"executionSuccessful": False}]
    assert read({"version": "2.1.0", "runs": one["runs"] + two["runs"]}, AB).scan.status is Status.FAILED


def test_times_come_from_the_invocation() -> None:
    invocation = {"executionSuccessful": True, "startTimeUtc": "2026-11-23T10:00:00Z", "endTimeUtc": "yesterday"}
    scan = read(log(invocations=[invocation]), AB).scan
    assert (scan.started_at, scan.finished_at) == ("2026-11-23T10:00:00Z", None)


# Places


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("a.pkl", "a.pkl"),
        ("file:///models/m/a.pkl", "a.pkl"),
        ("FILE://localhost/models/m/a.pkl", "a.pkl"),
        ("file:/models/m/a.pkl", "a.pkl"),
        ("/models/m/a.pkl", "a.pkl"),
        ("step%3A100%20%5Bbold%5D.pkl", "step:100 [bold].pkl"),
        ("%61.pkl", "a.pkl"),
        ("100%2525.pkl", "100%25.pkl"),
        ("%C3%A9.pkl", "é.pkl"),
    ],
)
def test_a_uri_is_decoded_once(uri: str, path: str) -> None:
    there = tree("a.pkl", "step:100 [bold].pkl", "100%25.pkl", "100%.pkl", "é.pkl")
    got = read(log(result(locations=[at(uri)]), uris=(uri,)), there)
    assert [finding.path for finding in got.findings] == [path]
    assert path not in reasons(got)
    assert codes(got) == []


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.org/a.pkl",
        "file://host/models/m/a.pkl",
        "//host/a.pkl",
        "file:///models/a.pkl",
        "../m/a.pkl",
        "%2e%2e/m/a.pkl",
        "x/../a.pkl",
        "/a.pkl",
        "C:/a.pkl",
        "c.pkl",
        "a.pkl/",
        "./a.pkl",
        "a.pkl#member",
    ],
)
def test_a_place_that_is_no_file_of_the_model_covers_none(uri: str) -> None:
    got = read(log(result(locations=[at(uri)]), uris=(uri,)), AB)
    assert list(reasons(got)) == ["a.pkl", "b.pkl"]
    assert got.scan.status is Status.PARTIAL
    assert set(codes(got)) <= {"path-outside-model", "unknown-path"}
    assert codes(got)
    assert [(finding.path, bool(finding.location)) for finding in got.findings] == [(None, True)]


def test_a_result_alone_that_is_about_no_file_of_the_model_is_an_error() -> None:
    for uri, code in (("/etc/passwd", "path-outside-model"), ("c.pkl", "unknown-path")):
        got = read(log(result(locations=[at(uri)])), AB)
        assert (codes(got), got.scan.status) == ([code], Status.PARTIAL)


def test_a_name_that_is_written_like_a_scheme_has_to_be_encoded() -> None:
    there = tree("x:y.pkl")
    got = read(log(result(locations=[at("x:y.pkl")]), uris=("x:y.pkl",)), there)
    assert (list(reasons(got)), set(codes(got))) == (["x:y.pkl"], {"path-outside-model"})
    assert len(got.findings) == 1
    assert read(log(uris=("x%3Ay.pkl",)), there).scan.status is Status.COMPLETED
    assert read(log(uris=("x:y.pkl",))).scan.status is not Status.COMPLETED


def test_a_member_of_an_archive_is_a_place_in_its_file() -> None:
    got = read(log(result(locations=[at("a.pkl%3A../../x", region={"startLine": 3})])), AB)
    assert [(f.path, f.location) for f in got.findings] == [("a.pkl", ":../../x (line 3)")]
    assert got.scan.status is Status.COMPLETED


def test_bases_stand_on_each_other() -> None:
    bases = {"ROOT": {"uri": "file:///models/"}, "M": {"uri": "m/", "uriBaseId": "ROOT"}, "X": {"uriBaseId": "X"}}
    artifacts = [
        {"location": {"uri": "a.pkl", "uriBaseId": "M"}},
        {"location": {"uri": "m/b.pkl", "uriBaseId": "ROOT"}},
    ]
    assert read(log(originalUriBaseIds=bases, artifacts=artifacts), AB).scan.status is Status.COMPLETED
    for base in ({"uri": "https://example.org/"}, {"uri": "file:///elsewhere/"}):
        got = read(log(originalUriBaseIds={**bases, "ROOT": base}, artifacts=artifacts), AB)
        assert len(got.scan.unscanned) == 2
    assert read(log(originalUriBaseIds={"X": {"uriBaseId": "X"}}, uris=("a.pkl",)), AB).scan.status is Status.PARTIAL


def test_a_location_can_point_to_an_artifact() -> None:
    by_index = {"physicalLocation": {"artifactLocation": {"index": 1}, "region": {"byteOffset": 7}}}
    (finding,) = read(log(result(locations=[by_index])), AB).findings
    assert (finding.path, finding.location) == ("b.pkl", " (offset 7)")
    by_index["physicalLocation"]["artifactLocation"] = {"index": 9}
    assert [f.path for f in read(log(result(locations=[by_index])), AB).findings] == [None]


def test_every_location_is_a_finding_of_its_own() -> None:
    got = read(log(result(locations=[at("a.pkl"), at("b.pkl")]), result(locations=[])), AB)
    assert [finding.path for finding in got.findings] == [None, "a.pkl", "b.pkl"]


# Severity


@pytest.mark.parametrize(
    ("given", "rule", "severity", "native"),
    [
        ({"level": "error"}, {}, Severity.UNKNOWN, "error"),
        ({"level": "warning"}, {}, Severity.MEDIUM, "warning"),
        ({"level": "note"}, {}, Severity.LOW, "note"),
        ({"level": "none"}, {}, Severity.INFO, "none"),
        ({"level": "catastrophe"}, {}, Severity.UNKNOWN, "catastrophe"),
        ({}, {}, Severity.MEDIUM, "warning"),
        ({}, {"defaultConfiguration": {"level": "error"}}, Severity.UNKNOWN, "error"),
        ({"level": "note"}, {"defaultConfiguration": {"level": "error"}}, Severity.LOW, "note"),
        ({"level": "error", "rank": 90.0}, {}, Severity.UNKNOWN, "error"),
        ({"level": "note"}, {"properties": {"security-severity": "9.0"}}, Severity.CRITICAL, "note 9.0"),
        ({"level": "note"}, {"properties": {"security-severity": "8.9"}}, Severity.HIGH, "note 8.9"),
        ({"level": "note"}, {"properties": {"security-severity": 7}}, Severity.HIGH, "note 7"),
        ({"level": "note"}, {"properties": {"security-severity": 4.0}}, Severity.MEDIUM, "note 4.0"),
        ({"level": "note"}, {"properties": {"security-severity": "0.1"}}, Severity.LOW, "note 0.1"),
        ({"level": "note"}, {"properties": {"security-severity": "0"}}, Severity.INFO, "note 0"),
        ({"level": "note"}, {"properties": {"security-severity": "high"}}, Severity.UNKNOWN, "note high"),
        ({"level": "note"}, {"properties": {"security-severity": "nan"}}, Severity.UNKNOWN, "note nan"),
        ({"level": "note"}, {"properties": {"security-severity": 11}}, Severity.UNKNOWN, "note 11"),
        ({"level": "note"}, {"properties": {"security-severity": -1}}, Severity.UNKNOWN, "note -1"),
        ({"level": "note"}, {"properties": {"security-severity": True}}, Severity.UNKNOWN, "note True"),
        (
            {"level": "note", "properties": {"security-severity": "9.9"}},
            {"properties": {"security-severity": "1"}},
            Severity.CRITICAL,
            "note 9.9",
        ),
        ({"kind": "open"}, {}, Severity.UNKNOWN, "none"),
        ({"kind": "review"}, {}, Severity.UNKNOWN, "none"),
        ({"kind": "a new word"}, {}, Severity.UNKNOWN, "none"),
        ({"kind": "informational"}, {}, Severity.INFO, "none"),
        ({"kind": "informational", "level": "error"}, {}, Severity.UNKNOWN, "error"),
    ],
)
def test_severity(given: dict[str, Any], rule: dict[str, Any], severity: Severity, native: str) -> None:
    (finding,) = read(log(result(**given), rules=[{"id": "R1", **rule}]), AB).findings
    assert (finding.severity, finding.native_severity) == (severity, native)


def test_results_that_report_nothing_are_no_findings() -> None:
    assert read(log(result(kind="pass"), result(kind="notApplicable")), AB).findings == ()


@pytest.mark.parametrize("level", ["error", "warning", "note"])
def test_only_modelaudits_own_ranks_are_known(level: str) -> None:
    driver = {"driver": {"name": "ModelAudit", "version": "9"}}
    (finding,) = read(log(result(level=level, rank=1.0), tool=driver), AB).findings
    assert finding.severity is {"error": Severity.UNKNOWN, "warning": Severity.MEDIUM, "note": Severity.LOW}[level]


# Rules and text


def test_rule_of_a_result() -> None:
    rules = [{"id": "R0"}, {"id": "R1", "helpUri": "https://example.org/R1", "help": {"text": "mend it"}}]
    for named in (
        {"ruleId": "R1"},
        {"ruleId": None, "ruleIndex": 1},
        {"ruleId": None, "rule": {"id": "R1"}},
        {"ruleId": None, "rule": {"index": 1}},
        {"ruleId": "R1", "ruleIndex": 0},
    ):
        (finding,) = read(log(result(**named), rules=rules), AB).findings
        assert (finding.rule, finding.remediation, finding.references) == ("R1", "mend it", ("https://example.org/R1",))


def test_a_rule_of_an_extension_and_a_case_of_a_rule() -> None:
    tool = {"driver": {"name": "T", "rules": [{"id": "R1"}]}, "extensions": [{"name": "E", "rules": [{"id": "E1"}]}]}
    in_extension = result(ruleId=None, rule={"index": 0, "toolComponent": {"index": 0}})
    case = result(ruleId="R1/2", ruleIndex=0)
    assert [f.rule for f in read(log(in_extension, case, tool=tool), AB).findings] == ["E1", "R1/2"]


def test_another_rules_low_number_does_not_count() -> None:
    rules = [{"id": "R0", "properties": {"security-severity": "0.1"}}]
    (finding,) = read(log(result(level="error", ruleIndex=0), rules=rules), AB).findings
    assert finding.severity is Severity.UNKNOWN


def test_a_result_without_anything_is_still_a_finding() -> None:
    (finding,) = read(log({}), AB).findings
    assert (finding.rule, finding.title, finding.path, finding.severity) == (
        "unnamed",
        "(no text)",
        None,
        Severity.MEDIUM,
    )


def test_a_message_of_the_rule_gets_its_arguments() -> None:
    rules = [
        {"id": "R1", "messageStrings": {"default": {"text": "{0} in {1}, {2}"}}, "properties": {"tags": ["Sec rity"]}}
    ]
    (finding,) = read(log(result(message={"id": "default", "arguments": ["x", "y"]}), rules=rules), AB).findings
    assert (finding.description, finding.category) == ("x in y, {2}", "sec-rity")


def test_a_suppression_in_the_report_hides_nothing() -> None:
    for status in ("accepted", "rejected"):
        (finding,) = read(log(result(suppressions=[{"kind": "external", "status": status}])), AB).findings
        assert finding.description == "bad\n\nSuppressed in the report, which excuses nothing here."
    (finding,) = read(log(result(suppressions=[], baselineState="unchanged")), AB).findings
    assert finding.description == "bad"


# Not SARIF 2.1.0, and damage


def check_document(result: ScanResult) -> None:
    """Fail unless `result` can stand in a findings document."""
    model = findings.Model("file:m", findings.Source.LOCAL, None, None, None, result.files)
    generator = findings.Generator("weightgate", "0")
    document = findings.FindingsDocument("2026-11-23T10:00:00Z", generator, model, (result.scan,), result.findings)
    assert findings.read(findings.write(document)) == document


@pytest.mark.parametrize(
    "value",
    [
        b"[]",
        b"{",
        b"{} {}",
        {"runs": []},
        {"version": "2.0.0", "runs": []},
        {"version": 2.1, "runs": []},
        {"version": "2.1.0", "runs": {}},
        {"version": "2.1.0", "runs": [1]},
        {"version": "2.1.0", "runs": [{}]},
        {"version": "2.1.0", "runs": [{"tool": {}}]},
        {"version": "2.1.0", "runs": [{"tool": {"driver": {}}}]},
        log(result(locations={})),
        log(result(message="text")),
        log(uris=("%ff.pkl",)),
    ],
    ids=str,
)
def test_what_is_no_sarif_is_malformed(value: Any) -> None:
    with pytest.raises(MalformedReport, match="SARIF report"):
        read(value)


def test_it_cannot_be_run() -> None:
    with pytest.raises(UsageError, match="normalize --scanner sarif"):
        Sarif().run(AB, Limits(), lambda line: None)


def _slots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [slot for key, item in items for slot in [(*path, key), *_slots(item, (*path, key))]]


_EDGE = json.loads((ASSETS / "edge.sarif").read_bytes())
_SLOTS = _slots(_EDGE)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(_SLOTS),
    st.sampled_from(["delete", None, True, False, 0, -1, 1.5, "", "x", "https://e.org/%ff", [], {}, [1], [[]], [{}]]),
)
def test_damage_never_makes_a_bad_scan_good(slot: tuple[Any, ...], value: Any) -> None:
    damaged = json.loads(json.dumps(_EDGE))
    holder = damaged
    *above, last = slot
    for step in above:
        holder = holder[step]
    if value == "delete":
        del holder[last]
    else:
        holder[last] = value
    with suppress(MalformedReport):
        got = read(damaged)
        check_document(got)
        assert got.scan.status is not Status.COMPLETED
        results = damaged["runs"][0].get("results") if damaged["runs"] else None
        assert len(got.findings) >= sum(len(item.get("locations") or [1]) for item in results or [])


def test_a_log_of_10000_results_is_read_in_time() -> None:
    big = json.loads(json.dumps(_EDGE))
    big["runs"][0]["results"] *= 440
    began = time.process_time()
    assert len(read(big).findings) > 10_000
    assert time.process_time() - began < 4  # about 1 s on a slow machine; a quadratic step takes minutes
