from __future__ import annotations

import hashlib
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import models
from weightgate import inventory
from weightgate.errors import ScannerError, UsageError
from weightgate.inventory import walk
from weightgate.scanners.interface import Inventory


def _reasons(found: Inventory) -> dict[str, str]:
    reasons = {item.path: item.reason for item in found.unreadable}
    assert len(reasons) == len(found.unreadable)
    return reasons


def _paths(found: Inventory) -> list[str]:
    return [file.path for file in found.files]


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A directory that a user without privileges owns; while the test runs, this process is such a user."""
    with tempfile.TemporaryDirectory() as name:
        was = os.geteuid()
        if was == 0:
            os.chown(name, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if was == 0:
                os.seteuid(0)


def test_every_file_has_size_sha256_and_format(tmp_path: Path) -> None:
    files = {
        "z.safetensors": models.safetensors(),
        "a/b/model.pt": models.evil_torch_zip(),
        "a.json": b"{}",
        "a/.hidden": b"",
        ".git/config": b"[core]\n",
        ".cache/huggingface/x.metadata": b"x",
    }
    found = walk(models.build_tree(tmp_path, files))
    assert found.root == tmp_path.resolve()
    assert found.single is None
    assert found.unreadable == ()
    assert _paths(found) == sorted(files)
    for file in found.files:
        assert file.size == len(files[file.path])
        assert file.sha256 == hashlib.sha256(files[file.path]).hexdigest()
    assert [file.format for file in found.files] == ["unknown", "unknown", "json", "empty", "torch-zip", "safetensors"]


@pytest.mark.parametrize("size", [0, 1, 2**18 - 1, 2**18, 2**18 + 1, 2**20 + 3])
def test_a_file_is_hashed_to_its_last_byte(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "f").write_bytes(content)
    (file,) = walk(tmp_path).files
    assert (file.size, file.sha256) == (size, hashlib.sha256(content).hexdigest())


def test_one_file_is_a_model(tmp_path: Path) -> None:
    models.build_tree(tmp_path, {"model.pkl": models.plain_pickle(), "other": b"x"})
    found = walk(tmp_path / "model.pkl")
    assert (found.root, found.single, _paths(found)) == (tmp_path.resolve(), "model.pkl", ["model.pkl"])
    assert found.target == tmp_path.resolve() / "model.pkl"


def test_a_link_that_the_user_names_is_resolved(tmp_path: Path) -> None:
    models.build_tree(tmp_path, {"real/model.pkl": models.plain_pickle()})
    (tmp_path / "directory").symlink_to("real")
    (tmp_path / "file").symlink_to("real/model.pkl")
    assert walk(tmp_path / "directory") == walk(tmp_path / "real")
    assert walk(tmp_path / "file") == walk(tmp_path / "real" / "model.pkl")


def test_an_empty_directory_has_no_files(tmp_path: Path) -> None:
    assert walk(tmp_path) == Inventory(root=tmp_path.resolve(), files=())


@pytest.mark.parametrize("name", ["missing", "loop", "broken", "pipe", "nul\0"])
def test_what_is_no_model_is_a_usage_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "broken").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="expected a model"):
        walk(tmp_path / name)


def test_no_link_is_followed(tmp_path: Path) -> None:
    outside = models.build_tree(tmp_path / "outside", {"secret": b"secret", "sub/x": b"x"})
    model = models.build_tree(tmp_path / "model", {"a.json": b"{}", "sub/b.json": b"[]"})
    (model / "absolute").symlink_to(outside / "secret")
    (model / "relative").symlink_to("../outside/secret")
    (model / "folder").symlink_to("../outside/sub")
    (model / "broken").symlink_to("/nowhere\n")
    (model / "beside").symlink_to(tmp_path / "model2")
    (model / "inside").symlink_to("a.json")
    (model / "sub" / "up").symlink_to("..")
    found = walk(model)
    assert _paths(found) == ["a.json", "sub/b.json"]
    reasons = _reasons(found)
    assert set(reasons) == {"absolute", "relative", "folder", "broken", "beside", "inside", "sub/up"}
    assert {path for path, reason in reasons.items() if "lies outside the model" not in reason} == {"inside", "sub/up"}
    assert r"'/nowhere\n'" in reasons["broken"]


def test_special_files_are_reported_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        found = walk(tmp_path)
    assert found.files == ()
    reasons = _reasons(found)
    assert reasons["pipe"].startswith("a FIFO")
    assert reasons["socket"].startswith("a socket")


def test_what_may_not_be_read_is_reported(unprivileged: Path) -> None:
    models.build_tree(unprivileged, {"ok": b"x", "file": b"x", "folder/x": b"x"})
    (unprivileged / "file").chmod(0)
    (unprivileged / "folder").chmod(0)
    try:
        found = walk(unprivileged)
    finally:
        (unprivileged / "folder").chmod(0o700)
    assert _paths(found) == ["ok"]
    assert _reasons(found) == dict.fromkeys(("file", "folder"), "cannot be read: Permission denied")


def test_a_model_that_may_not_be_read_is_a_usage_error(unprivileged: Path) -> None:
    unprivileged.chmod(0)
    with pytest.raises(UsageError, match="Permission denied"):
        walk(unprivileged)


def test_names_that_are_not_utf8_are_reported_and_do_not_meet(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    for name in (b"bad\xff", b"bad\\\xff", b"bad\\xff", b"\xfe/inner"):
        os.makedirs(os.path.dirname(root + b"/" + name), exist_ok=True)
        with open(root + b"/" + name, "wb"):
            pass
    found = walk(tmp_path)
    assert _paths(found) == ["bad\\xff"]  # a name of plain ASCII
    assert set(_reasons(found)) == {"bad\\xff", "bad\\\\\\xff", "\\xfe"}
    assert "(bytes 626164ff)" in _reasons(found)["bad\\xff"]


def test_a_link_to_a_name_that_is_not_utf8_can_be_written_down(tmp_path: Path) -> None:
    os.symlink(b"\xff", os.fsencode(tmp_path) + b"/link")
    assert "xff" in _reasons(walk(tmp_path))["link"].encode().decode()


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "a:b [x]", "  ", "-rf", "\u202e.txt", "é"])
def test_an_odd_name_is_kept_as_it_is(tmp_path: Path, name: str) -> None:
    models.build_tree(tmp_path, {name: b"x", f"d{name}/{name}": b"x"})
    assert set(_paths(walk(tmp_path))) == {name, f"d{name}/{name}"}


def test_directories_that_are_too_deep_are_reported(tmp_path: Path) -> None:
    deepest = tmp_path
    for _ in range(inventory.MAX_DEPTH):
        deepest /= "d"
    models.build_tree(deepest, {"last": b"x", "d/hidden": b"x"})
    found = walk(tmp_path)
    assert _paths(found) == [str(deepest.relative_to(tmp_path) / "last")]
    assert list(_reasons(found)) == [str(deepest.relative_to(tmp_path) / "d")]


@pytest.mark.parametrize("tree", [["a", "b", "c"], ["a/b/c"], ["a/b", "c"]], ids=["files", "directories", "both"])
def test_the_number_of_entries_is_bounded(tmp_path: Path, tree: list[str]) -> None:
    models.build_tree(tmp_path, dict.fromkeys(tree, b""))
    count = len(list(tmp_path.rglob("*")))
    assert len(walk(tmp_path, max_files=count).files) == len(tree)
    with pytest.raises(ScannerError, match=f"more than {count - 1} files"):
        walk(tmp_path, max_files=count - 1)


def test_the_number_of_bytes_is_bounded(tmp_path: Path) -> None:
    models.build_tree(tmp_path, {"a": b"12", "b": b"345"})
    assert len(walk(tmp_path, max_bytes=5).files) == 2
    with pytest.raises(ScannerError, match="more than 4 bytes"):
        walk(tmp_path, max_bytes=4)


def test_a_file_that_claims_more_than_is_hashed_ends_at_once(tmp_path: Path) -> None:
    with open(tmp_path / "sparse", "wb") as file:
        try:
            file.truncate(inventory.MAX_BYTES + 1)
        except OSError:
            pytest.skip("this file system keeps no file of 4 TiB")
    with pytest.raises(ScannerError, match="more than"):
        walk(tmp_path)


def _grow(path: Path) -> None:
    with open(path, "ab") as file:
        file.write(b"x" * 10)


CHANGES = {
    "grown": _grow,
    "cut": lambda path: os.truncate(path, 2**19),
    "emptied": lambda path: os.truncate(path, 0),
    "written, time put back": lambda path: (path.write_bytes(b"y" * 2**20), os.utime(path, ns=(1, 1))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_read_is_reported(tmp_path: Path, change: str) -> None:
    """The progress callback is called after the first piece, so it stands for a writer at that moment."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"x" * 2**20)
    os.utime(victim, ns=(1, 1))
    calls: list[str] = []

    def progress(line: str) -> None:
        if not calls:
            CHANGES[change](victim)
        calls.append(line)

    found = walk(tmp_path, progress=progress)
    assert calls
    assert found.files == ()
    assert _reasons(found) == {"victim": "cannot be read: it changed while it was being read"}


