"""The child-process runner: bounds, a scrubbed environment, and nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from weightgate.errors import ScannerError, ScanTimeout
from weightgate.scanners.interface import Limits
from weightgate.scanners.process import STDERR_BYTES, STDERR_CUT, Completed, Workspace

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc or RLIMIT_AS")
SOON = Limits(seconds=60)


def python(code: str, *words: str | Path, limits: Limits = SOON, **options: object) -> Completed:
    with Workspace() as workspace:
        return workspace.run([sys.executable, "-c", code, *words], limits=limits, **options)  # type: ignore[arg-type]


def running(pid: int) -> bool:
    """Whether `pid` still runs; an orphan that nobody reaped yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def is_gone(pid: int) -> bool:
    deadline = time.monotonic() + 20
    while running(pid):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            return False
        time.sleep(0.01)
    return True


def test_output_exit_code_and_times_are_returned() -> None:
    done = python("import sys; print('out'); print('err \\u00e9', file=sys.stderr); sys.exit(3)")
    assert (done.exit_code, done.stdout, done.stderr) == (3, b"out\n", "err é\n")
    for moment in (done.started_at, done.finished_at):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment)
    assert done.started_at <= done.finished_at


def test_arguments_reach_the_program_as_they_are() -> None:
    words = ["$(id)", "; exit 9", "a b", "", "*", "--", "-x\n"]
    done = python("import sys; print(ascii(sys.argv[1:]))", *words)
    assert done.stdout.decode().strip() == ascii(words)


def test_stderr_that_is_not_utf8_is_replaced() -> None:
    assert python("import os; os.write(2, b'\\xff')").stderr == "\ufffd"


def test_environment_holds_nothing_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY", "MODEL_SECURITY_CLIENT_SECRET", "PIP_INDEX_URL", "PYTHONPATH"):
        monkeypatch.setenv(name, "s3cret")
    done = python("import os; print(*(f'{k}={v}' for k, v in os.environ.items()), os.getcwd(), sep='\\n')")
    *pairs, cwd = done.stdout.decode().splitlines()
    environ = dict(pair.split("=", 1) for pair in pairs)
    assert "s3cret" not in done.stdout.decode()
    assert environ["PROMPTFOO_DISABLE_TELEMETRY"] == environ["PYTHONNOUSERSITE"] == environ["HF_HUB_OFFLINE"] == "1"
    assert environ["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        assert Path(environ[name]).is_relative_to(cwd)
    assert set(environ) <= {
        *("PATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR", "TERM", "NO_COLOR", "DO_NOT_TRACK", "PWD", "OLDPWD", "_"),
        *("SHLVL", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "WEIGHTGATE_WORKSPACE"),
        *("PYTHONNOUSERSITE", "PYTHONDONTWRITEBYTECODE", "PYTHONSAFEPATH", "PYTHONUTF8"),
        *("PROMPTFOO_DISABLE_TELEMETRY", "HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"),
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "__CF_USER_TEXT_ENCODING"),
    }


def test_environ_of_the_caller_is_added() -> None:
    assert python("import os; print(os.environ['CI'])", environ={"CI": "true"}).stdout == b"true\n"


def test_standard_input_is_not_the_callers() -> None:
    code = """
import sys
from weightgate.scanners.interface import Limits
from weightgate.scanners.process import Workspace
with Workspace() as workspace:
    ask = "import sys; print(repr(sys.stdin.read()))"
    print(workspace.run([sys.executable, "-c", ask], limits=Limits(seconds=60)).stdout.decode())
"""
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, input="for the caller", capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "''"


def test_working_directory_is_private_and_removed() -> None:
    with Workspace() as workspace:
        assert workspace.path.stat().st_mode & 0o777 == 0o700
        code = "import os, pathlib; print(os.getcwd()); pathlib.Path('report').write_text('{}')"
        done = workspace.run([sys.executable, "-c", code], limits=SOON)
        assert done.stdout.decode().strip() == str(workspace.path)
        assert (workspace.path / "report").read_text() == "{}"
    assert not workspace.path.exists()


def test_working_directory_is_removed_after_an_exception() -> None:
    workspace = Workspace()

    def interrupted() -> None:
        with workspace:
            (workspace.path / "file").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not workspace.path.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_folders_without_permissions_are_removed() -> None:
    with Workspace() as workspace:
        (workspace.path / "a" / "b").mkdir(parents=True)
        (workspace.path / "a" / "b").chmod(0)
        (workspace.path / "a").chmod(0)
    assert not workspace.path.exists()


def test_removal_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    with Workspace() as workspace:
        (workspace.path / "link").symlink_to(tmp_path)
    assert (tmp_path / "kept").exists()


