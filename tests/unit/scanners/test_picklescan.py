"""picklescan: its text, which vouches for nothing, and the document of a run, which does so file by file."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import models
from weightgate.errors import MalformedReport, ScannerError, ScanTimeout
from weightgate.findings import ModelFile, Severity, Status, Unscanned
from weightgate.inventory import walk
from weightgate.scanners.installations import Program
from weightgate.scanners.interface import Inventory, Limits, Report, ScanResult
from weightgate.scanners.picklescan import Picklescan

ASSETS = Path(__file__).parents[2] / "assets" / "picklescan"
LIMITS = Limits(seconds=120)
SUMMARY = """----------- SCAN SUMMARY -----------
Scanned files: {}
Infected files: 0
Suspicious globals: {}
Dangerous globals: {}
"""


def normalize(content: object, inventory: Inventory | None = None, exit_code: int | None = None) -> ScanResult:
    if isinstance(content, str):
        raw = content.encode()
    else:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Picklescan().normalize(Report(raw, exit_code=exit_code), inventory)


def inventory(**files: str) -> Inventory:
    """An inventory of files that are not on disk, by name and format."""
    entries = tuple(ModelFile(path, 1, "0" * 64, kind) for path, kind in sorted(files.items()))
    return Inventory(Path("/models/m"), entries)


def unscanned(result: ScanResult) -> dict[str, str]:
    return {item.path: item.reason for item in result.scan.unscanned}


# Text


@pytest.mark.parametrize(
    ("name", "code", "status", "files_scanned", "files", "findings"),
    [
        ("benign.txt", 0, Status.PARTIAL, 8, 1, 1),
        ("malicious.txt", 1, Status.PARTIAL, 15, 14, 15),
        ("malicious-aborted.txt", 2, Status.FAILED, None, 11, 12),
        ("not-torch.txt", 0, Status.PARTIAL, 1, 1, 0),
    ],
)
def test_stored_text_never_vouches_for_a_file(
    name: str, code: int, status: Status, files_scanned: int | None, files: int, findings: int
) -> None:
    content = (ASSETS / name).read_bytes()

    result = normalize(content)

    assert result == normalize(content, exit_code=code)
    assert (result.scan.status, result.scan.files_scanned) == (status, files_scanned)
    assert result.scan.outcome == (None if status is Status.FAILED else "CLEAN")
    assert set(unscanned(result)) == {file.path for file in result.files}
    assert (len(result.files), len(result.findings)) == (files, findings)
    assert len({finding.id for finding in result.findings}) == findings


@pytest.mark.parametrize(
    ("name", "code"), [("benign.txt", 1), ("benign.txt", 2), ("malicious.txt", 0), ("malicious-aborted.txt", 0)]
)
def test_text_that_does_not_go_with_the_exit_code_is_refused(name: str, code: int) -> None:
    with pytest.raises(MalformedReport, match=f"exited with {code}"):
        normalize((ASSETS / name).read_bytes(), exit_code=code)


def test_text_over_an_inventory_loses_every_file() -> None:
    known = inventory(**{"a.pkl": "pickle", "b.json": "json"})

    result = normalize(SUMMARY.format(2, 0, 0), known)

    assert (result.scan.status, set(unscanned(result))) == (Status.PARTIAL, {"a.pkl", "b.json"})


def test_text_gives_files_members_and_severities() -> None:
    findings = normalize((ASSETS / "malicious.txt").read_bytes()).findings
    by_path = {finding.path: finding for finding in findings}

    assert by_path["torch_evil.pt"].location == "archive/data.pkl"
    assert by_path["object_array.npz"].location == "b.npy"
    assert by_path["torch_evil.pt"].rule == "dangerous-global/os.system"
    assert {(f.severity, f.native_severity) for f in findings} == {(Severity.CRITICAL, "dangerous")}
    (other,) = normalize((ASSETS / "benign.txt").read_bytes()).findings
    assert (other.path, other.severity, other.native_severity) == (None, Severity.MEDIUM, "suspicious")
    assert other.rule == "suspicious-global/sklearn.linear_model._logistic.LogisticRegression"


def test_an_aborted_scan_keeps_its_findings_and_says_why() -> None:
    (error,) = normalize((ASSETS / "malicious-aborted.txt").read_bytes()).scan.errors

    assert (error.code, error.path) == ("aborted", None)
    assert "No module named 'numpy'" in error.message


@pytest.mark.parametrize("status", [0, 3])
def test_a_text_of_no_scanned_file_is_failed(status: int) -> None:
    expected = Status.FAILED if status == 0 else Status.PARTIAL

    assert normalize(SUMMARY.format(status, 0, 0)).scan.status is expected


@pytest.mark.parametrize("end", ["----------- SCAN", "Scanned files", "Infected files"])
def test_text_that_was_cut_before_its_counts_is_failed_or_refused(end: str) -> None:
    text = (ASSETS / "malicious.txt").read_text()

    try:
        result = normalize(text[: text.index(end)])
    except MalformedReport:
        return
    assert (result.scan.status, len(result.findings)) == (Status.FAILED, 15)


@pytest.mark.parametrize(
    "text",
    [
        SUMMARY.format(1, 0, 1),
        SUMMARY.format(1, 1, 0) + "All globals found:\n  * a.b - innocuous\n",
        "/m/a.pkl: dangerous import 'os system' FOUND\n" + SUMMARY.format(1, 0, 0),
        "/m/a.pkl: dangerous import 'os system' FOUND\n" + SUMMARY.format(1, 0, 2),
        SUMMARY.format(1, 0, 0) * 2,
    ],
    ids=["dangerous", "suspicious", "found", "twice", "two reports"],
)
def test_text_that_counts_other_imports_than_it_names_is_refused(text: str) -> None:
    with pytest.raises(MalformedReport, match="picklescan report"):
        normalize(text)


def test_suspicious_imports_that_are_not_named_are_an_error() -> None:
    assert "not-listed" in {error.code for error in normalize(SUMMARY.format(1, 2, 0)).scan.errors}


@pytest.mark.parametrize(
    "line",
    [
        "ERROR: parsing pickle in /models/m/a.pkl: opcode unknown",
        "WARNING: could not parse /models/m/a.pkl as pickle: opcode unknown",
        "Invalid file x.pkl in zip archive /models/m/a.pkl: Bad CRC",
    ],
)
def test_a_warning_is_a_reason_of_its_file(line: str) -> None:
    result = normalize(line + "\n" + SUMMARY.format(1, 0, 0), inventory(**{"a.pkl": "pickle"}))

    assert unscanned(result) == {"a.pkl": line.replace("/models/m/", "")}


def test_a_line_that_is_not_known_is_an_error() -> None:
    codes = [error.code for error in normalize("odd\n" * 3 + "odder\n" + SUMMARY.format(1, 0, 0)).scan.errors]

    assert codes == ["no-files", "unknown-line", "unknown-line"]


def test_a_finding_outside_the_model_is_kept_without_a_path() -> None:
    text = "/other/x.pkl: dangerous import 'os system' FOUND\n" + SUMMARY.format(1, 0, 1)

    result = normalize(text, inventory(**{"x.pkl": "pickle"}))

    assert (result.findings[0].path, result.scan.errors[0].code) == (None, "unknown-file")
    assert "x.pkl" in (result.findings[0].location or "")


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"hello\n", b"\xff\n", b"[1]", b"----------- SCAN SUMMARY -----------\n"]
)
def test_what_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedReport):
        normalize(content)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("name", ["benign.txt", "malicious.txt", "not-torch.txt", "malicious-aborted.txt"])
def test_no_change_of_a_line_completes_text(name: str, data: st.DataObject) -> None:
    lines = (ASSETS / name).read_text().splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    lines[number : number + 1] = data.draw(st.sampled_from([[], ["x"], [lines[number]] * 2, ["Scanned files: 7"]]))

    try:
        result = normalize("\n".join(lines), inventory(**{"a.pkl": "pickle"}))
    except MalformedReport:
        return
    assert result.scan.status is not Status.COMPLETED


# The document of a run


def part(member: str | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "member": member,
        "globals": [],
        "issues_count": 0,
        "scan_err": False,
        "warnings": [],
        "error": None,
    } | changes


def entry(
    path: str = "a.pkl", kind: str = "pickle", *parts: dict[str, Any], error: str | None = None
) -> dict[str, Any]:
    return {"path": path, "format": kind, "parts": list(parts), "error": error}


def run(*files: dict[str, Any]) -> dict[str, Any]:
    return {"schema": "weightgate.picklescan-run/v1", "picklescan": "1.0.5", "files": list(files)}


OS_SYSTEM = {"module": "os", "name": "system", "safety": "dangerous"}
EVERYTHING = run(
    entry("a.pkl", "pickle", part(globals=[OS_SYSTEM], issues_count=1)),
    entry("b.pt", "torch-zip", part("x/data.pkl"), part("x/version", error="not read")),
    entry("c.npy", "numpy", part(warnings=["could not parse"])),
)
MODEL = inventory(**{"a.pkl": "pickle", "b.pt": "torch-zip", "c.npy": "numpy"})


def test_a_run_that_read_every_file_is_completed() -> None:
    document = run(entry("a.pkl", "pickle", part()), entry("b.pt", "torch-zip", part("x/data.pkl")))

    result = normalize(document, inventory(**{"a.pkl": "pickle", "b.pt": "torch-zip"}), 0)

    assert (result.scan.status, result.scan.outcome, result.scan.files_scanned) == (Status.COMPLETED, "CLEAN", 2)
    assert (result.scan.version, result.scan.unscanned, result.scan.errors) == ("1.0.5", (), ())
    assert normalize(document).scan.status is Status.COMPLETED


def test_imports_become_findings_by_safety() -> None:
    imports = [{"module": "m", "name": word, "safety": word} for word in ("suspicious", "innocuous", "odd")]
    document = run(entry("a.pkl", "pickle", part(globals=[OS_SYSTEM, *imports], issues_count=1)))

    findings = normalize(document, inventory(**{"a.pkl": "pickle"})).findings

    assert {(f.rule, f.severity, f.native_severity) for f in findings} == {
        ("dangerous-global/os.system", Severity.CRITICAL, "dangerous"),
        ("suspicious-global/m.suspicious", Severity.MEDIUM, "suspicious"),
        ("unknown-global/m.odd", Severity.UNKNOWN, "odd"),
    }


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (entry("a.pkl", "pickle"), "does not say that it was read"),
        (entry("a.pkl", "pickle", part("x")), "does not say that it was read"),
        (entry("a.pkl", "pickle", part(), part()), "does not say that it was read"),
        (entry("a.pkl", "pickle", part(warnings=["could not parse"])), "could not parse"),
        (entry("a.pkl", "pickle", part(error="ValueError: x")), "ValueError: x"),
        (entry("a.pkl", "pickle", part(scan_err=True)), "an error of the scan"),
        (entry("a.pkl", "pickle", part(), error="OSError: x"), "OSError: x"),
        (entry("a.pkl", "pickle", error="OSError: y"), "OSError: y"),
        (entry("a.pkl", "zip"), "none of its members was read"),
        (entry("a.pkl", "zip", part("a.pkl"), part("b", error="no")), "member b: no"),
        (entry("a.pkl", "zip", part("a.pkl"), part("a.pkl", error="no")), "member a.pkl: no"),
        (entry("a.pkl", "zip", part("a.pkl", error="no"), part("a.pkl")), "member a.pkl: no"),
        (entry("a.pkl", "torch-zip", part("x.pkl")), "its data.pkl was not read"),
        (entry("a.pkl", "torch-zip", part("x/data.pkl", warnings=["w"]), part("b.pkl")), "its data.pkl was not read"),
        (entry("a.pkl", "torch-zip", part("x/data.pkl"), part("y/version", error="no")), "member y/version: no"),
    ],
)
def test_what_a_run_did_not_read_to_its_end_is_unscanned(file: dict[str, Any], reason: str) -> None:
    result = normalize(run(file), inventory(**{"a.pkl": file["format"]}))

    assert reason in unscanned(result)["a.pkl"]
    assert result.scan.status is not Status.COMPLETED


def test_files_that_picklescan_does_not_read_or_was_not_given_are_unscanned() -> None:
    known = inventory(**{"a.pkl": "pickle", "b.pkl": "pickle", "c.7z": "7z", "d.pkl": "pickle"})
    known = Inventory(known.root, known.files, (Unscanned("e", "a link"),))
    document = run(entry("a.pkl", "pickle", part()), entry("d.pkl", "numpy", part()))

    assert unscanned(normalize(document, known)) == {
        "b.pkl": "the report does not mention this file",
        "c.7z": "picklescan does not read 7z",
        "d.pkl": "it was read as numpy, but what it holds is pickle",
        "e": "a link",
    }


def test_a_file_that_is_not_of_the_model_covers_nothing() -> None:
    document = run(entry("../x.pkl", "pickle", part(globals=[OS_SYSTEM], issues_count=1, warnings=["w"])))

    result = normalize(document, inventory(**{"x.pkl": "pickle"}))

    assert (result.scan.status, result.scan.files_scanned) == (Status.FAILED, 0)
    assert (result.findings[0].path, result.findings[0].location) == (None, "../x.pkl")
    assert [error.code for error in result.scan.errors] == ["unknown-file"]
    assert set(unscanned(result)) == {"x.pkl"}


def test_a_run_that_read_nothing_is_failed_unless_there_was_nothing_for_it_to_read() -> None:
    nothing_to_read = normalize(run(), inventory(**{"a.json": "json"})).scan
    assert (nothing_to_read.status, nothing_to_read.files_scanned) == (Status.PARTIAL, 0)
    assert [item.path for item in nothing_to_read.unscanned] == ["a.json"]
    assert normalize(run(), inventory(**{"a.json": "json", "b.txt": "pickle"})).scan.status is Status.FAILED
    assert normalize(run()).scan.status is Status.FAILED


@pytest.mark.parametrize(
    "document",
    [
        run(entry("a.pkl", "pickle", part()), entry("a.pkl", "pickle", part())),
        run(entry("a.pkl", "pickle", part(issues_count=1))),
        run(entry("a.pkl", "pickle", part(globals=[OS_SYSTEM]))),
        run(entry("a.pkl", "elf", part())),
        run() | {"schema": "weightgate.picklescan-run/v2"},
        run() | {"more": 1},
        {},
    ],
    ids=["twice", "issues lost", "count lost", "format", "schema", "unknown key", "empty"],
)
def test_a_run_that_contradicts_itself_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(MalformedReport):
        normalize(document)


def test_a_run_that_failed_is_refused() -> None:
    with pytest.raises(MalformedReport, match="exit code 1"):
        normalize(run(), exit_code=1)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every key and index in `value`, as the way to it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way for key, item in items for way in ((*at, key), *places(item, (*at, key)))]


@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_no_mutation_of_a_run_completes_it(data: st.DataObject) -> None:
    document = copy.deepcopy(EVERYTHING)
    *way, last = data.draw(st.sampled_from([way for way in places(EVERYTHING) if way[-2:] != ("warnings", 0)]))
    parent: Any = document
    for key in way:
        parent = parent[key]
    value = data.draw(st.sampled_from([..., None, 0, 1, -1, "", "x", {}, True, 1.5, ["x"], {"a": 1}]))
    if value is ...:
        del parent[last]
    else:
        parent[last] = value

    try:
        result = normalize(document, MODEL)
    except MalformedReport:
        return
    assert result.scan.status is not Status.COMPLETED


# Runs


def stub(tmp_path: Path, script: str) -> Picklescan:
    """A picklescan whose Python is the shell script `script`."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Picklescan(lambda name: Program(path, path, "unknown"))


