"""ModelScan's reports: what each vouches for, and what it takes to be believed."""

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
from weightgate.scanners.modelscan import ModelScan

ASSETS = Path(__file__).parents[2] / "assets" / "modelscan"
LIMITS = Limits(seconds=120)
TORCH = ["archive/data.pkl", "archive/byteorder", "archive/data/0", "archive/version"]


def stored(name: str) -> Any:
    return json.loads((ASSETS / name).read_bytes())


def normalize(document: object, inventory: Inventory | None = None, exit_code: int | None = None) -> ScanResult:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return ModelScan().normalize(Report(content, exit_code=exit_code), inventory)


def report(
    scanned: list[str],
    skipped: list[tuple[str, str]] | None = (),  # type: ignore[assignment]
    errors: list[dict[str, str]] | None = None,
    issues: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """A report as ModelScan writes it, with true totals."""
    summary: dict[str, Any] = {
        "total_issues": len(issues or []),
        "absolute_path": "/models/m",
        "modelscan_version": "0.8.8",
        "scanned": {"total_scanned": len(scanned)} | ({"scanned_files": scanned} if scanned else {}),
    }
    if skipped is not None:
        notes = [{"category": kind, "description": "why", "source": source} for source, kind in skipped]
        summary["skipped"] = {"total_skipped": len(notes), "skipped_files": notes}
    return {"summary": summary, "issues": issues or [], "errors": errors or []}


def inventory(**files: str) -> Inventory:
    """An inventory of files that are not on disk, by name and format."""
    entries = tuple(ModelFile(path, 1, "0" * 64, kind) for path, kind in sorted(files.items()))
    return Inventory(Path("/nowhere"), entries)


def unscanned(result: ScanResult) -> dict[str, str]:
    return {item.path: item.reason for item in result.scan.unscanned}


def issue(source: str, **changes: str) -> dict[str, str]:
    return {
        "description": "Use of unsafe operator 'system' from module 'os'",
        "operator": "system",
        "module": "os",
        "source": source,
        "scanner": "modelscan.scanners.PickleUnsafeOpScan",
        "severity": "CRITICAL",
    } | changes


# Stored reports


@pytest.mark.parametrize(
    ("name", "status", "files_scanned", "files", "lost", "findings"),
    [
        ("clean.json", Status.COMPLETED, 2, 2, 0, 0),
        ("quiet.json", Status.PARTIAL, 1, 7, 6, 0),
        ("quiet-default.json", Status.PARTIAL, 1, 1, 1, 0),
        ("benign.json", Status.PARTIAL, 5, 17, 13, 0),
        ("edge.json", Status.PARTIAL, 1, 12, 11, 1),
        ("malicious.json", Status.PARTIAL, 14, 32, 19, 14),
        ("malicious-full-install.json", Status.PARTIAL, 19, 32, 15, 20),
    ],
)
def test_a_stored_report_says_what_it_vouches_for(
    name: str, status: Status, files_scanned: int, files: int, lost: int, findings: int
) -> None:
    result = normalize(stored(name))

    assert (result.scan.status, result.scan.outcome, result.scan.version) == (status, "CLEAN", "0.8.8")
    assert result.scan.files_scanned == files_scanned
    assert (len(result.files), len(result.scan.unscanned), len(result.findings)) == (files, lost, findings)
    assert len({finding.id for finding in result.findings}) == findings


@pytest.mark.parametrize(
    ("name", "code"),
    [("malicious.json", 2), ("benign.json", 2), ("edge.json", 2), ("clean.json", 0), ("quiet.json", 0)],
)
def test_the_exit_code_must_go_with_the_report(name: str, code: int) -> None:
    assert normalize(stored(name), exit_code=code).scan.outcome == "CLEAN"
    for other in {0, 1, 2, 3, 4, -9} - {code}:
        with pytest.raises(MalformedReport, match=f"exited with {other}, but"):
            normalize(stored(name), exit_code=other)


def test_standard_output_is_no_report() -> None:
    with pytest.raises(MalformedReport, match="-o REPORT"):
        normalize((ASSETS / "edge.stdout.txt").read_bytes())


def test_the_words_and_places_of_a_finding() -> None:
    by_place = {(f.path, f.location, f.rule): f for f in normalize(stored("malicious-full-install.json")).findings}

    evil = by_place["torch_evil.pt", "archive/data.pkl", "PickleUnsafeOpScan/os.system"]
    assert (evil.severity, evil.native_severity, evil.category) == (Severity.CRITICAL, "CRITICAL", "unsafe-operator")
    assert evil.title == evil.description == "Use of unsafe operator 'system' from module 'os'"
    assert ("pytorch_model", "archive/data.pkl", "PickleUnsafeOpScan/os.system") in by_place
    assert by_place["lambda.keras", "config.json", "KerasLambdaDetectScan/Keras.Lambda"].severity is Severity.MEDIUM
    assert by_place["webbrowser_open.pkl", None, "PickleUnsafeOpScan/webbrowser.open"].severity is Severity.HIGH


def test_a_file_with_an_issue_that_was_also_skipped_keeps_both() -> None:
    result = normalize(stored("malicious-full-install.json"))

    assert any(finding.path == "lambda.keras" for finding in result.findings)
    assert "config.json" in unscanned(result)["lambda.keras"]


def test_a_colon_in_a_name_splits_nothing() -> None:
    result = normalize(stored("edge.json"))

    assert [finding.path for finding in result.findings] == ["step:100 [bold] final.pkl"]
    assert "step" not in {file.path for file in result.files}


def test_ids_do_not_depend_on_the_place_of_the_model() -> None:
    moved = stored("malicious.json")
    moved["summary"]["absolute_path"] = "/elsewhere/malicious"
    moved["issues"].reverse()

    assert normalize(moved).findings == normalize(stored("malicious.json")).findings


# Coverage


@pytest.mark.parametrize("files", [None, {"m.pt": "torch-zip"}], ids=["stored", "inventory"])
def test_inert_members_of_a_torch_zip_are_not_lost(files: dict[str, str] | None, tmp_path: Path) -> None:
    models.build_tree(tmp_path, {"m.pt": models.torch_zip()})
    names = ["archive/.format_version", "archive/.storage_alignment", "archive/.data/serialization_id", *TORCH[1:]]
    document = report([f"m.pt:{TORCH[0]}"], [(f"m.pt:{name}", "SCAN_NOT_SUPPORTED") for name in names])

    result = normalize(document, walk(tmp_path) if files else None)

    assert (result.scan.status, result.scan.unscanned, result.scan.files_scanned) == (Status.COMPLETED, (), 1)


@pytest.mark.parametrize(
    ("member", "kind"),
    [("archive/code/__torch__/m.py", "SCAN_NOT_SUPPORTED"), ("archive/data.pkl", "BAD_ZIP"), ("x/data/0", "BAD_ZIP")],
)
def test_any_other_skipped_member_of_a_torch_zip_is_a_lost_file(member: str, kind: str) -> None:
    document = report([f"m.pt:{TORCH[0]}"], [(f"m.pt:{member}", kind)])

    assert unscanned(normalize(document)) == {"m.pt": normalize(document).scan.unscanned[0].reason}
    assert member in normalize(document).scan.unscanned[0].reason


def test_a_torch_zip_without_its_data_pkl_is_not_covered(tmp_path: Path) -> None:
    members = [("a/data.pkl", models.plain_pickle()), ("other.pkl", models.plain_pickle())]
    models.build_tree(tmp_path, {"m.pt": models.zip_of(members)})

    assert "a/data.pkl" in unscanned(normalize(report(["m.pt:other.pkl"]), walk(tmp_path)))["m.pt"]


def test_members_that_the_report_forgets_are_lost(tmp_path: Path) -> None:
    # ModelScan stops at a bad CRC, and takes its note of that back when it had read another member before.
    members = [("first.pkl", models.plain_pickle()), ("second.pkl", models.evil_pickle())]
    models.build_tree(tmp_path, {"m.zip": models.zip_of(members)})

    result = normalize(report(["m.zip:first.pkl"]), walk(tmp_path))

    assert unscanned(result) == {"m.zip": "member second.pkl: the report does not mention it"}
    assert normalize(report(["m.zip:first.pkl", "m.zip:second.pkl"]), walk(tmp_path)).scan.status is Status.COMPLETED


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_not_both_read(tmp_path: Path) -> None:
    members = [("a.pkl", models.evil_pickle()), ("a.pkl", models.plain_pickle())]
    models.build_tree(tmp_path, {"m.zip": models.zip_of(members)})

    assert "two members are named a.pkl" in unscanned(normalize(report(["m.zip:a.pkl"]), walk(tmp_path)))["m.zip"]


def test_a_zip_that_cannot_be_listed_is_not_covered() -> None:
    assert "cannot be listed" in unscanned(normalize(report(["m.zip:a.pkl"]), inventory(**{"m.zip": "zip"})))["m.zip"]


def test_of_the_old_torch_format_only_the_first_pickle_is_read() -> None:
    old = normalize(report(["old.pkl"]), inventory(**{"old.pkl": "torch-legacy"}))
    named = normalize(report(["old.bin"]))
    inside = normalize(report(["m.zip:old.bin"]))

    for result, path in ((old, "old.pkl"), (named, "old.bin"), (inside, "m.zip")):
        assert "only the first pickle" in unscanned(result)[path]


@pytest.mark.parametrize(
    ("name", "kind"), [("a.dat", "text"), ("a.pkl", "unknown"), ("a.h5", "pickle"), ("a.pkl", "json")]
)
def test_a_file_read_as_something_else_is_not_covered(name: str, kind: str) -> None:
    assert f"what this one holds is {kind}" in unscanned(normalize(report([name]), inventory(**{name: kind})))[name]


def test_members_of_a_file_that_is_no_archive_cover_nothing() -> None:
    result = normalize(report(["a:b.pkl"]), inventory(a="pickle"))

    assert "lists members of it" in unscanned(result)["a"]


def test_a_skipped_archive_stays_skipped_though_members_are_listed() -> None:
    result = normalize(report(["a.zip:b.pkl"], [("a.zip", "SCAN_NOT_SUPPORTED")]))

    assert unscanned(result) == {"a.zip": "SCAN_NOT_SUPPORTED: why"}


def test_a_source_that_can_mean_two_files_covers_neither() -> None:
    result = normalize(report(["a:b.pkl"]), inventory(**{"a": "zip", "a:b.pkl": "pickle"}))

    assert all("can mean more than one file" in reason for reason in unscanned(result).values())
    assert set(unscanned(result)) == {"a", "a:b.pkl"}


def test_files_on_disk_that_the_report_does_not_mention_are_lost() -> None:
    lost = Unscanned("link", "a symbolic link")
    known = inventory(**{"a.pkl": "pickle", "b.pkl": "pickle"})

    result = normalize(report(["a.pkl"]), Inventory(known.root, known.files, (lost,)))

    assert unscanned(result) == {"b.pkl": "the report does not mention this file", "link": "a symbolic link"}
    assert result.scan.status is Status.PARTIAL


@pytest.mark.parametrize("source", ["../a.pkl", "/etc/a.pkl", "b.pkl", "a.pkl.bak"])
def test_a_path_that_is_no_file_of_the_model_covers_nothing(source: str) -> None:
    document = report([source], issues=[issue(source)])

    result = normalize(document, inventory(**{"a.pkl": "pickle"}))

    assert (result.scan.status, result.scan.files_scanned) == (Status.FAILED, 0)
    assert result.scan.errors[0].code == "unknown-file"
    assert result.findings[0].path is None
    assert (result.findings[0].location or "").endswith(source.rpartition("/")[2])


def test_a_scan_of_nothing_is_failed() -> None:
    result = normalize(report([], [("a.txt", "SCAN_NOT_SUPPORTED")]), exit_code=3)

    assert (result.scan.status, result.scan.outcome, result.scan.files_scanned) == (Status.FAILED, None, 0)


def test_an_error_without_a_file_makes_the_scan_partial() -> None:
    result = normalize(report(["a.pkl"], errors=[{"category": "MODEL_SCAN", "description": "Error importing scanner"}]))

    assert (result.scan.status, result.scan.unscanned) == (Status.PARTIAL, ())
    assert result.scan.errors[0].path is None


def test_an_error_wins_over_scanned() -> None:
    error = {"category": "DEPENDENCY", "description": "h5py", "source": "a.pkl"}

    assert unscanned(normalize(report(["a.pkl"], errors=[error]))) == {"a.pkl": "DEPENDENCY: h5py"}


@pytest.mark.parametrize("word", ["SEVERE", "critical", "INFO", ""])
def test_an_unknown_severity_is_unknown(word: str) -> None:
    result = normalize(report(["a.pkl"], issues=[issue("a.pkl", severity=word)]))

    assert result.findings[0].severity is Severity.UNKNOWN


def test_an_issue_without_words_is_still_a_finding() -> None:
    result = normalize(report(["a.pkl"], issues=[{}]))

    assert (result.findings[0].path, result.findings[0].severity) == (None, Severity.UNKNOWN)
    assert result.scan.status is Status.PARTIAL


# Mutations


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every key and index in `value`, as the way to it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way for key, item in items for way in ((*at, key), *places(item, (*at, key)))]


