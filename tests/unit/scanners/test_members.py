"""Which file `archive:member` is about, and when its members cover an archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import models
from weightgate.errors import ScannerError
from weightgate.scanners import members


@pytest.mark.parametrize(
    ("texts", "files"),
    [
        (["a.pkl", "b/c.pkl"], {"a.pkl", "b/c.pkl"}),
        (["step:100 final.pkl"], {"step:100 final.pkl"}),
        (["step:1.pkl", "step:2.pkl"], {"step:1.pkl", "step:2.pkl"}),
        (["m.pt:archive/data.pkl"], {"m.pt"}),
        (["step:1.pt:archive/data.pkl"], {"step:1.pt"}),
        (["a.zip:x.pkl", "a.zip:y.pkl", "b.npz:z.npy"], {"a.zip", "b.npz"}),
        (["lambda.x", "lambda.x:config.json"], {"lambda.x"}),
        (["model:archive/data.pkl", "model:archive/version"], {"model"}),
        (["model:a/data.pkl", "model:b/version"], {"model:a/data.pkl", "model:b/version"}),
        (["/m/run:1/a.pkl", "/m/b.pkl"], {"/m/run:1/a.pkl", "/m/b.pkl"}),
        ([], set()),
    ],
)
def test_files_of_a_stored_report(texts: list[str], files: set[str]) -> None:
    assert members.stored_files(texts) == files


@pytest.mark.parametrize(
    ("read", "torch", "gaps"),
    [
        ({"a.npy": None}, False, []),
        ({"a.npy": None, "b.npy": "no"}, False, ["member b.npy: no"]),
        ({}, False, ["none of its members was read"]),
        ({"a/version": "no"}, False, ["member a/version: no", "none of its members was read"]),
        ({"a/data.pkl": None, "a/version": "no", "a/data/0": "no"}, True, []),
        ({"a/data.pkl": None, "b/version": "no"}, True, ["member b/version: no"]),
        ({"a/data.pkl": None, "a/code/x.py": "no"}, True, ["member a/code/x.py: no"]),
        ({"b.pkl": None}, True, ["its data.pkl was not read"]),
        ({"b.pkl": None, "a/data.pkl": "no"}, True, ["member a/data.pkl: no", "its data.pkl was not read"]),
    ],
)
def test_gaps(read: dict[str, str | None], torch: bool, gaps: list[str]) -> None:
    assert members.gaps(read, torch=torch) == gaps


def test_the_members_of_a_zip_are_listed_without_directories(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(models.zip_of([("d/", b""), ("d/a.pkl", b"x"), ("e/", b"not empty")]))

    assert members.listed(tmp_path / "a.zip") == ["d/a.pkl", "e/"]


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", models.zip_of([("a", b"x")])[:-1]], ids=["empty", "head", "cut"]
)
def test_what_cannot_be_listed_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)

    with pytest.raises(ScannerError, match=r"a\.zip cannot be listed"):
        members.listed(tmp_path / "a.zip")


def test_a_zip_with_too_large_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(models.zip_of([("x" * 60_000 + str(number), b"") for number in range(150)]))

    with pytest.raises(ScannerError, match="TooBig"):
        members.listed(tmp_path / "a.zip")