def test_a_program_without_its_python_is_refused() -> None:
    scanner = Picklescan(lambda name: Program(Path("/opt/bin/picklescan"), None, "1.0.5"))

    with pytest.raises(ScannerError, match="weightgate scanners install picklescan"):
        scanner.run(inventory(), LIMITS, lambda line: None)


def test_a_run_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ScannerError, match="exit code 1: No module named picklescan"):
        stub(tmp_path, "echo 'No module named picklescan' >&2; exit 1").run(inventory(), LIMITS, lambda line: None)


def test_a_run_is_ended_at_its_time_limit(tmp_path: Path) -> None:
    with pytest.raises(ScanTimeout):
        stub(tmp_path, "exec sleep 60").run(inventory(), Limits(seconds=0.2), lambda line: None)


def test_only_files_that_picklescan_reads_are_given_to_it(tmp_path: Path) -> None:
    known = inventory(**{"UPPER.PKL": "pickle", "a.7z": "7z", "b.txt": "torch-zip", "c.pkl": "text"})

    report = stub(tmp_path, 'cat "$3"').run(known, LIMITS, lambda line: None)

    assert json.loads(report.content) == [
        ["UPPER.PKL", "/models/m/UPPER.PKL", "pickle"],
        ["b.txt", "/models/m/b.txt", "torch-zip"],
    ]


