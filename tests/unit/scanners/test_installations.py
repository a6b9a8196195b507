"""Isolated installations of scanners: by hash, all or nothing, and the programs that a user names."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import pytest

from weightgate.errors import ScannerError, ScannerNotInstalled, UsageError
from weightgate.scanners import environment, installations
from weightgate.scanners.installations import MARKER, SPECIFICATIONS, Specification
from weightgate.scanners.interface import Limits
from weightgate.scanners.process import Workspace

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
MAIN = "def main():\n    print('fakescan ran')\n"


def silent(line: str) -> None:
    pass


def wheel(folder: Path, code: str = MAIN) -> Path:
    """Write a wheel of a scanner `fakescan` 1.5 whose module `fakescan` holds `code`."""
    path = folder / "fakescan-1.5-py3-none-any.whl"
    info = "fakescan-1.5.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fakescan.py", code)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: fakescan\nVersion: 1.5\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/entry_points.txt", "[console_scripts]\nfakescan = fakescan:main\n")
        names = ("fakescan.py", f"{info}/METADATA", f"{info}/WHEEL", f"{info}/entry_points.txt", f"{info}/RECORD")
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in names))
    return path


def specify(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, digest: str = "0" * 64, pythons: tuple[str, ...] = (HERE,)
) -> Specification:
    lock = folder / "fakescan.txt"
    lock.write_text(f"fakescan==1.5 --hash=sha256:{digest}\n")
    made = Specification("fakescan", "fakescan", pythons, "1 package", lock)
    monkeypatch.setitem(SPECIFICATIONS, "fakescan", made)
    return made


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    for name in SPECIFICATIONS:
        monkeypatch.delenv(installations.variable(name), raising=False)
    if request.node.get_closest_marker("scanners") is None:
        monkeypatch.setenv("WEIGHTGATE_CACHE_DIR", str(tmp_path / "cache"))
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))


def locked_wheel(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str = MAIN) -> Specification:
    digest = hashlib.sha256(wheel(folder, code).read_bytes()).hexdigest()
    return specify(folder, monkeypatch, digest=digest)


def finished(made: Specification) -> Path:
    """Fabricate the finished environment of `made`."""
    (made.folder / "bin").mkdir(parents=True)
    for name in ("python", made.name):
        program(made.folder / "bin" / name)
    marker = {"scanner": made.name, "version": "1.5", "python": HERE, "lock": made.digest}
    (made.folder / MARKER).write_text(json.dumps(marker))
    return made.folder


def program(path: Path, script: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)
    return path


def test_two_at_once_install_one_environment_that_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = locked_wheel(tmp_path, monkeypatch)
    lines: list[str] = []
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda _: installations.install("fakescan", report=lines.append), range(2)))
    found = installations.program("fakescan")
    assert both == [found, found]
    assert found.version == "1.5"
    assert found.path == made.folder / "bin" / "fakescan"
    assert found.python == made.folder / "bin" / "python"
    assert sum("fetching 1 package" in line for line in lines) == 1
    with Workspace() as workspace:
        assert workspace.run([found.path], limits=Limits(seconds=60)).stdout == b"fakescan ran\n"

    again: list[str] = []
    assert installations.install("fakescan", report=again.append) == found
    assert again == []
    assert installations.remove("fakescan")
    assert not installations.remove("fakescan")
    with pytest.raises(ScannerNotInstalled, match="run `weightgate scanners install fakescan`"):
        installations.program("fakescan")


def test_wheel_with_another_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(tmp_path)
    specify(tmp_path, monkeypatch, digest="1" * 64)
    with pytest.raises(ScannerError, match=r"(?s)nothing was installed.*DO NOT MATCH THE HASHES"):
        installations.install("fakescan", report=silent)
    with pytest.raises(ScannerNotInstalled):
        installations.program("fakescan")


def test_lock_without_a_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = locked_wheel(tmp_path, monkeypatch)
    made.lock_file.write_text("fakescan==1.5\n")
    with pytest.raises(ScannerError, match="nothing was installed"):
        installations.install("fakescan", report=silent)


@pytest.mark.parametrize(
    ("code", "told"),
    [("import missing_module", "missing_module"), ("def main():\n    raise SystemExit(1)\n", "fakescan --help")],
    ids=["import fails", "program fails"],
)
def test_scanner_that_does_not_start_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, told: str
) -> None:
    locked_wheel(tmp_path, monkeypatch, code)
    with pytest.raises(ScannerError, match=f"(?s)does not work.*{told}"):
        installations.install("fakescan", report=silent)
    with pytest.raises(ScannerNotInstalled):
        installations.program("fakescan")


INSTALL = """
import sys
from pathlib import Path
from weightgate.scanners import installations
made = installations.Specification("fakescan", "fakescan", (sys.argv[2],), "1 package", Path(sys.argv[1]))
installations.SPECIFICATIONS["fakescan"] = made
installations.install("fakescan", python=sys.argv[3], report=print)
"""


def kill_install_when(reached: Path, made: Specification, python: str, temporary: Path) -> None:
    """Install in a process of its own and kill that one with SIGKILL as soon as `reached` exists."""
    argv = [sys.executable, "-c", INSTALL, str(made.lock_file), HERE, python]
    environ = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(argv, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not reached.exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert reached.exists()


def test_install_killed_at_its_last_step_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block, reached = tmp_path / "block", tmp_path / "reached"
    code = f"""
