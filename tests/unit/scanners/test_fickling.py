"""fickling: a report for each file, appended to for each pickle in it, and exit codes that mean two things."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import models
from weightgate.errors import MalformedReport, ScanTimeout
from weightgate.findings import ModelFile, Severity, Status, Unscanned
from weightgate.inventory import walk
from weightgate.scanners.fickling import Fickling
from weightgate.scanners.installations import Program
from weightgate.scanners.interface import Inventory, Limits, Report, ScanResult

ASSETS = Path(__file__).parents[2] / "assets" / "fickling"
LIMITS = Limits(seconds=120)
SAFE = (ASSETS / "plain_dict.json").read_text()
UNSAFE = (ASSETS / "os_system_p0.json").read_text()
IMPORT_FAILURE = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'typing_extensions'\n"


def normalize(content: object, inventory: Inventory | None = None, exit_code: int | None = None) -> ScanResult:
    if isinstance(content, str):
        raw = content.encode()
    else:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Fickling().normalize(Report(raw, exit_code=exit_code), inventory)


def inventory(**files: str) -> Inventory:
    """An inventory of files that are not on disk, by name and format."""
    entries = tuple(ModelFile(path, 1, "0" * 64, kind) for path, kind in sorted(files.items()))
    return Inventory(Path("/models/m"), entries)


ONE = inventory(**{"a.pkl": "pickle"})


def unscanned(result: ScanResult) -> dict[str, str]:
    return {item.path: item.reason for item in result.scan.unscanned}


def entry(
    path: str = "a.pkl", exit_code: int | None = 0, report: str | None = SAFE, stderr: str = ""
) -> dict[str, Any]:
    return {"path": path, "exit_code": exit_code, "report": report, "stderr": stderr}


def run(*files: dict[str, Any]) -> dict[str, Any]:
    return {"schema": "weightgate.fickling-run/v1", "fickling": "0.1.12", "files": list(files)}


# Bare reports


@pytest.mark.parametrize(
    ("name", "code", "rules", "severity", "place"),
    [
        ("plain_dict.json", 0, set(), None, None),
        ("os_system_p0.json", 1, {"UnsafeImports", "UnusedVariables"}, "LIKELY_OVERTLY_MALICIOUS", None),
        ("second_stream.json", 1, {"UnsafeImports", "UnusedVariables"}, "LIKELY_OVERTLY_MALICIOUS", "pickle 2"),
        (
            "three_imports.json",
            1,
            {"UnsafeImportsML", "OvertlyBadEval", "UnsafeImports", "UnusedVariables"},
            "OVERTLY_MALICIOUS",
            None,
        ),
    ],
)
def test_a_stored_report_is_about_the_one_file_of_the_model(
    name: str, code: int, rules: set[str], severity: str | None, place: str | None
) -> None:
    content = (ASSETS / name).read_bytes()

    result = normalize(content, ONE, code)

    assert (result.scan.status, result.scan.outcome, result.scan.files_scanned) == (Status.COMPLETED, "CLEAN", 1)
    assert {finding.rule for finding in result.findings} == rules
    for finding in result.findings:
        assert (finding.path, finding.location) == ("a.pkl", place)
        assert (finding.native_severity, finding.severity) == (severity, Severity.CRITICAL)
    assert len({finding.id for finding in result.findings}) == len(rules)


@pytest.mark.parametrize("name", ["plain_dict.json", "os_system_p0.json", "second_stream.json", "three_imports.json"])
@pytest.mark.parametrize(
    "known",
    [
        None,
        inventory(**{"a.pkl": "pickle", "b.pkl": "pickle"}),
        inventory(**{"a.pt": "torch-zip"}),
        Inventory(ONE.root, ONE.files, (Unscanned("b.pkl", "a link"),)),
    ],
    ids=["no model", "two files", "no pickle", "a link beside it"],
)
def test_a_stored_report_without_its_file_completes_nothing(name: str, known: Inventory | None) -> None:
    result = normalize((ASSETS / name).read_bytes(), known)

    assert result.scan.status is Status.PARTIAL
    assert bool(result.findings) == (name != "plain_dict.json")
    assert {finding.path for finding in result.findings} <= {"a.pt", None}


@pytest.mark.parametrize(("text", "code"), [(SAFE, 1), (SAFE, 2), (UNSAFE, 0), (UNSAFE, 2)])
def test_a_report_that_does_not_go_with_the_exit_code_is_refused(text: str, code: int) -> None:
    with pytest.raises(MalformedReport, match=f"exited with {code}"):
        normalize(text, ONE, code)


def test_ids_do_not_depend_on_which_trigger_fickling_picked() -> None:
    document = json.loads((ASSETS / "three_imports.json").read_bytes())
    other = copy.deepcopy(document)
    other["detailed_results"]["AnalysisResult"]["UnusedVariables"] = "_var0: popen('echo harmless')"
    other["analysis"] = "\n".join(reversed(document["analysis"].splitlines()))

    assert [f.id for f in normalize(other, ONE).findings] == [f.id for f in normalize(document, ONE).findings]


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("POSSIBLY_UNSAFE", Severity.LOW),
        ("SUSPICIOUS", Severity.MEDIUM),
        ("LIKELY_UNSAFE", Severity.HIGH),
        ("LIKELY_OVERTLY_MALICIOUS", Severity.CRITICAL),
        ("OVERTLY_MALICIOUS", Severity.CRITICAL),
        ("likely_safe", Severity.UNKNOWN),
        ("INFO", Severity.UNKNOWN),
    ],
)
def test_every_word_but_likely_safe_is_a_finding(word: str, severity: Severity) -> None:
    (finding,) = normalize({"severity": word, "analysis": "x", "detailed_results": {}}, ONE).findings

    assert (finding.severity, finding.native_severity, finding.rule) == (severity, word, "UnsafePickle")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n",
        b"\xff",
        b"[]",
        SAFE[:-1],
        SAFE + UNSAFE[:-1],
        SAFE + "x",
        UNSAFE.replace("LIKELY_OVERTLY_MALICIOUS", "LIKELY_SAFE"),
        SAFE.replace('"severity"', '"severitY"'),
        SAFE.replace("{", '{"severity": "LIKELY_SAFE",', 1),
        "[" * 100_000,
    ],
    ids=["empty", "blank", "latin", "list", "cut", "second cut", "tail", "safe but", "key", "key twice", "deep"],
)
def test_what_is_no_report_is_refused(content: str | bytes) -> None:
    with pytest.raises(MalformedReport):
        normalize(content, ONE)


# The document of a run


def test_a_run_that_analysed_every_file_is_completed() -> None:
    known = inventory(**{"a.pkl": "pickle", "b.pkl": "pickle"})

    result = normalize(run(entry("a.pkl"), entry("b.pkl", 1, SAFE + UNSAFE)), known)

    assert (result.scan.status, result.scan.outcome, result.scan.files_scanned) == (Status.COMPLETED, "CLEAN", 2)
    assert (result.scan.version, result.scan.errors) == ("0.1.12", ())
    assert {(finding.path, finding.location) for finding in result.findings} == {("b.pkl", "pickle 2")}


@pytest.mark.parametrize(
    ("file", "reason", "findings"),
    [
        (entry(exit_code=2, report=None, stderr="Fickling failed to parse\n\nDo not trust"), "Fickling failed", 0),
        (entry(exit_code=1, report=None, stderr=IMPORT_FAILURE), "No module named", 0),
        (entry(exit_code=1, report=SAFE, stderr=IMPORT_FAILURE), "crashed", 1),
        (entry(exit_code=1, report=UNSAFE, stderr=IMPORT_FAILURE), "crashed", 2),
        (entry(exit_code=None, report=None, stderr="killed by SIGKILL"), "killed by SIGKILL", 0),
        (entry(exit_code=None, report=SAFE, stderr="killed by SIGKILL"), "killed by SIGKILL", 0),
        (entry(exit_code=0, report=None), "wrote no report", 0),
        (entry(exit_code=0, report=""), "wrote no report", 0),
        (entry(exit_code=0, report=UNSAFE), "does not go with its report", 2),
        (entry(exit_code=1, report=SAFE), "does not go with its report", 1),
        (entry(exit_code=2, report=SAFE), "does not go with its report", 0),
        (entry(exit_code=0, report=SAFE[:-1]), "not JSON", 0),
        (entry(exit_code=1, report=UNSAFE[:-1]), "not JSON", 1),
    ],
)
def test_a_file_that_was_not_analysed_to_its_end_is_unscanned(file: dict[str, Any], reason: str, findings: int) -> None:
    known = inventory(**{"a.pkl": "pickle", "b.pkl": "pickle"})

    result = normalize(run(file, entry("b.pkl")), known)

    assert result.scan.status is Status.PARTIAL
    assert set(unscanned(result)) == {"a.pkl"}
    assert reason in unscanned(result)["a.pkl"]
    assert len(result.findings) == findings


def test_a_fickling_that_cannot_start_fails_the_scan() -> None:
    result = normalize(run(entry(exit_code=1, report=None, stderr=IMPORT_FAILURE)), ONE)

    assert (result.scan.status, result.scan.outcome, result.scan.files_scanned) == (Status.FAILED, None, 0)


def test_an_unsafe_report_that_cannot_be_read_is_the_worst() -> None:
    (finding,) = normalize(run(entry(exit_code=1, report="{")), ONE).findings

    assert (finding.severity, finding.path) == (Severity.UNKNOWN, "a.pkl")


def test_files_that_fickling_does_not_read_or_was_not_given_are_unscanned() -> None:
    known = inventory(**{"a.pkl": "pickle", "b.pkl": "pickle", "c.pt": "torch-zip"})

    assert unscanned(normalize(run(entry("a.pkl"), entry("c.pt")), known)) == {
        "b.pkl": "the report does not mention this file",
        "c.pt": "fickling does not read torch-zip",
    }


def test_a_file_that_is_not_of_the_model_covers_nothing() -> None:
    result = normalize(run(entry("x.pkl", 1, UNSAFE)), ONE)

    assert (result.scan.status, result.scan.files_scanned) == (Status.FAILED, 0)
    assert {(finding.path, finding.location) for finding in result.findings} == {(None, "x.pkl")}


@pytest.mark.parametrize(
    "document",
    [
        run(entry(), entry()),
        run() | {"schema": "weightgate.fickling-run/v2"},
        run() | {"more": 1},
        run(entry() | {"exit_code": "0"}),
    ],
    ids=["twice", "schema", "unknown key", "type"],
)
def test_a_run_that_contradicts_itself_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(MalformedReport):
        normalize(document, ONE)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every key and index in `value`, as the way to it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way for key, item in items for way in ((*at, key), *places(item, (*at, key)))]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_mutation_of_a_run_completes_it(data: st.DataObject) -> None:
    document = run(entry("a.pkl", 1, UNSAFE), entry("b.pkl", 2, None, "cannot parse"), entry("c.pkl"))
    *way, last = data.draw(st.sampled_from(places(document)))
    parent: Any = document
    for key in way:
        parent = parent[key]
    value = data.draw(st.sampled_from([..., None, 0, 1, -1, "", "x", [], {}, True, 1.5, ["x"], {"a": 1}]))
    if value is ...:
        del parent[last]
    else:
        parent[last] = value

    try:
        result = normalize(document, inventory(**{"a.pkl": "pickle", "b.pkl": "pickle", "c.pkl": "pickle"}))
    except MalformedReport:
        return
    assert result.scan.status is not Status.COMPLETED


# Runs


def stub(tmp_path: Path, script: str) -> Fickling:
    """A fickling whose program is the shell script `script`, called as `--check-safety --json-output REPORT FILE`."""
    path = tmp_path / "fickling"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Fickling(lambda name: Program(path, None, "unknown"))


def test_each_file_has_a_report_of_its_own_and_a_crash_is_of_one_file(tmp_path: Path) -> None:
    known = inventory(**{"a.pkl": "pickle", "b.pkl": "pickle", "c.pkl": "pickle", "d.txt": "text"})
    fail = 'case "$4" in *a.pkl) kill -9 $$;; *b.pkl) echo no >&2; exit 2;; esac'
    script = fail + '; printf x >> "$3"; printf "$PYTHONHASHSEED" >> "$3"'

    report = stub(tmp_path, script).run(known, LIMITS, lambda line: None)

    first, second, third = json.loads(report.content)["files"]
    assert (first["exit_code"], first["report"]) == (None, None)
    assert "SIGKILL" in first["stderr"]
    assert second == {"path": "b.pkl", "exit_code": 2, "report": None, "stderr": "no\n"}
    assert (third["path"], third["report"]) == ("c.pkl", "x0")


@pytest.mark.parametrize("script", ["sleep 0.2", "exec sleep 50"], ids=["many", "one"])
def test_the_time_limit_is_for_all_files_together(tmp_path: Path, script: str) -> None:
    known = inventory(**{f"{number}.pkl": "pickle" for number in range(50)})

    began = time.monotonic()
    with pytest.raises(ScanTimeout):
        stub(tmp_path, script).run(known, Limits(seconds=0.5), lambda line: None)
    assert time.monotonic() - began < 25


@pytest.mark.scanners
def test_a_real_run(tmp_path: Path) -> None:
    files = {
        "plain.pkl": models.plain_pickle(),
        "evil.pkl": models.evil_pickle(),
        "UPPER.PKL": models.evil_pickle(0),
        "second.pkl": models.plain_pickle() + models.evil_pickle(),
        "weights.pt": models.torch_zip(),
    }
    where = walk(models.build_tree(tmp_path, files))
    scanner = Fickling()

    report = scanner.run(where, LIMITS, lambda line: None)
    result = scanner.normalize(report, where)

    assert (result.scan.status, result.scan.outcome, result.scan.files_scanned) == (Status.PARTIAL, "CLEAN", 4)
    assert unscanned(result) == {"weights.pt": "fickling does not read torch-zip"}
    assert {finding.path for finding in result.findings} == {"evil.pkl", "UPPER.PKL", "second.pkl"}
    assert {finding.severity for finding in result.findings} == {Severity.CRITICAL}
    again = scanner.normalize(scanner.run(where, LIMITS, lambda line: None), where)
    assert again.findings == result.findings


@pytest.mark.scanners
def test_a_real_run_over_a_pickle_completes(tmp_path: Path) -> None:
    where = walk(models.build_tree(tmp_path, {"plain.pkl": models.plain_pickle()}))
    scanner = Fickling()

    result = scanner.normalize(scanner.run(where, LIMITS, lambda line: None), where)

    assert (result.scan.status, result.findings, result.scan.errors) == (Status.COMPLETED, (), ())
