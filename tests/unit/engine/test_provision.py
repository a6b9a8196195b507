from __future__ import annotations

import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weightgate.engine import binary, provision
from weightgate.engine.download import Limits, release_file
from weightgate.errors import EngineError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for OPA and Go are shell scripts")

QUICK = Limits(silence=0.3, total=20.0)


def install(limits: Limits = QUICK) -> tuple[Path, str]:
    out = io.StringIO()
    return provision.install(stderr=out, limits=limits), out.getvalue()


def failure(limits: Limits = QUICK) -> str:
    with pytest.raises(EngineError) as caught:
        provision.install(stderr=io.StringIO(), limits=limits)
    assert binary.locate() is None
    return str(caught.value)


def kept(pattern: str = "*") -> list[Path]:
    return [path for path in binary.cached().parent.rglob(pattern) if path.is_file()]


def executables() -> list[Path]:
    return [path for path in kept() if os.access(path, os.X_OK)]


def test_a_good_download_is_installed_and_announced_in_one_line(released: Any) -> None:
    path, said = install()
    assert path == binary.cached()
    assert path.read_bytes() == released.body
    assert binary.locate() == (path, "cache")
    assert binary.version_of(path) == binary.PINNED
    assert said.count("\n") == 1
    assert f"fetching OPA {binary.PINNED} from {released.url}/v{binary.PINNED}/opa_" in said
    assert {p.name for p in kept()} == {"opa", "lock"}


def test_what_is_there_is_not_fetched_again(released: Any) -> None:
    install()
    before = len(released.requests)
    _, said = install()
    assert (len(released.requests), said) == (before, "")


def test_find_provides_what_is_missing(released: Any) -> None:
    out = io.StringIO()
    assert binary.find(stderr=out) == binary.cached()
    assert "fetching OPA" in out.getvalue()


