"""ModelAudit: every stored report, every trap of its format, and real runs."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support import models
from weightgate import findings
from weightgate.errors import MalformedReport, ScannerError, ScannerNotInstalled
from weightgate.findings import Finding, ModelFile, Severity, Status, Unscanned
from weightgate.inventory import walk
from weightgate.scanners import modelaudit
from weightgate.scanners.installations import Program, program
from weightgate.scanners.interface import Inventory, Limits, Report, ScanResult
from weightgate.scanners.modelaudit import ModelAudit

ASSETS = Path(__file__).parents[2] / "assets" / "modelaudit"
Edit = Callable[[dict[str, Any]], object]


def stored(name: str, edit: Edit | None = None, **fields: Any) -> Report:
    """The stored report `name`, perhaps edited."""
    raw = (ASSETS / f"{name}.json").read_bytes()
    if edit is not None:
        value = json.loads(raw)
        edit(value)
        raw = json.dumps(value).encode()
    return Report(raw, **fields)


def read(name: str, edit: Edit | None = None, inventory: Inventory | None = None, **fields: Any) -> ScanResult:
    return ModelAudit().normalize(stored(name, edit, **fields), inventory)


def tree(*paths: str, root: str = "/models/hub", unreadable: tuple[Unscanned, ...] = ()) -> Inventory:
    files = tuple(ModelFile(path, 1, "0" * 64, "unknown") for path in sorted(paths))
    return Inventory(root=Path(root), files=files, unreadable=unreadable)


HUB = tree("README.md", "config.json", "model.safetensors", "tokenizer_config.json")


def reasons(result: ScanResult) -> dict[str, str]:
    return {item.path: item.reason for item in result.scan.unscanned}


def codes(result: ScanResult) -> list[str]:
    return [item.code for item in result.scan.errors]


# Every stored report


@pytest.mark.parametrize(
    ("name", "exit_code", "status", "unscanned", "errors", "severities"),
    [
        (
            "benign",
            2,
            Status.PARTIAL,
            ["add.onnx", "dense.h5", "dense.keras", "sklearn_like.pkl", "torch_legacy.bin", "torch_state.pt"],
            ["onnx_dependency_unavailable"],
            {"MEDIUM": 5, "INFO": 5},
        ),
        (
            "edge",
            1,
            Status.PARTIAL,
            [
                "bad_version.gguf",
                "cut_short.pkl",
                "empty.pkl",
                "encrypted.zip",
                "header_too_long.safetensors",
                "no_config.h5",
                "not_a_zip.keras",
                "unparsable.pkl",
            ],
            [],
            {"CRITICAL": 9, "MEDIUM": 6, "INFO": 8},
        ),
        ("hub", 0, Status.COMPLETED, [], [], {}),
        ("lambda-h5", 2, Status.PARTIAL, ["lambda.h5"], [], {"INFO": 1}),
        ("malicious-hub", 1, Status.PARTIAL, ["modeling_custom.py"], [], {"CRITICAL": 5, "MEDIUM": 6, "INFO": 1}),
        ("missing-path", 2, Status.FAILED, [], ["no-files", "operational-error"], {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("with_exit_code", [True, False], ids=["exit-code", "no-exit-code"])
def test_a_stored_report(
    name: str,
    exit_code: int,
    status: Status,
    unscanned: list[str],
    errors: list[str],
    severities: dict[str, int],
    with_exit_code: bool,
) -> None:
    result = read(name, exit_code=exit_code if with_exit_code else None)
    assert result.scan.status is status
    assert result.scan.outcome == (None if status is Status.FAILED else "CLEAN")
    assert [item.path for item in result.scan.unscanned] == unscanned
    assert codes(result) == errors
    assert Counter(finding.severity.value for finding in result.findings) == severities
    assert len(result.files) == len(json.loads((ASSETS / f"{name}.json").read_bytes())["assets"])


def test_the_scan_says_what_the_report_says_of_itself() -> None:
    scan = read("hub", version="0.2.54").scan
    assert (scan.scanner, scan.version, scan.files_scanned) == ("modelaudit", "0.2.54", 4)
    assert (scan.started_at, scan.finished_at) == ("2026-11-23T16:11:54Z", "2026-11-23T16:11:54Z")
    assert read("hub", started_at="2026-01-01T00:00:00Z").scan.started_at == "2026-01-01T00:00:00Z"


def test_files_of_a_stored_report_are_known_by_path_only() -> None:
    assert read("hub").files == tuple(ModelFile(file.path, 0, None, "unknown") for file in HUB.files)


def test_a_finding_keeps_everything_that_the_report_has() -> None:
    (finding,) = [f for f in read("edge").findings if f.title.startswith("CRITICAL: Malicious code")]
    assert finding == Finding(
        id=finding.id,
        scanner="modelaudit",
        rule="S201",
        threat=None,
        category="deserialization",
        severity=Severity.CRITICAL,
        native_severity="critical",
        title="CRITICAL: Malicious code detected: REDUCE(1) opcodes detected",
        description="CRITICAL: Malicious code detected: REDUCE(1) opcodes detected",
        path="bad_crc.pt",
        location=":archive/data.pkl",
        remediation="DO NOT USE THIS MODEL - it contains malicious imports (os.system). "
        "This is likely a supply chain attack.",
        references=("CVE-2025-32434",),
        enforcement=None,
    )


def test_a_rule_without_code_is_named_by_its_type() -> None:
    (finding,) = [f for f in read("edge").findings if f.title.startswith("CRC validation failed")]
    assert (finding.rule, finding.category) == ("pytorch_zip_check", "pytorch-zip")
    assert "\n\nSome PyTorch ZIP archives contain member-level CRC mismatches" in finding.description


def test_colons_and_spaces_in_a_name_are_part_of_it() -> None:
    found = [(f.path, f.location) for f in read("edge").findings if "step" in str(f.path)]
    assert found == [("step:100 [bold] final.pkl", None), ("step:100 [bold] final.pkl", " (pos 32)")]


def test_an_inner_archive_is_a_place_in_its_file() -> None:
    assert {f.location for f in read("edge").findings if f.path == "nested.zip"} == {":inner.zip:model.pkl"}


def test_reasons_name_the_member_and_are_the_scanners_words() -> None:
    assert reasons(read("benign"))["dense.keras"] == (
        "keras_zip_embedded_weights_h5py_unavailable; :model.weights.h5: keras_zip_embedded_weights_h5py_unavailable"
    )


def test_ids_do_not_depend_on_where_the_model_lies() -> None:
    moved = stored("edge").content.replace(b"/models/edge", b"/somewhere/else/entirely")
    here, there = read("edge"), ModelAudit().normalize(Report(moved), None)
    assert [f.id for f in here.findings] == [f.id for f in there.findings]
    assert here.files == there.files
    assert len({f.id for f in here.findings}) == len(here.findings) == 23


def test_ids_do_not_depend_on_when_it_was_scanned() -> None:
    def later(report: dict[str, Any]) -> None:
        for issue in report["issues"]:
            issue["timestamp"] += 1000

    assert [f.id for f in read("edge", later).findings] == [f.id for f in read("edge").findings]


# What the report does not vouch for


def test_a_complete_report_covers_exactly_the_files_on_disk() -> None:
    result = read("hub", inventory=HUB, exit_code=0, root="/models/hub")
    assert (result.scan.status, result.files) == (Status.COMPLETED, ())


def test_a_file_that_the_report_never_mentions_is_unscanned() -> None:
    result = read("hub", inventory=tree("evil.pkl", *(file.path for file in HUB.files)))
    assert result.scan.status is Status.PARTIAL
    assert reasons(result) == {"evil.pkl": "the report does not mention this file"}


def test_what_could_not_be_read_from_disk_is_unscanned() -> None:
    result = read("hub", inventory=tree(*(file.path for file in HUB.files), unreadable=(Unscanned("l.pkl", "a link"),)))
    assert reasons(result) == {"l.pkl": "a link"}


def test_a_report_about_another_directory_covers_nothing() -> None:
    result = read("hub", inventory=tree(*(file.path for file in HUB.files), root="/models/other"))
    assert len(result.scan.unscanned) == 4
    assert set(codes(result)) == {"path-outside-model"}


def test_a_path_that_climbs_out_covers_nothing() -> None:
    def climb(report: dict[str, Any]) -> None:
        for asset in report["assets"]:
            asset["path"] = asset["path"].replace("/models/hub", "/models/hub/../hub")

    result = read("hub", climb, HUB)
    assert len(result.scan.unscanned) == 4
    assert "path-outside-model" in codes(result)


def test_a_file_that_is_not_on_disk_is_an_error() -> None:
    result = read("hub", inventory=tree("README.md", "config.json", "tokenizer_config.json"))
    assert (result.scan.status, codes(result), reasons(result)) == (Status.PARTIAL, ["unknown-path"], {})


def test_a_finding_about_a_file_outside_the_model_is_kept() -> None:
    def outside(report: dict[str, Any]) -> None:
        report["issues"][0]["location"] = "/etc/passwd"

    result = read("edge", outside, root="/models/edge")
    (finding,) = [f for f in result.findings if f.path is None and f.severity is not Severity.INFO]
    assert finding.location == "outside the model: passwd"
    assert "path-outside-model" in codes(result)


@pytest.mark.parametrize("kind", ["unknown", "skipped", "scanner_selection", "lfs_check", ""])
def test_a_file_that_no_scanner_read_is_unscanned(kind: str) -> None:
    result = read("hub", lambda report: report["assets"][2].update(type=kind), HUB)
    assert list(reasons(result)) == ["model.safetensors"]
    assert result.scan.status is Status.PARTIAL


def test_a_file_without_metadata_is_unscanned() -> None:
    result = read("hub", lambda report: report["file_metadata"].pop("/models/hub/model.safetensors"), HUB)
    assert reasons(result) == {"model.safetensors": "the report has no metadata about this file"}


def test_a_file_of_which_only_metadata_is_left_is_unscanned() -> None:
    for inventory in (HUB, None):
        result = read("hub", lambda report: report["assets"].pop(2), inventory)
        assert list(reasons(result)) == ["model.safetensors"]


def _metadata(**values: Any) -> Edit:
    return lambda report: report["file_metadata"]["/models/hub/model.safetensors"].update(values)


def _record(kind: str, **values: Any) -> Edit:
    return lambda report: report[kind].append({"message": "m", "location": "/models/hub/model.safetensors:x", **values})


@pytest.mark.parametrize(
    "edit",
    [
        _metadata(scan_outcome="inconclusive"),
        _metadata(scan_outcome="a new word"),
        _metadata(scan_outcome_reasons=["why"]),
        _metadata(scan_outcome_reason="why"),
        _metadata(analysis_incomplete=True),
        _metadata(analysis_incomplete="yes"),
        _metadata(operational_error=True),
        _metadata(deep={"er": [{"scan_outcome": "inconclusive"}]}),
        _record("issues", severity="info", details={"analysis_incomplete": True}),
        _record("issues", severity="info", details={"findings": [{"scan_outcome_reason": "why"}]}),
        _record("checks", status="failed", severity="info", details={"analysis_incomplete": True}),
        _record("checks", status="passed", severity="info", details={"skipped_scanner_id": "pickle"}),
        _record("checks", status="skipped", severity="info", details={"analysis_incomplete": True}),
    ],
)
def test_any_sign_of_an_incomplete_analysis_counts_against_the_file(edit: Edit) -> None:
    result = read("hub", edit, HUB)
    assert list(reasons(result)) == ["model.safetensors"]
    assert result.scan.status is Status.PARTIAL


@pytest.mark.parametrize(
    ("more", "status"),
    [({}, Status.COMPLETED), ({"scan_outcome_reason": "why"}, Status.PARTIAL)],
    ids=["only-that", "with-a-reason"],
)
def test_a_check_of_the_installed_pytorch_says_nothing_about_the_file(more: dict[str, str], status: Status) -> None:
    details = {
        "analysis_incomplete": True,
        "runtime_version_known": False,
        "runtime_cve_applicability": "unknown",
        "runtime_cve_version_gate": "local_environment_only",
        **more,
    }
    assert read("hub", _record("checks", status="skipped", details=details), HUB).scan.status is status


def test_incompleteness_of_a_directory_counts_against_every_file_below() -> None:
    def edit(report: dict[str, Any]) -> None:
        report["file_metadata"]["/models/hub"] = {"scan_outcome": "inconclusive"}

    assert len(read("hub", edit, HUB).scan.unscanned) == 4


def test_incompleteness_of_nobody_knows_what_is_an_error() -> None:
    def edit(report: dict[str, Any]) -> None:
        report["issues"].append({"message": "m", "severity": "info", "details": {"analysis_incomplete": True}})

    result = read("hub", edit, HUB)
    assert (result.scan.status, codes(result)) == (Status.PARTIAL, ["incomplete"])


def test_incompleteness_counts_against_every_file_that_can_be_meant() -> None:
    root = "/m"
    report = {
        "issues": [],
        "checks": [],
        "assets": [{"path": f"/m/{name}", "type": "pickle"} for name in ("a", "a:b")],
        "file_metadata": {"/m/a": {}, "/m/a:b": {"scan_outcome": "inconclusive"}},
        "files_scanned": 2,
        "has_errors": False,
        "success": False,
    }
    result = ModelAudit().normalize(Report(json.dumps(report).encode()), tree("a", "a:b", root=root))
    assert [item.path for item in result.scan.unscanned] == ["a", "a:b"]


@pytest.mark.parametrize(
    ("edit", "status", "code"),
    [
        (lambda r: r.update(has_errors=True), Status.PARTIAL, "operational-error"),
        (lambda r: r.update(success=False), Status.PARTIAL, "unsuccessful"),
        (lambda r: r.update(scanner_selection={"exclude": ["pickle"]}), Status.PARTIAL, "scanner-selection"),
        (lambda r: r.update(files_scanned=0), Status.FAILED, None),
        (lambda r: r.update(dry_run=True), Status.FAILED, None),
    ],
    ids=["has-errors", "no-success", "scanner-selection", "no-files-scanned", "dry-run"],
)
def test_a_scan_that_says_something_went_wrong(edit: Edit, status: Status, code: str | None) -> None:
    result = read("hub", edit, HUB)
    assert result.scan.status is status
    assert codes(result) == ([code] if code else [])


@pytest.mark.parametrize(
    "key", ["issues", "checks", "assets", "file_metadata", "files_scanned", "has_errors", "success"]
)
@pytest.mark.parametrize("null", [True, False], ids=["null", "absent"])
def test_a_report_without_a_key_is_malformed(key: str, null: bool) -> None:
    with pytest.raises(MalformedReport, match=f'ModelAudit report: the key "{key}" is missing'):
        read("hub", lambda report: report.update({key: None}) if null else report.pop(key))


@pytest.mark.parametrize("raw", [b"[]", b"null", b"{}", b'"text"'], ids=str)
def test_other_json_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedReport, match="ModelAudit report"):
        ModelAudit().normalize(Report(raw), None)


def test_a_truncated_report_is_malformed() -> None:
    content = stored("hub").content
    for end in (1, len(content) // 2, len(content) - 2):
        with pytest.raises(MalformedReport):
            ModelAudit().normalize(Report(content[:end]), None)
    with pytest.raises(MalformedReport):
        ModelAudit().normalize(Report(content + content), None)


# Exit codes and contradictions


@pytest.mark.parametrize(
    ("name", "exit_code", "fits"),
    [
        ("hub", 0, True),
        ("hub", 1, False),
        ("hub", 2, False),
        ("hub", 3, False),
        ("edge", 0, False),
        ("edge", 1, True),
        ("edge", 2, True),
        ("lambda-h5", 0, False),
        ("lambda-h5", 1, False),
        ("lambda-h5", 2, True),
        ("missing-path", 0, False),
    ],
)
def test_an_exit_code_that_does_not_fit_the_report_is_an_error(name: str, exit_code: int, fits: bool) -> None:
    result = read(name, exit_code=exit_code)
    assert ("exit-code" not in codes(result)) == fits
    assert fits or result.scan.status is not Status.COMPLETED


def test_a_failed_check_without_an_issue_is_an_error() -> None:
    edit = _record("checks", name="Danger", status="failed", severity="critical")
    result = read("hub", edit, HUB)
    assert [(error.code, error.path) for error in result.scan.errors] == [("issue-missing", "model.safetensors")]


def test_issues_that_were_taken_out_are_missed() -> None:
    result = read("edge", lambda report: report["issues"].clear())
    assert set(codes(result)) == {"issue-missing"}
    assert {error.path for error in result.scan.errors} == {
        f.path for f in read("edge").findings if f.severity is not Severity.INFO
    }


# Severities


@pytest.mark.parametrize(
    ("native", "details", "severity"),
    [
        ("critical", {}, Severity.CRITICAL),
        ("warning", {}, Severity.MEDIUM),
        ("info", {}, Severity.INFO),
        ("debug", {}, Severity.INFO),
        ("Critical", {}, Severity.UNKNOWN),
        ("high", {}, Severity.UNKNOWN),
        ("", {}, Severity.UNKNOWN),
        (None, {}, Severity.UNKNOWN),
        ("info", {"whitelist_downgrade": True, "original_severity": "CRITICAL"}, Severity.CRITICAL),
        ("info", {"whitelist_downgrade": True}, Severity.UNKNOWN),
    ],
)
def test_severity(native: str | None, details: dict[str, Any], severity: Severity) -> None:
    edit = _record("issues", severity=native, details=details)
    (finding,) = read("hub", edit, HUB).findings
    assert (finding.severity, finding.native_severity) == (severity, native)


def test_a_bare_issue_is_still_a_finding() -> None:
    (finding,) = read("hub", lambda report: report["issues"].append({}), HUB).findings
    assert (finding.rule, finding.category, finding.severity) == ("unnamed", "other", Severity.UNKNOWN)
    assert (finding.title, finding.path, finding.location) == ("(no text)", None, None)


# Arbitrary damage


def check_document(result: ScanResult) -> None:
    """Fail unless `result` can stand in a findings document."""
    model = findings.Model("file:m", findings.Source.LOCAL, None, None, None, result.files)
    generator = findings.Generator("weightgate", "0")
    document = findings.FindingsDocument("2026-11-23T10:00:00Z", generator, model, (result.scan,), result.findings)
    assert findings.read(findings.write(document)) == document


def _slots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all members of `value`."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [slot for key, item in items for slot in [(*path, key), *_slots(item, (*path, key))]]


_REPORTS = {name: json.loads(stored(name).content) for name in ("edge", "lambda-h5", "missing-path", "malicious-hub")}
_EVIDENCE = {
    name: [
        slot
        for slot in _slots(report)
        if slot[0] in ("has_errors", "success", "files_scanned", "assets", "file_metadata", "issues", "checks")
    ]
    for name, report in _REPORTS.items()
}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damage_never_makes_a_bad_scan_good(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(_REPORTS)))
    report = json.loads(json.dumps(_REPORTS[name]))
    *above, last = data.draw(st.sampled_from(_EVIDENCE[name]))
    holder = report
    for step in above:
        holder = holder[step]
    delete = data.draw(st.booleans())
    if delete:
        del holder[last]
    else:
        holder[last] = data.draw(st.sampled_from([None, True, False, 0, -1, 1.5, "", "x", "/etc/passwd", [], {}, [1]]))
    before = read(name)
    try:
        after = ModelAudit().normalize(Report(json.dumps(report).encode()), None)
    except MalformedReport:
        return
    check_document(after)
    assert after.scan.status is not Status.COMPLETED
    if above or last != "issues":
        assert len(after.findings) == len(before.findings) - (delete and above == ["issues"])
    elif any(finding.severity is not Severity.INFO for finding in before.findings):
        assert "issue-missing" in codes(after)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
        max_leaves=9,
    ),
    st.sampled_from(["issues", "checks", "assets", "file_metadata"]),
)
def test_any_json_is_read_or_malformed(value: Any, key: str) -> None:
    for put in (lambda report: report.update({key: value}), lambda report: report.update({key: [value]})):
        with suppress(MalformedReport):
            check_document(read("hub", put, HUB))


def test_a_report_of_10000_findings_is_read_in_time() -> None:
    def grow(report: dict[str, Any]) -> None:
        report["issues"] = [
            {**issue, "location": f"{issue['location']} {n}"} for n in range(440) for issue in report["issues"]
        ]
        report["checks"] *= 100

    report = stored("edge", grow)
    began = time.process_time()
    assert len(ModelAudit().normalize(report, None).findings) > 10_000
    assert time.process_time() - began < 4  # about 1 s on a slow machine; a quadratic step takes minutes


# The program


def _program(folder: Path, script: str) -> Program:
    path = folder / "modelaudit"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return Program(path, None, "9.9")


def _run(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str, inventory: Inventory = HUB) -> Report:
    found = _program(folder, script)
    monkeypatch.setattr(modelaudit, "program", lambda name: found)
    return ModelAudit().run(inventory, Limits(seconds=50), lambda line: None)


def test_run_asks_for_everything_that_makes_it_strict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    report = _run(
        monkeypatch, tmp_path, 'test -e "$5" && exit 9; printf "%s\\n" "$@" >"$5"; pwd >>"$5"; echo no >&2; exit 1'
    )
    *arguments, folder, last = report.content.decode().split("\n")
    assert last == ""
    assert arguments[:4] == ["scan", "--format", "json", "--output"]
    assert arguments[4] == f"{folder}/report.json"
    assert arguments[5:] == ["--strict", "--no-whitelist", "--no-cache", "--timeout", "45", "--", "/models/hub"]
    assert (report.exit_code, report.version, report.root, report.stderr) == (1, "9.9", "/models/hub", "no\n")
    assert report.started_at is not None
    assert report.finished_at is not None
    assert not Path(folder).exists()


def test_stars_in_the_models_own_path_are_not_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for root, argument in (("/m/a*[b]", "/m/a[*][[]b]"), ("/m/a[b]", "/m/a[b]")):
        report = _run(monkeypatch, tmp_path, 'printf "%s\\n" "$@" >"$5"', tree("x", root=root))
        assert report.content.decode().split("\n")[-2] == argument
        assert report.root == root


def test_no_report_is_an_error_with_the_scanners_last_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ScannerError, match=r"left no report \(exit code 2\): Traceback: no torch"):
        _run(monkeypatch, tmp_path, "echo 'Traceback: no torch' >&2; echo '{}'; exit 2")


@pytest.fixture(scope="module")
def real() -> None:
    try:
        program("modelaudit")
    except ScannerNotInstalled as exc:
        pytest.skip(str(exc))


def _scan(path: Path) -> ScanResult:
    inventory = walk(path)
    report = ModelAudit().run(inventory, Limits(seconds=300), lambda line: None)
    return ModelAudit().normalize(report, inventory)


@pytest.mark.scanners
@pytest.mark.usefixtures("real")
def test_a_real_scan_of_a_harmless_model_is_completed(tmp_path: Path) -> None:
    files = {"config.json": b'{"model_type": "llama"}', "sub dir/model.safetensors": models.safetensors()}
    result = _scan(models.build_tree(tmp_path / "m*[1]", {**files, "plain: 1 (pos 2).pkl": models.plain_pickle()}))
    assert (result.scan.status, result.scan.unscanned, result.scan.errors) == (Status.COMPLETED, (), ())
    assert [f for f in result.findings if f.severity is not Severity.INFO] == []
    assert (result.scan.files_scanned, result.scan.version) == (3, "0.2.54")


@pytest.mark.scanners
@pytest.mark.usefixtures("real")
def test_a_real_scan_of_a_dangerous_model(tmp_path: Path) -> None:
    files = {"a/evil:x.pkl": models.evil_pickle(), "evil.pt": models.evil_torch_zip(), "notes.xyz": b"nothing known"}
    root = models.build_tree(tmp_path / "m", files)
    (root / "link.pkl").symlink_to("/etc/passwd")
    (root / ".modelaudit.toml").write_text('suppress = ["S201"]\n')
    result = _scan(root)
    critical = {f.path for f in result.findings if f.severity is Severity.CRITICAL}
    assert {"a/evil:x.pkl", "evil.pt"} <= critical
    assert {"link.pkl", "notes.xyz"} <= {item.path for item in result.scan.unscanned}
    assert result.scan.status is Status.PARTIAL
    again = _scan(models.build_tree(tmp_path / "another" / "place", files))
    ids = {f.id for f in result.findings if f.path in files}
    assert ids == {f.id for f in again.findings if f.path in files}


@pytest.mark.scanners
@pytest.mark.usefixtures("real")
def test_a_real_scan_of_one_file(tmp_path: Path) -> None:
    root = models.build_tree(tmp_path, {"a?.pkl": models.evil_pickle(), "ab.pkl": models.plain_pickle()})
    result = _scan(root / "a?.pkl")
    assert (result.scan.status, result.scan.files_scanned, result.scan.errors) == (Status.COMPLETED, 1, ())
    assert {f.path for f in result.findings} == {"a?.pkl"}