def scan(where: Inventory) -> ScanResult:
    scanner = Picklescan()
    return scanner.normalize(scanner.run(where, LIMITS, lambda line: None), where)


@pytest.mark.scanners
def test_a_real_run_completes_what_it_can_read(tmp_path: Path) -> None:
    files = {
        "plain.pkl": models.plain_pickle(),
        "weights.pt": models.torch_zip(),
        "old.bin": models.torch_legacy(),
        "step:100 [bold] final.pkl": models.plain_pickle(),
        "evil.pkl": models.evil_pickle(4),
        "UPPER.PKL": models.evil_pickle(0),
        "disguised.txt": models.evil_pickle(),
        "evil.pt": models.evil_torch_zip(),
        "evil_old.bin": models.evil_torch_legacy(),
        "second.pkl": models.plain_pickle() + models.evil_pickle(),
        "floats.npy": models.numpy_array(),
        "evil.npy": models.evil_numpy_array(),
        "arrays.npz": models.zip_of([("a.npy", models.numpy_array())]),
    }

    result = scan(walk(models.build_tree(tmp_path, files)))

    assert (result.scan.status, result.scan.unscanned, result.scan.errors) == (Status.COMPLETED, (), ())
    assert result.scan.files_scanned == len(files)
    found = {(finding.path, finding.location, finding.rule) for finding in result.findings}
    bare = {"evil.pkl", "UPPER.PKL", "disguised.txt", "evil_old.bin", "second.pkl", "evil.npy"}
    assert found == {(path, None, "dangerous-global/os.system") for path in bare} | {
        ("evil.pt", "archive/data.pkl", "dangerous-global/os.system")
    }