def test_a_wrong_checksum_leaves_nothing_and_is_never_run(released: Any, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    good = released.body
    evil = b"#!/bin/sh\n: > '" + os.fsencode(ran) + b"'\necho 'Version: 1.22.2'\n"

    def other(handler: Any) -> None:
        handler.answer(200, evil)

    released.asset = other
    text = failure()
    assert hashlib.sha256(good).hexdigest() in text
    assert hashlib.sha256(evil).hexdigest() in text
    assert not ran.exists()
    assert executables() == []
    assert kept("*.part") == []


@pytest.mark.parametrize(
    "make",
    [
        lambda digest: b"",
        lambda digest: b"<html>please log in</html>",
        lambda digest: digest[:63].encode(),
        lambda digest: f"{digest}  opa_other_platform\n".encode(),
        lambda digest: f"{digest}  opa_linux_amd64_static\n{digest}  opa_linux_amd64\n".encode(),
        lambda digest: f"{digest} ".encode() + b"x" * 5000,
        lambda digest: b"\xff\xfe" + digest.encode(),
    ],
    ids=["empty", "html", "short", "other-name", "two-lines", "too-long", "not-ascii"],
)
def test_a_checksum_file_that_is_none_refuses_before_the_download(released: Any, make: Callable[[str], bytes]) -> None:
    answer = make(hashlib.sha256(released.body).hexdigest())
    released.checksum = lambda handler: handler.answer(200, answer)
    assert ".sha256: " in failure()
    assert released.asset_requests() == []


def test_a_missing_checksum_file_refuses_before_the_download(released: Any) -> None:
    released.checksum = lambda handler: handler.answer(404)
    assert ".sha256: HTTP 404" in failure()
    assert released.asset_requests() == []


def test_a_bare_checksum_is_enough(released: Any) -> None:
    released.checksum = lambda handler: handler.answer(200, hashlib.sha256(released.body).hexdigest().upper().encode())
    assert install()[0] == binary.cached()


def test_a_missing_release_file_is_an_error(released: Any) -> None:
    released.asset = lambda handler: handler.answer(404)
    assert "HTTP 404" in failure()


def test_a_cut_download_is_taken_up_in_the_same_call(released: Any) -> None:
    released.asset = lambda handler: released.cut(handler, 120_000)
    path, _ = install()
    assert path.read_bytes() == released.body
    assert released.asset_requests() == [None, "bytes=120000-", "bytes=240000-"]


def test_a_download_cut_too_often_is_taken_up_by_the_next_call(released: Any) -> None:
    released.asset = lambda handler: released.cut(handler, 50_000)
    assert f"cut after 150000 of {len(released.body)} bytes; the next attempt goes on from there" in failure()
    assert executables() == []
    released.asset = released.ranged
    install()
    assert released.asset_requests()[-1] == "bytes=150000-"


def test_a_server_that_ignores_ranges_is_read_from_the_beginning(released: Any) -> None:
    part = a_part(released.body[:1000])
    released.asset = released.whole
    path, _ = install()
    assert path.read_bytes() == released.body
    assert released.asset_requests() == ["bytes=1000-"]
    assert not part.exists()


def test_a_server_that_sends_another_range_is_refused(released: Any) -> None:
    a_part(released.body[:1000])
    where = f"bytes 0-{len(released.body) - 1}/{len(released.body)}"
    released.asset = lambda handler: handler.answer(206, released.body, Content_Range=where)
    assert "asked for the bytes from 1000 on" in failure()


def test_a_wrong_part_is_deleted_so_that_the_next_call_is_right(released: Any) -> None:
    a_part(b"x" * 1000)
    assert "published is" in failure()
    assert kept("*.part") == []
    assert install()[0].read_bytes() == released.body


def test_a_part_that_is_too_long_is_fetched_anew(released: Any) -> None:
    a_part(released.body + b"x")
    assert install()[0].read_bytes() == released.body


def test_a_part_that_is_whole_is_not_fetched_again(released: Any) -> None:
    a_part(released.body)
    install()
    assert released.asset_requests() == []


def a_part(content: bytes) -> Path:
    part = binary.cached().parent / f"{release_file(platform.system(), platform.machine())}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(content)
    return part


def test_a_stalled_server_hits_the_time_limit(released: Any) -> None:
    released.asset = released.stalled
    began = time.monotonic()
    assert "timed out" in failure(Limits(silence=0.2))
    assert time.monotonic() - began < 10


def test_a_server_that_never_answers_hits_the_time_limit(released: Any) -> None:
    released.checksum = lambda handler: released.go_on.wait(20)
    assert "timed out" in failure(Limits(silence=0.2))


@pytest.mark.parametrize("which", ["asset", "checksum"])
def test_a_server_that_drips_hits_the_total_limit(released: Any, which: str) -> None:
    def drip(handler: Any) -> None:
        handler.answer(200, length=len(released.body) if which == "asset" else 1000)
        while not released.go_on.wait(0.02):
            handler.wfile.write(b"#")

    setattr(released, which, drip)
    assert "too slow" in failure(Limits(silence=5.0, total=0.5))


def test_a_server_that_never_ends_hits_the_size_limit(released: Any) -> None:
    def endless(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"#" * 65536)

    released.asset = endless
    assert "more than 1000000 bytes" in failure(Limits(size=1_000_000))
    assert sum(path.stat().st_size for path in kept()) == 0


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("http://example.org/opa", "http://example.org is not https"),
        ("ftp://127.0.0.1/opa", "ftp://127.0.0.1 is not https"),
        ("file:///etc/hostname", "is not allowed"),
        ("https://me:hunter2@127.0.0.1/opa", "it holds a user name or password"),
    ],
)
@pytest.mark.parametrize("which", ["asset", "checksum"])
def test_a_redirect_to_where_nothing_may_be_fetched_is_refused(
    released: Any, target: str, problem: str, which: str
) -> None:
    setattr(released, which, lambda handler: handler.answer(302, Location=target))
    text = failure()
    assert problem in text
    assert "hunter2" not in text


