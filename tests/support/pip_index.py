"""A package index on loopback, with or without a password, and wheels for it."""

from __future__ import annotations

import base64
import io
import re
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def wheel(name: str, version: str, files: dict[str, str], requires: tuple[str, ...] = ()) -> tuple[str, bytes]:
    """Return file name and content of a wheel."""
    base = f"{name.replace('-', '_')}-{version}"
    needs = "".join(f"Requires-Dist: {need}\n" for need in requires)
    extras = {found for need in requires for found in re.findall("extra == '([a-z]+)'", need)}
    needs += "".join(f"Provides-Extra: {extra}\n" for extra in sorted(extras))
    parts = {
        **files,
        f"{base}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{base}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in parts) + f"{base}.dist-info/RECORD,,\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in {**parts, f"{base}.dist-info/RECORD": record}.items():
            archive.writestr(path, text)
    return f"{base}-py3-none-any.whl", buffer.getvalue()


class PipIndex:
    """Use it in `with`; `add` wheels to it."""

    def __init__(self, user: str | None = None, password: str = "") -> None:
        """Ask for this user and password, if there is a user."""
        self.user, self.password = user, password
        self.files: dict[str, tuple[str, bytes]] = {}
        self.asked: list[str] = []
        """Names of the projects that were asked for."""
        self.status: dict[str, int] = {}
        """Projects that are answered with this status instead."""
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.index = self
        self._thread = threading.Thread(target=lambda: self._http.serve_forever(0.01), daemon=True)

    def __enter__(self) -> PipIndex:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def add(self, name: str, version: str, files: dict[str, str], requires: tuple[str, ...] = ()) -> None:
        """Offer a wheel of the project `name`."""
        file, content = wheel(name, version, files, requires)
        self.files[file] = (name, content)

    @property
    def url(self) -> str:
        login = "" if self.user is None else f"{self.user}:{self.password}@"
        return f"http://{login}127.0.0.1:{self._http.server_address[1]}/simple/"


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    index: PipIndex


class _Handler(BaseHTTPRequestHandler):
    server: _Http

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        index = self.server.index
        if index.user is not None:
            pair = base64.b64encode(f"{index.user}:{index.password}".encode()).decode()
            if self.headers.get("Authorization") != f"Basic {pair}":
                return self._send(401, b"no")
        project = re.fullmatch(r"/simple/([a-z0-9-]+)/", self.path)
        if project:
            index.asked.append(project[1])
            found = [file for file, (name, _) in index.files.items() if name == project[1]]
            if project[1] in index.status:
                return self._send(index.status[project[1]], b"")
            links = "".join(f'<a href="/files/{file}">{file}</a>' for file in found)
            return self._send(200 if found else 404, f"<!DOCTYPE html><html><body>{links}</body></html>".encode())
        file = self.path.removeprefix("/files/")
        return self._send(200, index.files[file][1]) if file in index.files else self._send(404, b"")

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
