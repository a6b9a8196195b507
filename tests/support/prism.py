"""Stoplight Prism, a validating mock server that nobody here wrote: installed by npm into a cache, run on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from weightgate import paths

VERSION = "5.14.2"


class Missing(Exception):
    """Prism cannot be had here; the message says why."""


def program() -> Path:
    """Return the `prism` program of the cache, after installing it there if need be. Raises `Missing`."""
    folder = paths.cache_dir() / "tools" / f"prism-{VERSION}"
    found = folder / "node_modules" / ".bin" / "prism"
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Missing("Stoplight Prism needs Node and npm, which are not here")
    if found.exists():
        return found
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        words = ["npm", "install", "--prefix", str(work), "--no-audit", "--no-fund", "--ignore-scripts"]
        words += ["--loglevel=error", "--fetch-retries=1", f"@stoplight/prism-cli@{VERSION}"]
        try:
            done = subprocess.run(words, cwd=work, capture_output=True, text=True, timeout=200, check=False)
        except subprocess.TimeoutExpired:
            raise Missing("npm did not install @stoplight/prism-cli within 200 seconds") from None
        if done.returncode != 0:
            raise Missing(f"npm cannot install @stoplight/prism-cli {VERSION}: {done.stderr.strip()[-300:]}")
        if not found.exists():
            _move(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return found


def _move(work: Path, folder: Path) -> None:
    try:
        os.replace(work, folder)
    except OSError:
        # Another test process was faster.
        if not folder.is_dir():
            raise


@contextmanager
def mock(document: Path) -> Iterator[int]:
    """Run Prism on `document`; give the port of 127.0.0.1 where it answers. Raises `Missing`."""
    port = _free_port()
    words = [str(program()), "mock", "--host", "127.0.0.1", "--port", str(port), str(document)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            _wait_for(process, port)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, "Prism ended at once"
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise AssertionError("Prism did not answer within 90 seconds")
