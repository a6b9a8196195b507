"""A small Hugging Face Hub on loopback: the few addresses that `huggingface_hub` asks for when it downloads a model."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


class HubServer:
    """Use it in `with`; everything may be set before a download."""

    def __init__(self, files: dict[str, bytes], name: str = "acme/tiny") -> None:
        """Serve the repository `name`, whose only branch is `main`, at `COMMIT`."""
        self.files = files
        self.name = name
        self.commit = COMMIT
        self.large = {"model.safetensors"}
        """Files that are kept apart (LFS): listed with their sha256, and served from another address."""
        self.aliases: set[str] = set()
        """Revisions that are answered with `commit`."""
        self.sizes: dict[str, int | None] = {}
        """What is listed instead of a file's true size."""
        self.listed: list[str] | None = None
        """The names that are listed instead of the true ones."""
        self.token = f"hf_{secrets.token_hex(16)}"
        self.private = False
        self.endless: set[str] = set()
        """Files that are served without an end."""
        self.served: dict[str, bytes] = {}
        """What is served instead of a file's true content."""
        self.requests: list[tuple[str, str, str | None]] = []
        """(method, path, Authorization)"""
        self.closing = threading.Event()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.hub = self
        self._thread = threading.Thread(target=lambda: self._http.serve_forever(0.01), daemon=True)

    def __enter__(self) -> HubServer:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def model(self) -> str:
        return f"https://huggingface.co/{self.name}"

    def describe(self) -> dict[str, object]:
        siblings = []
        for path in self.listed if self.listed is not None else sorted(self.files):
            content = self.files.get(path, b"")
            row: dict[str, object] = {"rfilename": path, "size": self.sizes.get(path, len(content)), "blobId": "0" * 40}
            if path in self.large:
                row["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
            siblings.append(row)
        base = {"_id": "1", "id": self.name, "modelId": self.name, "private": False, "gated": False, "tags": []}
        return {**base, "sha": self.commit, "siblings": siblings, "downloads": 0, "likes": 0}


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    hub: HubServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no error of the server's."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        self._answer(send=True)

    def do_HEAD(self) -> None:
        self._answer(send=False)

    def _answer(self, send: bool) -> None:
        hub = self.server.hub
        path = unquote(urlsplit(self.path).path)
        authorization = self.headers.get("Authorization")
        hub.requests.append((self.command, path, authorization))
        if hub.private and authorization != f"Bearer {hub.token}":
            return self._send(
                401, b'{"error": "Invalid username or password."}', {"X-Error-Code": "RepoNotFound"}, send
            )
        name = re.escape(hub.name)
        about = re.fullmatch(rf"/api/models/{name}(?:/revision/([^/]+))?", path)
        if about:
            if about[1] not in (None, "main", hub.commit, *hub.aliases):
                return self._send(404, b'{"error": "Invalid rev id"}', {"X-Error-Code": "RevisionNotFound"}, send)
            return self._send(200, json.dumps(hub.describe()).encode(), {}, send)
        if re.fullmatch(rf"/api/models/{name}/tree/[^/]+(/.*)?", path):
            rows = [
                {"type": "file", "path": row["rfilename"], "size": row["size"], "oid": "0" * 40}
                for row in hub.describe()["siblings"]  # type: ignore[attr-defined]
            ]
            return self._send(200, json.dumps(rows).encode(), {}, send)
        file = re.fullmatch(rf"/{name}/resolve/{hub.commit}/(.+)", path)
        if file and file[1] in hub.files:
            return self._file(file[1], send)
        return self._send(404, b'{"error": "Not found"}', {"X-Error-Code": "RepoNotFound"}, send)

    def _file(self, path: str, send: bool) -> None:
        hub = self.server.hub
        content = hub.served.get(path, hub.files[path])
        etag = hashlib.sha256(hub.files[path]).hexdigest()
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": hub.commit, "Accept-Ranges": "bytes"}
        if path in hub.large:
            headers |= {"X-Linked-Size": str(len(hub.files[path])), "X-Linked-ETag": f'"{etag}"'}
        if path in hub.endless and send:
            self.send_response(200)
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            while not hub.closing.is_set():
                self.wfile.write(b"\0" * 1024 * 1024)
            return None
        return self._send(200, content, headers, send)

    def _send(self, status: int, body: bytes, headers: dict[str, str], send: bool) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if send:
            self.wfile.write(body)
