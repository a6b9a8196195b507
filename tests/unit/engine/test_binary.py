from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from weightgate.engine import binary
from weightgate.errors import EngineError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for OPA are shell scripts")


def program(path: Path, says: str = "Version: 1.22.2", also: str = ":") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{also}\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_the_named_program_comes_before_all_others(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(binary.cached())
    program(bare / "opa")
    named = program(tmp_path / "mine" / "opa-dev")
    monkeypatch.setenv("WEIGHTGATE_OPA", str(named))
    assert binary.locate() == (named, "named")
    assert binary.find() == named


def test_a_relative_named_program_is_made_absolute(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = program(tmp_path / "mine" / "opa")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEIGHTGATE_OPA", "mine/opa")
    assert binary.find() == named


@pytest.mark.parametrize("kind", ["not there", "not executable", "not a file", "broken link"])
def test_a_named_program_that_is_none_never_falls_through(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    program(binary.cached())
    program(bare / "opa")
    named = tmp_path / "named"
    if kind == "not executable":
        named.write_text("#!/bin/sh\n")
    elif kind == "not a file":
        named.mkdir()
    elif kind == "broken link":
        named.symlink_to(tmp_path / "nowhere")
    monkeypatch.setenv("WEIGHTGATE_OPA", str(named))
    with pytest.raises(
        EngineError, match=r"WEIGHTGATE_OPA is .*named.* which is .*; expected the path of an OPA program"
    ):
        binary.find()


def test_an_empty_variable_names_nothing(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHTGATE_OPA", "")
    assert binary.locate() is None


def test_the_cache_comes_before_path_and_is_not_run(bare: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    kept = program(binary.cached(), also=f": > '{ran}'")
    program(bare / "opa", also=f": > '{ran}'")
    assert binary.locate() == (kept, "cache")
    assert not ran.exists()


@pytest.mark.parametrize("version", ["1.22.1", "1.22.20"])
def test_another_version_in_the_cache_is_not_taken(bare: Path, version: str) -> None:
    program(binary.cached(version))
    assert binary.locate() is None


def test_a_cached_file_that_is_not_executable_is_not_taken(bare: Path) -> None:
    program(binary.cached()).chmod(0o644)
    reasons: list[str] = []
    assert binary.locate(reasons) is None
    assert f"cache: {binary.cached()} is not executable" in reasons


@pytest.mark.parametrize("version", ["1.0.0", "1.22.2", "1.99.0"])
def test_a_supported_opa_on_path_is_taken(bare: Path, version: str) -> None:
    on_path = program(bare / "opa", f"Version: {version}")
    assert binary.locate() == (on_path, "path")


@pytest.mark.parametrize(
    "says",
    [
        "Version: 0.70.0",
        "Version: 2.0.0",
        "Version: 10.0.0",
        "Version: 1.23.0-dev",
        "Version: 1.22",
        "Version: 1.²2.0",
        "Version: ",
        "Rego Version: v1",
        "",
    ],
)
def test_an_opa_on_path_that_is_not_supported_is_passed_over_with_the_reason(bare: Path, says: str) -> None:
    program(bare / "opa", says)
    reasons: list[str] = []
    assert binary.locate(reasons) is None
    assert reasons[-1].startswith(f"PATH: {bare / 'opa'}")


def test_an_opa_on_path_that_fails_is_passed_over(bare: Path) -> None:
    program(bare / "opa", "Version: 1.22.2").write_text("#!/bin/sh\necho 'Version: 1.22.2'\nexit 1\n")
    assert binary.locate() is None


def test_an_opa_on_path_that_hangs_is_passed_over(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "VERSION_TIMEOUT", 0.2)
    program(bare / "opa", also="exec /bin/sleep 30")
    reasons: list[str] = []
    assert binary.locate(reasons) is None
    assert "did not end within 0.2 s" in reasons[-1]


@pytest.mark.parametrize("folder", ["", ".", "here"])
def test_a_relative_folder_on_path_is_passed_over(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    program(tmp_path / folder / "opa")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", folder)
    assert binary.locate() is None


def test_nothing_found_and_nothing_to_be_fetched_names_every_place(bare: Path) -> None:
    with pytest.raises(EngineError) as caught:
        binary.find(provision=False)
    text = str(caught.value)
    for part in ("WEIGHTGATE_OPA is not set", f"cache: {binary.cached()}", "PATH: no opa", "weightgate opa install"):
        assert part in text
    assert not binary.cached().parent.exists()


def test_find_that_has_to_provide_names_the_places_looked_at_too(bare: Path) -> None:
    with pytest.raises(EngineError) as caught:
        binary.find(stderr=io.StringIO())
    text = str(caught.value)
    for part in ("WEIGHTGATE_OPA is not set", "cache:", "PATH:", "official release:", "go install:", "mend:"):
        assert part in text


def test_version_of_says_what_cannot_be_run(bare: Path) -> None:
    garbled = program(bare / "garbled")
    garbled.write_bytes(b"\x7fELF not really")
    with pytest.raises(EngineError, match="cannot be run"):
        binary.version_of(garbled)


def test_finding_the_cached_program_imports_nothing_heavy(bare: Path) -> None:
    program(binary.cached())
    code = (
        "import sys; from weightgate.engine.binary import find; find()\n"
        "heavy = {'subprocess', 'urllib.request', 'http.client', 'ssl', 'hashlib', 'dataclasses', 'json',"
        " 'weightgate.engine.provision', 'weightgate.engine.download'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
