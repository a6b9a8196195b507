"""A real OPA server on loopback, and one in front of it that lies."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from weightgate.engine import binary

READY_S = 30.0


def free_port() -> int:
    """A port of the loopback host that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(root: Path, *options: str) -> Iterator[str]:
    """Run `opa run --server` over the tree `root`, or what `options` name; give its URL. It ends with the context."""
    port = free_port()
    command = [str(binary.find()), "run", "--server", "--addr", f"127.0.0.1:{port}", "--log-level", "error"]
    tree = [name for name in ("policies", "environments") if (root / name).is_dir()]
    command += options or ["--ignore", "*_test.rego", "--ignore", ".*", *tree]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.02)
    raise AssertionError(f"opa run --server is not ready (exit code {process.poll()})")


class _Handler(BaseHTTPRequestHandler):
    server: LyingServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._forward("GET")

    def do_POST(self) -> None:
        self._forward("POST")

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _forward(self, method: str) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((method, self.path, dict(self.headers)))
        connection = http.client.HTTPConnection("127.0.0.1", self.server.target, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, self.path, sent, {"Content-Type": "application/json"})
            honest = connection.getresponse()
            status, body, headers = self.server.lie(self.path, honest.status, honest.read())
        if self.server.hold is not None and not self.server.hold(self, self.path):
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class LyingServer(ThreadingHTTPServer):
    """Passes everything on to the server at `url`; a test swaps `lie` for what changes the answers."""

    daemon_threads = False

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = int(url.rpartition(":")[2])
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.lie: Callable[[str, int, bytes], tuple[int, bytes, dict[str, str]]] = lambda _, status, body: (
            status,
            body,
            {},
        )
        self.hold: Callable[[BaseHTTPRequestHandler, str], bool] | None = None
        self.released = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the tests."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextlib.contextmanager
def lying(url: str) -> Iterator[LyingServer]:
    """Run a `LyingServer` in front of `url`; it is ended with the context."""
    with LyingServer(url) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()