import pathlib, time
pathlib.Path({str(reached)!r}).touch()
while pathlib.Path({str(block)!r}).exists():
    time.sleep(0.01)
{MAIN}"""
    made = locked_wheel(tmp_path, monkeypatch, code)
    block.touch()
    kill_install_when(reached, made, sys.executable, tmp_path)
    block.unlink()
    assert (made.folder / "bin" / "fakescan").exists()
    with pytest.raises(ScannerNotInstalled):
        installations.program("fakescan")
    (made.folder / "left-over").touch()
    assert installations.install("fakescan", report=silent).version == "1.5"
    assert not (made.folder / "left-over").exists()


def test_child_that_outlives_a_killed_install_keeps_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = specify(tmp_path, monkeypatch)
    block, reached = tmp_path / "block", tmp_path / "reached"
    block.touch()
    wait = f"case $2 in -c) echo {HERE};; *) touch {reached}; while test -e {block}; do sleep 0.05; done;; esac"
    slow = program(tmp_path / "slow-python", f"#!/bin/sh\n{wait}\n")
    kill_install_when(reached, made, str(slow), tmp_path)
    with (tmp_path / "cache" / "scanners" / "fakescan.lock").open() as lock:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        block.unlink()
        fcntl.flock(lock, fcntl.LOCK_EX)


def test_waiting_for_another_install_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    lines: list[str] = []

    def second() -> None:
        with environment.locked(path, lines.append):
            pass

    with ThreadPoolExecutor() as pool:
        with environment.locked(path, silent):
            waiting = pool.submit(second)
            while not lines and not waiting.done():
                time.sleep(0.01)
        waiting.result()
    assert lines == [f"waiting for another process that holds {path}"]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("#!/bin/sh\necho 3.9\n", "fakescan does not support Python 3.9; expected one of " + HERE),
        ("#!/bin/sh\necho no such version >&2; exit 127\n", "not a Python interpreter"),
        ("#!/nowhere\n", "not a Python interpreter"),
    ],
    ids=["old", "version manager's stub", "broken"],
)
def test_python_that_will_not_do_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, told: str
) -> None:
    made = specify(tmp_path, monkeypatch)
    with pytest.raises(UsageError, match=re.escape(told)):
        installations.install("fakescan", python=str(program(tmp_path / "python3", script)), report=silent)
    assert not made.folder.exists()


def test_no_python_found_is_an_error_that_names_the_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specify(tmp_path, monkeypatch, pythons=("2.1",))
    with pytest.raises(ScannerError, match=r"expected one of 2\.1: install one, or run .* --python PATH"):
        installations.install("fakescan", report=silent)


def test_supported_python_is_found_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specify(tmp_path, monkeypatch, pythons=("2.0", "2.1"))
    broken = "#!/bin/sh\nexit 127\n"
    works = f"#!/bin/sh\ncase $2 in -c) echo 2.1;; *) echo made by $0; touch {tmp_path}/asked; exit 1;; esac\n"
    program(tmp_path / "bin" / "python2.0", broken)
    program(tmp_path / "bin" / "python2.1", works)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ScannerError, match=r"made by .*python2\.1"):
        installations.install("fakescan", report=silent)
    assert (tmp_path / "asked").exists()


def test_failed_rebuild_leaves_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(specify(tmp_path, monkeypatch))
    fails = program(tmp_path / "python3", f"#!/bin/sh\ncase $2 in -c) echo {HERE};; *) exit 1;; esac\n")
    with pytest.raises(ScannerError, match="could not create"):
        installations.install("fakescan", python=str(fails), report=silent)
    with pytest.raises(ScannerNotInstalled):
        installations.program("fakescan")


def test_wrong_python_leaves_a_finished_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(specify(tmp_path, monkeypatch))
    with pytest.raises(UsageError):
        installations.install("fakescan", python="/nowhere/python", report=silent)
    assert installations.program("fakescan").version == "1.5"


@pytest.mark.parametrize(
    "action",
    [
        lambda: installations.install("fakescan", python=sys.executable, report=silent),
        lambda: installations.remove("fakescan"),
    ],
    ids=["install", "remove"],
)
def test_half_deleted_environment_does_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]
) -> None:
    finished(specify(tmp_path, monkeypatch))

    def fail(folder: Path) -> None:
        raise OSError("interrupted")

    monkeypatch.setattr("shutil.rmtree", fail)
    with pytest.raises(ScannerError, match="interrupted"):
        action()
    with pytest.raises(ScannerNotInstalled):
        installations.program("fakescan")


def test_cache_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specify(tmp_path, monkeypatch)
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(ScannerError, match="WEIGHTGATE_CACHE_DIR can name another place"):
        installations.install("fakescan", report=silent)


MARKERS = {
    "no marker": None,
    "empty": "",
    "not JSON": "{",
    "not an object": "[]",
    "other scanner": {"scanner": "other"},
    "other lock": {"lock": "0" * 64},
    "no version": {"version": None},
    "empty version": {"version": ""},
    "version is a number": {"version": 1.5},
}


@pytest.mark.parametrize("change", MARKERS.values(), ids=MARKERS)
def test_environment_without_a_good_marker_does_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str | dict[str, object] | None
) -> None:
    marker = finished(specify(tmp_path, monkeypatch)) / MARKER
    assert installations.program("fakescan").version == "1.5"
    if change is None:
        marker.unlink()
    else:
        good = json.loads(marker.read_text())
        marker.write_text(change if isinstance(change, str) else json.dumps(good | change))
    with pytest.raises(ScannerNotInstalled):
        installations.program("fakescan")


@pytest.mark.parametrize("name", ["python", "fakescan"])
def test_environment_without_its_programs_does_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = finished(specify(tmp_path, monkeypatch))
    (folder / "bin" / name).unlink()
    (folder / "bin" / name).symlink_to(tmp_path / "taken away")
    with pytest.raises(ScannerNotInstalled):
        installations.program("fakescan")


def test_changed_lock_needs_an_environment_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(specify(tmp_path, monkeypatch))
    specify(tmp_path, monkeypatch, digest="2" * 64)
    with pytest.raises(ScannerNotInstalled):
        installations.program("fakescan")


@pytest.mark.parametrize("kind", ["missing", "folder", "not executable"])
def test_named_program_that_will_not_do_never_falls_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    finished(specify(tmp_path, monkeypatch))
    named = tmp_path / "named"
    if kind == "folder":
        named.mkdir()
    elif kind == "not executable":
        named.write_text("#!/bin/sh\n")
    monkeypatch.setenv("WEIGHTGATE_SCANNER_FAKESCAN", str(named))
    with pytest.raises(ScannerNotInstalled, match=f"WEIGHTGATE_SCANNER_FAKESCAN={named}: not an executable file"):
        installations.program("fakescan")


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("#!/bin/sh\necho fakescan, version 2.7.1rc1\n", "2.7.1rc1"),
        ("#!/bin/sh\necho 2.7; exit 1\n", "unknown"),
        ("#!/bin/sh\necho none\n", "unknown"),
        ("#!/nowhere\n", "unknown"),
    ],
    ids=["told", "fails", "says nothing", "does not start"],
)
def test_named_program_tells_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, version: str
) -> None:
    finished(specify(tmp_path, monkeypatch))
    named = program(tmp_path / "named", script)
    monkeypatch.setenv("WEIGHTGATE_SCANNER_FAKESCAN", str(named))
    assert installations.program("fakescan") == installations.Program(named, None, version)


def test_named_link_leads_to_the_python_beside_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specify(tmp_path, monkeypatch)
    real = program(tmp_path / "env" / "bin" / "fakescan", "#!/bin/sh\nexit 1\n")
    python = program(real.parent / "python", "#!/bin/sh\necho 3.4.5\n")
    (tmp_path / "link").symlink_to(real)
    monkeypatch.setenv("WEIGHTGATE_SCANNER_FAKESCAN", str(tmp_path / "link"))
    assert installations.program("fakescan") == installations.Program(tmp_path / "link", python, "3.4.5")


@pytest.mark.parametrize("action", [installations.program, installations.remove, installations.specification])
@pytest.mark.parametrize(
    ("scanner", "told"),
    [
        ("sarif", "built in"),
        ("prisma-airs", "service"),
        ("nmap", "expected one of modelaudit, modelscan"),
        ("", "one of"),
    ],
)
def test_scanner_without_a_program_is_a_usage_error(action: object, scanner: str, told: str) -> None:
    assert callable(action)
    with pytest.raises(UsageError, match=told):
        action(scanner)


@pytest.mark.parametrize("scanner", ["modelaudit", "modelscan", "picklescan", "fickling"])
def test_shipped_lock_pins_everything_by_hash_and_names_no_host(scanner: str) -> None:
    locks = resources.files("weightgate.scanners") / "locks"
    lock = (locks / f"{scanner}.txt").read_text("utf-8")
    pinned = [line for line in lock.splitlines() if line[:1].isalnum()]
    for entry in re.split(r"\n(?=[a-z0-9])", lock.strip()):
        assert re.match(r"[a-z0-9-]+==[^ ]+( ; [^\\]+)?( \\\n +--hash=sha256:[0-9a-f]{64})+$", entry), entry[:200]
    wanted = (locks / f"{scanner}.in").read_text("utf-8").splitlines()[0]
    assert re.sub(r"\[.*\]", "", wanted) in {line.split()[0] for line in pinned}
    assert "://" not in lock
    assert SPECIFICATIONS[scanner].lock_file.name == f"{scanner}.txt"


@pytest.mark.scanners
def test_picklescan_is_installed_from_its_lock() -> None:
    lines: list[str] = []
    found = installations.install("picklescan", report=lines.append)
    assert found == installations.program("picklescan")
    assert found.python is not None
    lock = SPECIFICATIONS["picklescan"].lock_file.read_text("utf-8")
    with Workspace() as workspace:
        ask = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()))"
        done = workspace.run([found.python, "-I", "-c", ask], limits=Limits(seconds=60))
        there = set(done.stdout.decode().lower().replace("_", "-").replace("backports.", "backports-").split())
        (workspace.path / "harmless.pkl").write_bytes(b"\x80\x04N.")
        scan = workspace.run([found.path, "-p", "harmless.pkl"], limits=Limits(seconds=60))
    assert f"picklescan=={found.version}" in there
    assert {pin for pin in there if not pin.startswith(("pip==", "setuptools=="))} <= set(re.findall(r"\S+==\S+", lock))
    assert scan.exit_code == 0
    assert b"Scanned files: 1" in scan.stdout
