from __future__ import annotations

import os
from pathlib import Path

import pytest

from weightgate.cli import main
from weightgate.engine import binary

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for OPA are shell scripts")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No OPA, no Go, an empty cache, and a release server that does not listen."""
    monkeypatch.delenv("WEIGHTGATE_OPA", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("WEIGHTGATE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("WEIGHTGATE_OPA_BASE_URL", "http://127.0.0.1:9")


def program(path: Path, version: str = binary.PINNED) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho 'Version: {version}'\n")
    path.chmod(0o755)
    return path


def test_path_prints_the_path_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    kept = program(binary.cached())
    assert main(["opa", "path"]) == 0
    assert capsys.readouterr() == (f"{kept}\n", "")


@pytest.mark.parametrize("action", ["path", "version"])
def test_looking_fetches_nothing(capsys: pytest.CaptureFixture[str], action: str) -> None:
    assert main(["opa", action]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "run `weightgate opa install`" in err
    assert "fetching" not in err
    assert not binary.cached().parent.exists()


def test_version_says_where_it_was_found(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    on_path = program(tmp_path / "bin" / "opa", "1.5.0")
    assert main(["opa", "version"]) == 0
    assert capsys.readouterr() == (f"1.5.0 (from PATH: {on_path})\n", "")
    kept = program(binary.cached())
    assert main(["opa", "version"]) == 0
    assert capsys.readouterr() == (f"{binary.PINNED} (from weightgate's cache: {kept})\n", "")


def test_version_warns_of_a_named_program_that_is_not_supported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIGHTGATE_OPA", str(program(tmp_path / "old", "0.70.0")))
    assert main(["opa", "version"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("0.70.0 (from WEIGHTGATE_OPA: ")
    assert "OPA 0.70.0 is not supported" in err


def test_version_of_what_is_no_opa_is_an_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = program(tmp_path / "other")
    other.write_text("#!/bin/sh\necho hello\n")
    monkeypatch.setenv("WEIGHTGATE_OPA", str(other))
    assert main(["opa", "version"]) == 3
    assert "is it OPA?" in capsys.readouterr().err


def test_install_says_what_is_already_there(capsys: pytest.CaptureFixture[str]) -> None:
    kept = program(binary.cached())
    assert main(["opa", "install"]) == 0
    assert capsys.readouterr() == (f"OPA {binary.PINNED} is already there: {kept}\n", "")


def test_install_says_that_another_program_is_used(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(binary.cached())
    monkeypatch.setenv("WEIGHTGATE_OPA", str(tmp_path / "mine"))
    assert main(["opa", "install"]) == 0
    assert "WEIGHTGATE_OPA is set" in capsys.readouterr().err


def test_install_provides_the_program_even_if_path_has_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    program(tmp_path / "bin" / "opa")
    go = program(tmp_path / "bin" / "go")
    go.write_text(
        '#!/bin/sh\nif [ "$1" = env ]; then echo checksums.example.org; exit 0; fi\n'
        f'printf \'#!/bin/sh\\necho Version: {binary.PINNED}\\n\' > "$GOBIN/opa"\n/bin/chmod 755 "$GOBIN/opa"\n'
    )
    assert main(["opa", "install"]) == 0
    out, err = capsys.readouterr()
    assert out == f"OPA {binary.PINNED} installed: {binary.cached()}\n"
    assert "fetching OPA" in err


def test_install_that_fails_exits_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["opa", "install"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "could not be provided" in err


@pytest.mark.parametrize("words", [[], ["remove"], ["pat"], ["path", "--force"]], ids=" ".join)
def test_wrong_usage_exits_2(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert main(["opa", *words]) == 2
    assert capsys.readouterr().out == ""


def test_help_tells_the_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["opa", "--help"]) == 0
    text = capsys.readouterr().out
    order = [text.index(word) for word in ("1. WEIGHTGATE_OPA", "2. the user's cache", "3. opa on PATH", "4. provided")]
    assert order == sorted(order)