@pytest.mark.parametrize("replacement", ["link", "fifo", "directory"])
def test_an_entry_that_is_replaced_meanwhile_is_not_followed(tmp_path: Path, replacement: str) -> None:
    """`a` is hashed first; its progress line stands for a moment between the listing and the opening of `b`."""
    outside = models.build_tree(tmp_path / "outside", {"x": b"secret"})
    model = models.build_tree(tmp_path / "model", {"a": b"a", "b/x": b"x"})
    moved = tmp_path / "moved"

    def progress(line: str) -> None:
        if moved.exists():
            return
        (model / "b").rename(moved)
        if replacement == "link":
            (model / "b").symlink_to(outside)
        elif replacement == "fifo":
            os.mkfifo(model / "b")

    found = walk(model, progress=progress)
    assert _paths(found) == ["a"]
    assert "b" in _reasons(found)


def test_an_entry_replaced_between_its_stat_and_its_opening_is_not_opened(tmp_path: Path) -> None:
    """No seam reaches into that moment, so the two methods that open are called with what would then be there."""
    models.build_tree(tmp_path, {"outside/x": b"secret"})
    (tmp_path / "file").symlink_to("outside/x")
    (tmp_path / "folder").symlink_to("outside")
    os.mkfifo(tmp_path / "pipe")
    walker = inventory._Walker(tmp_path, 10, 10, None)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="symbolic links"):
            walker._read(folder, "file", "file")
        with pytest.raises(OSError, match="replaced while"):
            walker._read(folder, "pipe", "pipe")
        with pytest.raises(OSError, match="Not a directory"):
            walker._enter(folder, "folder", "folder", 1)
    finally:
        os.close(folder)
    assert walker.inventory(None).files == ()