@pytest.mark.scanners
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_real_run_loses_no_file_to_another_one(tmp_path: Path) -> None:
    legacy = models.torch_legacy()
    files = {
        "cut.pkl": models.evil_pickle_cut(),
        "broken_old.bin": legacy.replace(b"\x80\x02}", b"\x80\x02\xff", 1),
        "nested.zip": models.zip_of([("a.pkl", models.evil_pickle()), ("b.zip", models.zip_of([]))]),
        "twins.zip": models.zip_of([("a.pkl", models.evil_pickle()), ("a.pkl", models.plain_pickle())]),
        "surrogate.pkl": b"\x80\x02X\x03\x00\x00\x00\xed\xa0\x80X\x01\x00\x00\x00x\x93.",
        "z.pkl": models.evil_pickle(),
        "config.json": b"{}",
    }

    result = scan(walk(models.build_tree(tmp_path, files)))

    assert result.scan.status is Status.PARTIAL
    assert set(unscanned(result)) == {"cut.pkl", "broken_old.bin", "nested.zip", "config.json"}
    found = {finding.path for finding in result.findings if finding.severity is Severity.CRITICAL}
    assert found == {"cut.pkl", "nested.zip", "twins.zip", "z.pkl"}
    assert any(r"\ud800" in finding.rule for finding in result.findings if finding.path == "surrogate.pkl")


@pytest.mark.scanners
def test_ids_do_not_depend_on_the_place_of_the_model(tmp_path: Path) -> None:
    files = {"evil.pkl": models.evil_pickle(), "evil.pt": models.evil_torch_zip()}
    here = walk(models.build_tree(tmp_path / "here", files))
    there = walk(models.build_tree(tmp_path / "there", files))

    assert scan(here).findings == scan(there).findings
