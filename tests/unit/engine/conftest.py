"""A release server on loopback, and an environment in which OPA can come from nowhere else."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from weightgate.engine import binary


def opa_script() -> bytes:
    """A program that answers like `opa version`, long enough to need many packets."""
    head = f"#!/bin/sh\necho 'Version: {binary.PINNED}'\necho 'Build Commit: '\nexit 0\n"
    return head.encode() + b"#" * 300_000


class Handler(BaseHTTPRequestHandler):
    server: ReleaseServer

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Range")))
        if self.path.endswith(".sha256"):
            self.server.checksum(self)
        else:
            self.server.asset(self)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def start(self) -> int:
        """The first byte asked for."""
        asked = self.headers.get("Range")
        return int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0


class ReleaseServer(ThreadingHTTPServer):
    """Serves `body` and its checksum; a test swaps `asset` or `checksum` for a server that behaves otherwise."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, str | None]] = []
        self.body = opa_script()
        self.asset: Callable[[Handler], None] = self.ranged
        self.checksum: Callable[[Handler], None] = self.sha256
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the tests."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def asset_requests(self) -> list[str | None]:
        return [asked for path, asked in self.requests if not path.endswith(".sha256")]

    def sha256(self, handler: Handler) -> None:
        name = handler.path.rpartition("/")[2].removesuffix(".sha256")
        handler.answer(200, f"{hashlib.sha256(self.body).hexdigest()}  {name}\n".encode())

    def whole(self, handler: Handler) -> None:
        handler.answer(200, self.body)

    def ranged(self, handler: Handler) -> None:
        self.cut(handler, len(self.body))

    def cut(self, handler: Handler, most: int) -> None:
        """Answer as asked for, but end after `most` bytes."""
        start = handler.start()
        rest = self.body[start:]
        if start >= len(self.body):
            handler.answer(416)
        elif start:
            where = f"bytes {start}-{len(self.body) - 1}/{len(self.body)}"
            handler.answer(206, rest[:most], length=len(rest), Content_Range=where)
        else:
            handler.answer(200, rest[:most], length=len(rest))

    def stalled(self, handler: Handler) -> None:
        """Send the first half, then nothing until the test says so."""
        half = len(self.body) // 2
        handler.answer(200, self.body[:half], length=len(self.body))
        self.asked.set()
        self.go_on.wait(20)

    def held(self, handler: Handler) -> None:
        """Send everything, but only when the test says so."""
        self.asked.set()
        self.go_on.wait(20)
        self.ranged(handler)


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with ReleaseServer() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.go_on.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No OPA, no Go, an empty cache, no proxy; the release server is a port where nobody listens. Returns `PATH`."""
    for name in ("WEIGHTGATE_OPA", "GOFLAGS", "GOSUMDB", "GOPRIVATE", "GONOSUMDB"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("WEIGHTGATE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("WEIGHTGATE_OPA_BASE_URL", "http://127.0.0.1:9")
    return folder


@pytest.fixture
def released(bare: Path, server: ReleaseServer, monkeypatch: pytest.MonkeyPatch) -> ReleaseServer:
    """The release server, as the only place where OPA can come from."""
    monkeypatch.setenv("WEIGHTGATE_OPA_BASE_URL", server.url)
    return server
