"""What adapters share: strict reading, whose file a path string means, and the sum that fails closed."""

from pathlib import Path

import pytest

from weightgate.errors import MalformedReport
from weightgate.findings import ModelFile, Scan, Status, Unscanned
from weightgate.scanners import common
from weightgate.scanners.interface import Inventory, Report

REPORT = Report(b"{}")


def inventory(*paths: str, root: str = "/models/m", unreadable: tuple[Unscanned, ...] = ()) -> Inventory:
    files = tuple(ModelFile(path, 1, "0" * 64, "pickle") for path in sorted(paths))
    return Inventory(root=Path(root), files=files, unreadable=unreadable)


def finish(**given: object) -> Scan:
    fields: dict[str, object] = {
        "scanner": "s",
        "version": "1",
        "report": REPORT,
        "inventory": None,
        "files": ["a", "b"],
        "scanned": ["a", "b"],
        "reasons": {},
        "errors": [],
        "files_scanned": 2,
    }
    return common.finish(**{**fields, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b'{"a": 1',
        b"{} {}",
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": "\xff"}',
        b'{"a": "\\udcff"}',
        b"[" * 100_000,
    ],
    ids=["empty", "truncated", "two", "duplicate-key", "nan", "infinity", "not-utf8", "half-surrogate", "deep"],
)
def test_only_one_strict_json_document_is_a_report(raw: bytes) -> None:
    with pytest.raises(MalformedReport, match="tool report"):
        common.load_report(Report(raw), "tool")


@pytest.mark.parametrize(
    ("paths", "root"),
    [
        (["/m/a", "/m/b/c"], "/m"),
        (["/m/a"], "/m"),
        (["/m/ab/x", "/m/ac/y"], "/m"),
        (["/a"], "/"),
        (["a", "b/c"], ""),
        (["/m/a", "b"], ""),
        ([], ""),
    ],
    ids=["two", "one-file", "no-common-name-part", "file-system-root", "relative", "mixed", "none"],
)
def test_the_root_of_a_stored_report_is_what_its_files_have_in_common(paths: list[str], root: str) -> None:
    assert common.infer_root(paths) == root


def test_the_root_that_was_scanned_counts_before_what_the_files_have_in_common() -> None:
    assert common.root_of(Report(b"", root="/m"), None, ["/m/hub/a", "/m/hub/b"]) == "/m"


def test_a_root_that_is_one_file_means_its_directory() -> None:
    assert common.root_of(Report(b"", root="/m/a.pkl"), None, ["/m/a.pkl"]) == "/m"
    single = Inventory(root=Path("/m"), files=(), single="a.pkl")
    assert common.root_of(Report(b"", root="/m/a.pkl"), single, []) == "/m"
    assert common.root_of(Report(b""), single, []) == "/m"


def test_an_inventory_gives_the_root_and_the_report_does_not_guess_one() -> None:
    assert common.root_of(REPORT, inventory("a"), ["/elsewhere/a"]) == "/models/m"


PATHS = common.Paths("/models/m", ["a", "a:b", "a:b (pos 3)", "x.pt", "d/x.pt", "step:100 [bold] final.pkl"])


@pytest.mark.parametrize(
    ("text", "path", "location"),
    [
        ("/models/m/x.pt", "x.pt", None),
        ("x.pt", "x.pt", None),
        ("/models/m/x.pt:archive/data.pkl (pos 32)", "x.pt", ":archive/data.pkl (pos 32)"),
        ("/models/m/x.pt (pos 32)", "x.pt", " (pos 32)"),
        ("/models/m/d/x.pt:../../escape.txt", "d/x.pt", ":../../escape.txt"),
        ("/models/m/step:100 [bold] final.pkl (pos 1)", "step:100 [bold] final.pkl", " (pos 1)"),
        ("/models/m/a:b:c", "a:b", ":c"),
        ("/models/m/a:c", "a", ":c"),
        ("/models/m/a:b (pos 3)", "a:b (pos 3)", None),
        ("/models/m/a:b (pos 4)", "a:b", " (pos 4)"),
        ("/models/m/xx.pt", None, "xx.pt"),
        ("/models/m/x.ptx", None, "x.ptx"),
        ("/models/m2/x.pt", None, "outside the model: x.pt"),
        ("/etc/passwd", None, "outside the model: passwd"),
        ("../x.pt", None, "../x.pt"),
        ("", None, None),
    ],
)
def test_a_location_belongs_to_the_longest_known_path(text: str, path: str | None, location: str | None) -> None:
    assert PATHS.locate(text) == (path, location)


def test_every_file_that_a_location_can_mean_is_an_owner() -> None:
    assert PATHS.owners("/models/m/a:b (pos 3)") == [("a:b (pos 3)", None), ("a:b", " (pos 3)"), ("a", ":b (pos 3)")]
    assert PATHS.owners("/elsewhere/a") == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/models/m/x.pt", "x.pt"),
        ("d/x.pt", "d/x.pt"),
        ("/models/m/x.pt:member", None),
        ("/models/m/../m/x.pt", None),
        ("/models/m//x.pt", None),
        ("/models/m", None),
        ("x.pt/", None),
        ("", None),
    ],
)
def test_only_the_very_path_is_a_file(text: str, path: str | None) -> None:
    assert PATHS.file(text) == path


