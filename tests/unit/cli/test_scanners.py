"""`weightgate scanners`: what is there, in words and in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from weightgate.cli import main
from weightgate.scanners.installations import MARKER, SPECIFICATIONS, variable

NAMES = ["modelaudit", "modelscan", "picklescan", "fickling", "sarif", "prisma-airs"]


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHTGATE_CACHE_DIR", str(tmp_path / "cache"))
    for name in SPECIFICATIONS:
        monkeypatch.delenv(variable(name), raising=False)


def program(path: Path, script: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)
    return path


def fabricate(name: str) -> Path:
    made = SPECIFICATIONS[name]
    program(made.folder / "bin" / "python")
    marker = {"scanner": name, "version": "9.8", "python": "3.12", "lock": made.digest}
    (made.folder / MARKER).write_text(json.dumps(marker))
    return program(made.folder / "bin" / name)


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str | None]]:
    assert main(["scanners", "list", "--format", "json"]) == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)["scanners"]}


def test_list_tells_every_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed = fabricate("picklescan")
    named = program(tmp_path / "mine", "#!/bin/sh\necho 4.5.6\n")
    monkeypatch.setenv("WEIGHTGATE_SCANNER_MODELSCAN", str(named))
    monkeypatch.setenv("WEIGHTGATE_SCANNER_FICKLING", "/nowhere/fickling")
    rows = listed(capsys)
    assert list(rows) == NAMES
    assert [tuple(row.values())[1:] for row in rows.values()] == [
        (None, "not installed", None),
        ("4.5.6", "named by WEIGHTGATE_SCANNER_MODELSCAN", str(named)),
        ("9.8", "installed", str(installed)),
        (None, "named by WEIGHTGATE_SCANNER_FICKLING, but not a program", "/nowhere/fickling"),
        (None, "built in", None),
        (None, "service", None),
    ]


def test_list_as_text_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    path = fabricate("picklescan")
    assert main(["scanners", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", *NAMES]
    assert lines[3].split() == ["picklescan", "9.8", "installed", str(path)]


def test_installed_scanner_is_not_installed_again(capsys: pytest.CaptureFixture[str]) -> None:
    path = fabricate("fickling")
    assert main(["scanners", "install", "fickling"]) == 0
    assert capsys.readouterr() == (f"fickling 9.8 {path}\n", "")


def test_install_says_that_a_named_program_comes_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fabricate("fickling")
    monkeypatch.setenv("WEIGHTGATE_SCANNER_FICKLING", "/nowhere/fickling")
    assert main(["scanners", "install", "fickling"]) == 0
    assert "WEIGHTGATE_SCANNER_FICKLING is set" in capsys.readouterr().err


def test_remove(capsys: pytest.CaptureFixture[str]) -> None:
    path = fabricate("fickling")
    assert main(["scanners", "remove", "fickling", "modelscan"]) == 0
    assert capsys.readouterr().out == "fickling removed\nmodelscan was not installed\n"
    assert not path.exists()
    assert listed(capsys)["fickling"]["status"] == "not installed"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["install", "nmap"], "expected one of modelaudit, modelscan, picklescan, fickling"),
        (["install", "sarif"], "needs no program"),
        (["remove", "prisma-airs"], "needs no program"),
        (["install"], "NAME"),
        ([], "list|install|remove"),
        (["install", "fickling", "--python", "/nowhere/python"], "not a Python interpreter"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_2(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scanners", *words]) == 2
    assert told in capsys.readouterr().err


def test_unknown_name_stops_everything_before_it_starts(capsys: pytest.CaptureFixture[str]) -> None:
    path = fabricate("fickling")
    assert main(["scanners", "remove", "fickling", "nmap"]) == 2
    assert path.exists()
    assert capsys.readouterr().out == ""