def changed(document: Any, way: tuple[Any, ...], value: Any) -> Any:
    """`document` with the place `way` set to `value`, or taken out when that is `...`."""
    document = copy.deepcopy(document)
    parent = document
    for key in way[:-1]:
        parent = parent[key]
    if value is ...:
        del parent[way[-1]]
    else:
        parent[way[-1]] = value
    return document


@settings(max_examples=400, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("name", ["quiet.json", "edge.json", "malicious-full-install.json", "quiet-default.json"])
def test_no_mutation_completes_a_scan_or_raises_anything_else(name: str, data: st.DataObject) -> None:
    document = stored(name)
    way = data.draw(st.sampled_from(places(document)))
    value = data.draw(st.sampled_from([..., None, 0, 1, -1, "", "x", [], {}, True, 1.5, ["x"], {"a": 1}]))

    try:
        result = normalize(changed(document, way, value))
    except MalformedReport:
        return
    assert result.scan.status is not Status.COMPLETED


@pytest.mark.parametrize(
    "way",
    [
        ("summary",),
        ("issues",),
        ("errors",),
        ("summary", "scanned"),
        ("summary", "total_issues"),
        ("summary", "scanned", "scanned_files"),
        ("summary", "scanned", "total_scanned"),
        ("summary", "skipped", "skipped_files"),
        ("summary", "skipped", "skipped_files", 0),
        ("summary", "skipped", "total_skipped"),
        ("errors", 0),
        ("issues", 0),
    ],
    ids=lambda way: "/".join(map(str, way)),
)
def test_a_report_with_a_part_taken_out_is_refused(way: tuple[Any, ...]) -> None:
    document = changed(stored("malicious.json"), way, ...)

    if way == ("errors", 0):  # of the errors there is no total: the file is then mentioned nowhere
        assert "compressed.joblib" not in {file.path for file in normalize(document).files}
        return
    with pytest.raises(MalformedReport, match="modelscan report"):
        normalize(document)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"{}{}", b'{"summary": {}, "summary": {}}', b"\xff"])