def test_a_directory_in_which_the_walk_stands_can_be_moved_without_leading_it_out(tmp_path: Path) -> None:
    """What is read comes from the directory that was opened, also when a link has taken its name."""
    outside = models.build_tree(tmp_path / "outside", {"b": b"secret"})
    model = models.build_tree(tmp_path / "model", {"d/a": b"a", "d/b": b"mine"})

    def progress(line: str) -> None:
        if not (tmp_path / "moved").exists():
            (model / "d").rename(tmp_path / "moved")
            (model / "d").symlink_to(outside)

    found = walk(model, progress=progress)
    assert [file.sha256 for file in found.files] == [hashlib.sha256(raw).hexdigest() for raw in (b"a", b"mine")]


def test_progress_tells_files_and_megabytes(tmp_path: Path) -> None:
    lines: list[str] = []
    models.build_tree(tmp_path, {"a": b"x" * 200_000, "b": b"x"})
    walk(tmp_path, progress=lines.append)
    assert lines == ["hashed 0 files, 0.2 MB"]


def test_no_file_is_left_open(tmp_path: Path) -> None:
    models.build_tree(tmp_path, {"d/a": b"x", "d/e/b": b"x"})
    before = len(os.listdir("/dev/fd"))
    walk(tmp_path)
    with pytest.raises(ScannerError):
        walk(tmp_path, max_files=3)
    assert len(os.listdir("/dev/fd")) == before