def test_without_a_root_an_absolute_path_is_no_file() -> None:
    assert common.Paths("", ["a"]).file("/a") is None
    assert common.Paths("", ["a"]).file("a") == "a"
    assert common.Paths("/", ["a"]).file("/a") == "a"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("cannot read /models/m/x.pt", "cannot read x.pt"),
        ("cannot read '/models/m'", "cannot read ''"),
        ("/models/m2/x.pt and /models/m.old", "/models/m2/x.pt and /models/m.old"),
        ("in /tmp/weightgate-1a2b/tmp/tmpab12_cd9/inner.zip", "in (temporary)/inner.zip"),
        ("in /tmp/tmpab12_cd9: no", "in (temporary): no"),
        ("<_io.BytesIO object at 0x7f00aa11bb22>", "<_io.BytesIO object at 0x…>"),
        ("/tmp/tmpfile", "/tmp/tmpfile"),
    ],
)
def test_text_loses_what_differs_between_machines_and_runs(text: str, cleaned: str) -> None:
    assert PATHS.clean(text) == cleaned


def test_hostile_text_is_cleaned_in_linear_time_and_cut() -> None:
    assert len(PATHS.clean("/a" * 1_000_000)) == common.TEXT
    assert len(PATHS.clean("/models/m" * 300_000)) <= common.TEXT
    assert PATHS.locate(":" * 300_000)[0] is None
    assert PATHS.title("a\n b" * 1000).startswith("a ba ba b")
    assert len(PATHS.title("x" * 1000)) == common.TITLE
    assert PATHS.title(" \n ") == "(no text)"


def test_a_scan_that_vouches_for_every_file_is_completed() -> None:
    scan = finish()
    assert (scan.status, scan.outcome, scan.unscanned, scan.errors) == (Status.COMPLETED, "CLEAN", (), ())
    assert len(scan.report_sha256) == 64


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"scanned": ["a"]}, Status.PARTIAL),
        ({"scanned": []}, Status.PARTIAL),
        ({"reasons": {"a": ["skipped"]}}, Status.PARTIAL),
        ({"reasons": {"a": []}}, Status.PARTIAL),
        ({"reasons": {"elsewhere": ["skipped"]}}, Status.PARTIAL),
        ({"errors": [common.problem("e", "")]}, Status.PARTIAL),
        ({"files": [], "scanned": []}, Status.PARTIAL),
        ({"inventory": inventory("a", "b", unreadable=(Unscanned("l", "link"),))}, Status.PARTIAL),
        ({"files_scanned": 0}, Status.FAILED),
        ({"failed": True}, Status.FAILED),
    ],
    ids=[
        "one-missing",
        "all-missing",
        "reason",
        "empty-reason",
        "reason-for-unknown",
        "error",
        "no-files",
        "unreadable",
        "nothing-scanned",
        "failed",
    ],
)
def test_anything_missing_keeps_a_scan_from_being_completed(given: dict[str, object], status: Status) -> None:
    scan = finish(**given)
    assert scan.status is status
    assert scan.outcome == (None if status is Status.FAILED else "CLEAN")


def test_unscanned_has_one_sorted_entry_a_file_with_all_its_reasons() -> None:
    there = inventory("a", "b", "c", unreadable=(Unscanned("l", "a link"), Unscanned("b", "changed")))
    scan = finish(
        inventory=there,
        files=["a", "b", "c"],
        scanned=["a"],
        reasons={"b": ["one", "two\n lines", "one"], "a": []},
    )
    assert scan.unscanned == (
        Unscanned("a", common.NOT_MENTIONED),
        Unscanned("b", "one; two lines; changed"),
        Unscanned("c", common.NOT_MENTIONED),
        Unscanned("l", "a link"),
    )


def test_errors_are_sorted_and_stand_once() -> None:
    one, two = common.problem("a", "x"), common.problem("b", "y", "p")
    assert finish(errors=[two, one, two]).errors == (one, two)


def test_parents_are_all_directories_above() -> None:
    assert common.parents(["a/b/c", "a/d", "e"]) == {"a", "a/b"}


@pytest.mark.parametrize("value", [1, True, [], {}, 1.5], ids=str)
def test_a_member_of_another_type_is_malformed(value: object) -> None:
    with pytest.raises(MalformedReport, match="where: key"):
        common.member({"key": value}, "key", str, "where")


def test_a_boolean_is_no_number() -> None:
    with pytest.raises(MalformedReport):
        common.member({"n": True}, "n", int, "where")


@pytest.mark.parametrize("record", [{}, {"key": None}], ids=["absent", "null"])
def test_what_is_required_is_there(record: dict[str, object]) -> None:
    with pytest.raises(MalformedReport, match='the key "key" is missing'):
        common.required(record, "key", str, "where")
    assert common.member(record, "key", str, "where") is None
    assert common.records(record, "key", "where") is None


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"reads": {"numpy"}}, Status.PARTIAL),
        ({"reads": {"pickle", "numpy"}}, Status.FAILED),
        ({"reads": set()}, Status.FAILED),
        ({"reads": {"numpy"}, "failed": True}, Status.FAILED),
        ({"reads": {"numpy"}, "errors": [common.problem("e", "")]}, Status.FAILED),
        ({"reads": {"numpy"}, "inventory": None}, Status.FAILED),
        ({"reads": {"numpy"}, "inventory": inventory()}, Status.FAILED),
    ],
    ids=["none-of-its-formats", "one-of-its-formats", "reads-nothing", "failed", "error", "not-here", "empty-model"],
)
def test_a_scan_of_no_file_is_failed_unless_the_model_holds_nothing_that_the_scanner_reads(
    given: dict[str, object], status: Status
) -> None:
    known = {"inventory": inventory("a"), "files": ["a"], "scanned": [], "files_scanned": 0}
    assert finish(**{**known, **given}).status is status