def test_what_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedReport):
        normalize(content)


# Runs


def stub(tmp_path: Path, script: str) -> ModelScan:
    """A ModelScan whose program is the shell script `script`."""
    path = tmp_path / "modelscan"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return ModelScan(lambda name: Program(path, None, "unknown"))


def model(tmp_path: Path, **files: bytes) -> Inventory:
    root = tmp_path / "model"
    root.mkdir()
    return walk(models.build_tree(root, files))


def test_a_run_that_leaves_no_report_says_what_was_said(tmp_path: Path) -> None:
    with pytest.raises(ScannerError, match=r"exit code 4\); it said: Error: no such option"):
        stub(tmp_path, "echo 'Error: no such option'; exit 4").run(model(tmp_path), LIMITS, lambda line: None)


def test_a_run_is_ended_at_its_time_limit(tmp_path: Path) -> None:
    with pytest.raises(ScanTimeout):
        stub(tmp_path, "exec sleep 60").run(model(tmp_path), Limits(seconds=0.2), lambda line: None)


def test_a_run_gives_the_scanner_only_the_files_of_the_inventory(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "out.pkl").symlink_to("/etc/hostname")
    models.build_tree(tmp_path / "model", {"in/a.pkl": b"x", "modelscan-settings.toml": b"x"})
    scanner = stub(tmp_path, 'cd "$3" && find . -type f -o -type l | sort > "$9"'.replace("$9", "${10}"))

    report = scanner.run(walk(tmp_path / "model"), LIMITS, lambda line: None)

    assert report.content.split() == [b"./in/a.pkl", b"./modelscan-settings.toml"]
    assert report.version is None