GRANDCHILD = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    {before}
    with open(sys.argv[1] + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    time.sleep(600)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
{after}
"""


def grandchild(before: str = "pass", after: str = "time.sleep(600)") -> str:
    return GRANDCHILD.format(before=before, after=after)


def test_time_out_kills_grandchildren_that_ignore_sigterm(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    with pytest.raises(ScanTimeout, match=r"^python\S* did not end within 3 s"):
        python(grandchild(), pid_file, limits=Limits(seconds=3))
    assert is_gone(int(pid_file.read_text()))


def test_grandchild_is_killed_when_the_child_just_ends(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    began = time.monotonic()
    done = python(grandchild(after="print('done', flush=True); os._exit(0)"), pid_file)
    assert (done.exit_code, done.stdout) == (0, b"done\n")
    assert time.monotonic() - began < 30
    assert is_gone(int(pid_file.read_text()))


@LINUX
def test_daemon_that_left_the_session_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    python(grandchild(before="os.setsid()", after="os._exit(0)"), pid_file)
    assert is_gone(int(pid_file.read_text()))


@LINUX
def test_end_of_one_workspace_leaves_the_others_child_alone(tmp_path: Path) -> None:
    code = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)\nprint('ended by itself')"
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(python, code, tmp_path / "go")
        assert python("").exit_code == 0
        (tmp_path / "go").touch()
        assert waiting.result().stdout == b"ended by itself\n"


def test_whatever_progress_raises_ends_the_child(tmp_path: Path) -> None:
    lines = []

    def stop(line: str) -> None:
        lines.append(line)
        raise KeyboardInterrupt

    pid_file = tmp_path / "pid"
    with pytest.raises(KeyboardInterrupt):
        python(grandchild(), pid_file, progress=stop)
    assert re.fullmatch(r"python\S*: 1 s", lines[0])
    assert is_gone(int(pid_file.read_text()))


def test_progress_comes_about_once_a_second() -> None:
    lines: list[str] = []
    python("import time; time.sleep(2.5)", progress=lines.append)
    assert 1 <= len(lines) <= 3


def test_too_much_output_is_an_error() -> None:
    code = "import os\nwhile True: os.write(1, b'x' * 65536)"
    with pytest.raises(ScannerError, match="wrote more than 1048576 bytes to standard output"):
        python(code, limits=Limits(seconds=60, output_bytes=1024**2))


def test_output_up_to_the_limit_is_kept() -> None:
    done = python("import os; os.write(1, b'x' * 4096)", limits=Limits(seconds=60, output_bytes=4096))
    assert len(done.stdout) == 4096


def test_end_of_a_long_stderr_is_kept_and_the_cut_is_told() -> None:
    code = "import os\nfor _ in range(64): os.write(2, b'x' * 65536); os.write(1, b'y' * 65536)\nos.write(2, b'end')"
    done = python(code)
    assert done.stderr.startswith(STDERR_CUT + "xxx")
    assert done.stderr.endswith("xend")
    assert len(done.stderr) == STDERR_BYTES + len(STDERR_CUT)
    assert len(done.stdout) == 64 * 65536


def test_child_that_closed_its_streams_is_waited_for() -> None:
    done = python("import os, sys, time; os.close(1); os.close(2); time.sleep(0.3); os._exit(7)")
    assert done.exit_code == 7


def test_child_that_closed_its_streams_is_timed_out() -> None:
    with pytest.raises(ScanTimeout):
        python("import os, time; os.close(1); os.close(2); time.sleep(600)", limits=Limits(seconds=1))


@LINUX
def test_memory_is_limited() -> None:
    done = python("bytearray(3 * 1024**3)", limits=Limits(seconds=60, memory_bytes=1024**3))
    assert done.exit_code == 1
    assert "MemoryError" in done.stderr


def test_size_of_a_file_is_limited() -> None:
    code = "open('big', 'wb').write(b'x' * (2 * 1024**2))"
    done = python(code, limits=Limits(seconds=60, output_bytes=1024**2))
    assert done.exit_code == 1
    assert "File too large" in done.stderr


def test_sum_of_files_is_limited() -> None:
    code = "import time\nfor n in range(20): open(f'tmp/{n}', 'wb').write(b'x' * 1024**2)\ntime.sleep(600)"
    with pytest.raises(ScannerError, match="filled its working directory with more than 8388608 bytes"):
        python(code, limits=Limits(seconds=60, output_bytes=1024**2))


def test_no_core_is_dumped() -> None:
    assert python("import resource; print(resource.getrlimit(resource.RLIMIT_CORE))").stdout == b"(0, 0)\n"


def test_lower_limits_of_the_caller_stay() -> None:
    code = """
import resource, sys
from weightgate.scanners.interface import Limits
from weightgate.scanners.process import Workspace
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
with Workspace() as workspace:
    ask = "import resource; print(resource.getrlimit(resource.RLIMIT_FSIZE))"
    print(workspace.run([sys.executable, "-c", ask], limits=Limits(seconds=60)).stdout.decode())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "(1048576, 1048576)"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (signal.SIGKILL, "was killed by SIGKILL (perhaps out of memory: limit 2 GiB)"),
        (signal.SIGSEGV, "was killed by SIGSEGV (perhaps out of memory: limit 2 GiB)"),
        (signal.SIGTERM, "was killed by SIGTERM: last words"),
    ],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else "",
)
def test_end_by_a_signal_is_an_error(number: signal.Signals, expected: str) -> None:
    code = f"import os, sys; print('last words', file=sys.stderr, flush=True); os.kill(os.getpid(), {int(number)})"
    with pytest.raises(ScannerError, match=re.escape(expected)):
        python(code, limits=Limits(seconds=60, memory_bytes=2 * 1024**3))


def test_program_must_be_an_executable_file_with_an_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "text"
    text.write_text("#!/bin/sh\n")
    (tmp_path / "sh").symlink_to("/bin/sh")
    monkeypatch.chdir(tmp_path)
    with Workspace() as workspace:
        for program in (tmp_path / "missing", tmp_path, text, "sh", "./sh"):
            with pytest.raises(ScannerError, match="expected the absolute path of an executable file"):
                workspace.run([program], limits=SOON)


def test_program_whose_interpreter_is_missing_is_not_a_scan_result(tmp_path: Path) -> None:
    script = tmp_path / "scanner"
    script.write_text("#!/nowhere/python\n")
    script.chmod(0o700)
    with Workspace() as workspace, pytest.raises(ScannerError, match=r"scanner could not be started: .*scanner"):
        workspace.run([script], limits=SOON)


def test_several_run_at_once() -> None:
    with ThreadPoolExecutor(4) as pool:
        codes = pool.map(lambda n: python(f"raise SystemExit({n})").exit_code, range(8))
        assert list(codes) == list(range(8))
