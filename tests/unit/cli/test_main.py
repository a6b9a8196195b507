"""The command line as a whole: dispatch, help, and how errors become exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import weightgate
from weightgate import cli


def weightgate_command(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    options.setdefault("timeout", 60)
    return subprocess.run([sys.executable, "-m", "weightgate", *words], capture_output=True, text=True, **options)  # type: ignore[call-overload, no-any-return]


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"weightgate {weightgate.__version__}\n"
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in cli.COMMANDS)
    assert cli.main([]) == 2


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--help"]) == 0
    assert f"usage: weightgate {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["chekc", "x"], "did you mean `check`"),
        (["check"], "FINDINGS"),
        (["check", "f.json"], "--env"),
        (["check", "f.json", "--env", "dev", "--all"], "not allowed with"),
        (["check", "f.json", "--all", "--frmat", "json"], "--frmat"),
        (["check", "f.json", "--all", "--fail-on", "HIGH"], "--fail-on"),
        (["gate", "m", "--env", "dev", "--timeout", "-1"], "above 0"),
        (["gate", "m", "--env", "dev", "--timeout", "nan"], "above 0"),
        (["schema", "decisions"], "invalid choice"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_exit_code_2_and_says_what_is_wrong(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    captured = capsys.readouterr()
    assert hint in captured.err
    assert captured.out == ""


def test_an_abbreviated_option_is_not_taken(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "f.json", "--al"]) == 2


def test_a_bug_of_ours_is_never_the_exit_code_of_a_decision(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from weightgate.cli import schema

    def broken(_: object) -> int:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(schema, "run", broken)
    assert cli.main(["schema", "findings"]) == 3
    assert "internal error: ZeroDivisionError: oops" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_allow(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "weightgate", "schema", "findings"], stdout=write, stderr=subprocess.PIPE, timeout=60
    )
    os.close(write)
    assert done.returncode == 3


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_has_no_decision(number: signal.Signals, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "findings")
    process = subprocess.Popen(
        [sys.executable, "-m", "weightgate", "check", str(tmp_path / "findings"), "--all"],
        stderr=subprocess.PIPE,
        text=True,
    )
    with open(tmp_path / "findings", "wb"):
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "interrupted" in err


def test_start_up_imports_nothing_that_version_does_not_need() -> None:
    code = "import sys, weightgate.cli; weightgate.cli.main(['--version']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    for name in ("argparse", "json", "dataclasses", "pathlib", "subprocess", "yaml", "httpx"):
        assert f"'{name}'" not in done.stdout


def test_check_imports_neither_http_nor_scanners() -> None:
    code = (
        "import sys, weightgate.cli; weightgate.cli.main(['check', '/nonexistent', '--all', '--format', 'json']); "
        "heavy = ('httpx', 'requests', 'urllib3', 'opa_client', 'rich', 'tenacity', 'asyncio'); "
        "print([n for n in sys.modules if n.split('.')[0] in heavy or n.startswith('weightgate.scanners')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_public_names_are_there() -> None:
    for name in weightgate.__all__:
        assert getattr(weightgate, name) is not None
    with pytest.raises(AttributeError):
        _ = weightgate.nothing