@pytest.mark.scanners
def test_a_real_run(tmp_path: Path) -> None:
    files = {
        "plain.pkl": models.plain_pickle(),
        "evil.pkl": models.evil_pickle(),
        "UPPER.PKL": models.evil_pickle(),
        "weights.pt": models.torch_zip(),
        "evil.pt": models.evil_torch_zip(),
        "step:1.pt": models.torch_zip(),
        "old.bin": models.evil_torch_legacy(),
        "config.json": b"{}",
    }
    (tmp_path / "out.pkl").symlink_to(Path(__file__))
    where = walk(models.build_tree(tmp_path, files))
    scanner = ModelScan()

    report = scanner.run(where, LIMITS, lambda line: None)
    result = scanner.normalize(report, where)

    assert report.exit_code == 1
    assert (result.scan.status, result.scan.outcome) == (Status.PARTIAL, "CLEAN")
    assert set(unscanned(result)) == {"UPPER.PKL", "old.bin", "config.json", "out.pkl"}
    assert {finding.path for finding in result.findings} == {"evil.pkl", "evil.pt"}
    assert not any(str(tmp_path) in text for f in result.findings for text in (f.title, f.description))


@pytest.mark.scanners
def test_a_real_run_over_one_file_completes(tmp_path: Path) -> None:
    where = walk(models.build_tree(tmp_path, {"weights.pt": models.torch_zip()}) / "weights.pt")
    scanner = ModelScan()

    result = scanner.normalize(scanner.run(where, LIMITS, lambda line: None), where)

    assert (result.scan.status, result.scan.unscanned, result.scan.errors) == (Status.COMPLETED, (), ())
    assert result.scan.files_scanned == 1


@pytest.mark.scanners
def test_a_real_run_over_a_zip_that_breaks_off_is_not_believed(tmp_path: Path) -> None:
    good = models.zip_of([("first.pkl", models.plain_pickle()), ("second.pkl", models.evil_pickle())])
    bad = good.replace(b"echo harmless", b"echo Harmless")
    where = walk(models.build_tree(tmp_path, {"m.zip": bad}))
    scanner = ModelScan()

    result = scanner.normalize(scanner.run(where, LIMITS, lambda line: None), where)

    assert "second.pkl" in unscanned(result)["m.zip"]