def test_a_redirect_to_a_permitted_place_is_followed(released: Any) -> None:
    def moved(handler: Any) -> None:
        if handler.path.startswith("/moved"):
            released.ranged(handler)
        else:
            handler.answer(302, Location=f"{released.url}/moved{handler.path}?sig=1")

    released.asset = moved
    assert install()[0].read_bytes() == released.body


def test_the_address_behind_a_redirect_is_not_told(released: Any) -> None:
    def moved(handler: Any) -> None:
        handler.answer(*((403,) if "sig=" in handler.path else (302,)), Location=f"{released.url}/x?sig=hunter2")

    released.asset = moved
    text = failure()
    assert "HTTP 403" in text
    assert "hunter2" not in text


def test_the_proxy_of_the_environment_is_used(released: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", released.url)
    monkeypatch.setenv("WEIGHTGATE_OPA_BASE_URL", "http://127.0.0.2:9/mirror")
    install()
    assert all(path.startswith("http://127.0.0.2:9/mirror/v") for path, _ in released.requests)


@pytest.mark.parametrize("version", ["1.22.1", "1.22.20", "0.70.0"])
def test_a_program_of_another_version_is_refused(released: Any, version: str) -> None:
    released.body = released.body.replace(binary.PINNED.encode(), version.encode())
    assert f"it is version {version}; expected {binary.PINNED}" in failure()
    assert executables() == []


def test_a_program_that_cannot_run_is_refused(released: Any) -> None:
    released.body = b"\x7fELF for another machine"
    assert "cannot be run" in failure()
    assert executables() == []


def test_a_base_url_that_breaks_the_rules_is_an_error_at_once(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHTGATE_OPA_BASE_URL", "http://example.org/opa")
    a_go(bare)
    with pytest.raises(EngineError, match="WEIGHTGATE_OPA_BASE_URL cannot be used"):
        provision.install(stderr=io.StringIO())


def test_a_cache_that_cannot_be_written_is_an_error(released: Any, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert "set WEIGHTGATE_CACHE_DIR" in failure()


# Several processes


def start() -> subprocess.Popen[str]:
    code = "from weightgate.engine.provision import install; print(install())"
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )


def test_of_two_processes_one_fetches_and_the_other_waits(released: Any) -> None:
    released.asset = released.held
    with start() as first:
        assert released.asked.wait(20)
        with start() as second:
            assert second.stderr is not None
            assert "waiting for another process" in second.stderr.readline()
            released.go_on.set()
            answers = [process.communicate(timeout=30)[0] for process in (first, second)]
    assert answers == [f"{binary.cached()}\n"] * 2
    assert (first.returncode, second.returncode) == (0, 0)
    assert released.asset_requests() == [None]


def test_a_process_killed_in_the_download_leaves_nothing_to_be_found(released: Any) -> None:
    released.asset = released.stalled
    with start() as process:
        assert released.asked.wait(20)
        until(lambda: any(path.stat().st_size > 100_000 for path in kept("*.part")))
        process.kill()
    assert binary.locate() is None
    assert executables() == []
    released.go_on.set()
    released.asset = released.ranged
    assert install()[0].read_bytes() == released.body
    assert str(released.asset_requests()[-1]).startswith("bytes=1")


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_a_killed_process_was_working_on_is_thrown_away(released: Any) -> None:
    left = binary.cached().parent / "work" / "opa"
    left.parent.mkdir(parents=True)
    left.write_text("#!/bin/sh\necho 'Version: 1.22.2'\n")
    left.chmod(0o755)
    assert binary.locate() is None
    released.asset = lambda handler: handler.answer(404)
    failure()
    assert not left.parent.exists()


def test_a_lock_that_is_held_too_long_is_an_error(released: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    monkeypatch.setattr(provision, "LOCK_TIMEOUT", 0.2)
    lock = binary.cached().parent / "lock"
    lock.parent.mkdir(parents=True)
    with open(lock, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "another process has held" in failure()
    assert released.requests == []


# go install


def a_go(folder: Path, version: str = binary.PINNED, database: str = "checksums.example.org", also: str = ":") -> Path:
    """A stand-in for Go that logs how it was called and makes a stand-in for OPA. Returns the log's path."""
    log = folder / "go.calls"
    path = folder / "go"
    path.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = env ]; then echo "{database}"; echo "go: warning" >&2; exit 0; fi\n'
        f'echo "$@|$CGO_ENABLED|$GONOSUMDB|$GOFLAGS|$GOOS$GOARCH" >> "{log}"\n'
        f"{also}\n"
        f"printf '#!/bin/sh\\necho Version: {version}\\n' > \"$GOBIN/opa\"\n"
        '/bin/chmod 755 "$GOBIN/opa"\n'
    )
    path.chmod(0o755)
    return log


def test_go_builds_what_cannot_be_fetched(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_go(bare)
    monkeypatch.setenv("GOFLAGS", "-buildvcs=false")
    monkeypatch.setenv("GOPRIVATE", "*")
    monkeypatch.setenv("GOOS", "plan9")
    path, said = install()
    assert path == binary.cached()
    assert log.read_text() == f"install github.com/open-policy-agent/opa@v{binary.PINNED}|0|none|-buildvcs=false|\n"
    lines = said.splitlines()
    assert len(lines) == 3
    assert "official release cannot be had" in lines[1]
    assert "go install github.com/open-policy-agent/opa@v1.22.2 (checked by checksums.example.org)" in lines[2]
    assert {p.name for p in kept()} == {"opa", "lock"}


@pytest.mark.parametrize("database", ["off", ""])
def test_go_without_its_checksum_database_is_refused(bare: Path, database: str) -> None:
    log = a_go(bare, database=database)
    assert "GOSUMDB is off" in failure()
    assert not log.exists()


def test_go_that_builds_another_version_is_refused(bare: Path) -> None:
    a_go(bare, version="1.22.1")
    assert f"version 1.22.1; expected {binary.PINNED}" in failure()
    assert executables() == []


def test_go_that_fails_is_told_with_its_last_lines(bare: Path) -> None:
    a_go(bare, also="echo 'SECURITY ERROR: checksum mismatch' >&2; exit 1")
    assert "ended with exit code 1: SECURITY ERROR: checksum mismatch" in failure()


def test_go_that_builds_nothing_is_an_error(bare: Path) -> None:
    a_go(bare, also="exit 0")
    assert "ended well, but there is no" in failure()


def test_go_that_builds_nothing_is_not_covered_for_by_what_a_killed_process_left(bare: Path) -> None:
    left = binary.cached().parent / "work" / "opa"
    left.parent.mkdir(parents=True)
    left.write_text("#!/bin/sh\necho 'Version: 1.22.2'\n")
    left.chmod(0o755)
    a_go(bare, also="exit 0")
    assert "ended well, but there is no" in failure()


def test_go_that_hangs_hits_the_time_limit(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision, "GO_TIMEOUT", 0.5)
    a_go(bare, also="exec /bin/sleep 30")
    assert "did not end within 0.5 s" in failure()


def test_no_way_left_names_every_way_and_how_to_mend_it(bare: Path) -> None:
    text = failure()
    for part in (
        "official release: http://127.0.0.1:9",
        "WEIGHTGATE_OPA_BASE_URL",
        "go install: there is no go",
        "go.dev/dl",
    ):
        assert part in text
    assert "set WEIGHTGATE_OPA to an OPA program" in text


GO = shutil.which("go")


@pytest.mark.scanners
@pytest.mark.skipif(GO is None, reason="Go is not on PATH, so `go install` cannot be tried")
def test_the_real_go_builds_the_real_opa(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert GO is not None
    monkeypatch.setenv("PATH", f"{Path(GO).parent}{os.pathsep}/usr/bin{os.pathsep}/bin")
    path, said = install()
    assert "go install" in said
    assert binary.version_of(path) == binary.PINNED
    answer = subprocess.run(
        [path, "eval", "--format=raw", "1+1"], capture_output=True, text=True, timeout=60, check=True
    )
    assert answer.stdout.strip() == "2"
