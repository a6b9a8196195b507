"""Download one release file of OPA with its published SHA-256; nothing that this module writes is executable.

https only; http is accepted for a loopback host, so that tests can run a server. Proxies are those of the environment
(`HTTPS_PROXY`, `NO_PROXY`).
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import ipaddress
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from weightgate.errors import EngineError

BASE_URL = "https://github.com/open-policy-agent/opa/releases/download"
"""Where the official releases are; `WEIGHTGATE_OPA_BASE_URL` names a mirror with the same folders."""

RELEASES = {
    ("linux", "amd64"): "opa_linux_amd64_static",
    ("linux", "arm64"): "opa_linux_arm64_static",
    ("darwin", "amd64"): "opa_darwin_amd64",
    ("darwin", "arm64"): "opa_darwin_arm64_static",
    ("windows", "amd64"): "opa_windows_amd64.exe",
}
"""The release file by (system, machine), as OPA's Makefile names them: only some are called static."""

ATTEMPTS = 3
"""How often a download that was cut is taken up again in one call."""

CHECKSUM_BYTES = 1024
"""Largest checksum file, in bytes; a real one has about 90."""

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much a download may take."""

    silence: float = 30.0
    """Seconds to connect, and seconds without a byte."""

    total: float = 900.0
    """Seconds for one file."""

    size: int = 512 * 1024 * 1024
    """Largest release file, in bytes; OPA has about 60 MB."""


class _DownloadError(Exception):
    """The answer cannot be used."""


class _CutError(_DownloadError):
    """The connection ended before the file did; what arrived is kept."""


def release_file(system: str, machine: str) -> str:
    """Return the name of OPA's release file for what `platform.system()` and `platform.machine()` say."""
    key = (system.lower(), _MACHINES.get(machine.lower(), machine.lower()))
    if key not in RELEASES:
        known = ", ".join("/".join(pair) for pair in RELEASES)
        raise EngineError(f"OPA has no release file for {'/'.join(key)}; it has them for {known}")
    return RELEASES[key]


def base_url() -> str:
    """Return `WEIGHTGATE_OPA_BASE_URL`, or the official place; raise `EngineError` if the variable breaks the rules."""
    named = os.environ.get("WEIGHTGATE_OPA_BASE_URL")
    if not named:
        return BASE_URL
    problem = url_problem(named)
    if problem is None and ("?" in named or "#" in named):
        problem = "it has a query or a fragment; expected a folder's address"
    if problem:
        raise EngineError(f"WEIGHTGATE_OPA_BASE_URL cannot be used: {problem}; correct it, or unset it")
    return named.rstrip("/")


def url_problem(url: str) -> str | None:
    """Say why nothing may be fetched from `url`, or None; the text never repeats the URL, which can hold a secret."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it is not a URL"
    if not host:
        return "it names no host; expected https://host/path"
    if parts.username is not None or parts.password is not None:
        return "it holds a user name or password, which would end up in logs"
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)):
        return None
    return f"{parts.scheme}://{host} is not https; http is accepted for a loopback host alone"


def download(url: str, part: Path, limits: Limits) -> None:
    """Download `url` into the file `part` and verify it against the SHA-256 that `url`.sha256 publishes.

    What an earlier call left in `part` is taken up with an HTTP range request; on a wrong checksum `part` is deleted.
    Raises `EngineError` that says what was found, and for a cut download that the next call goes on from there.
    """
    with _errors_of(f"{url}.sha256"):
        wanted = _checksum(url, limits)
    with _errors_of(url):
        deadline = time.monotonic() + limits.total
        for left in reversed(range(ATTEMPTS)):
            if part.exists() and _sha256(part) == wanted:
                return
            try:
                _fetch(url, part, limits, deadline)
                break
            except _CutError:
                if not left:
                    raise
        found = _sha256(part)
        if found != wanted:
            part.unlink()
            raise _DownloadError(f"its SHA-256 is {found}; published is {wanted}; what was fetched has been deleted")


@contextlib.contextmanager
def _errors_of(address: str) -> Iterator[None]:
    """Raise what goes wrong with `address` as `EngineError`; where it was redirected to can hold a secret: unsaid."""
    try:
        yield
    except urllib.error.HTTPError as exc:
        exc.close()
        raise EngineError(f"{address}: HTTP {exc.code} {_short(exc.reason)}") from exc
    except _DownloadError as exc:
        raise EngineError(f"{address}: {exc}") from exc
    except (OSError, http.client.HTTPException, ValueError) as exc:
        reason = exc.reason if isinstance(exc, urllib.error.URLError) else exc
        raise EngineError(f"{address}: {_short(reason) or type(exc).__name__}") from exc


def _checksum(url: str, limits: Limits) -> str:
    file = io.BytesIO()
    with _open(f"{url}.sha256", limits) as answer:
        _copy(answer, file, CHECKSUM_BYTES, time.monotonic() + limits.total)
    words = file.getvalue().decode("ascii", "replace").split()
    name = url.rpartition("/")[2]
    digest = words[0].lower() if words else ""
    if not _SHA256.fullmatch(digest) or words[1:] not in ([], [name], [f"*{name}"]):
        raise _DownloadError(f"found {_short(' '.join(words))!r}; expected a SHA-256 and {name!r}")
    return digest


def _fetch(url: str, part: Path, limits: Limits, deadline: float) -> None:
    """Fetch the rest of `url` into `part`; `_CutError` when another attempt can go on."""
    start = part.stat().st_size if part.exists() else 0
    try:
        answer = _open(url, limits, start)
    except urllib.error.HTTPError as exc:
        if exc.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        # NOTE: nothing comes after what was kept, and what was kept is not the file (its checksum was wrong).
        exc.close()
        part.unlink()
        raise _CutError("the server has no more than what was kept, which is wrong and has been deleted") from exc
    with answer:
        if answer.status != http.client.PARTIAL_CONTENT:
            start = 0  # the server ignores ranges and sends the file from its beginning
        elif not (answer.headers.get("Content-Range") or "").startswith(f"bytes {start}-"):
            raise _DownloadError(f"asked for the bytes from {start} on, and the server sent others")
        with open(part, "r+b" if start else "wb") as file:
            file.seek(start)
            _copy(answer, file, limits.size, deadline)


def _copy(answer: http.client.HTTPResponse, file: IO[bytes], most: int, deadline: float) -> None:
    """Append the body of `answer` to `file`, which may come to have `most` bytes."""
    header = answer.headers.get("Content-Length")
    end = None if header is None else file.tell() + int(header)
    while end is None or file.tell() < end:
        try:
            # NOTE: `read1` returns with what one packet brought, so that a server that drips cannot hold us up.
            block = answer.read1(1 << 16)
        except (OSError, http.client.HTTPException) as exc:
            raise _CutError(f"{_kept(file, end)} ({_short(exc) or type(exc).__name__})") from exc
        if not block:
            break
        file.write(block)
        if file.tell() > most:
            file.truncate(0)
            raise _DownloadError(f"the server sends more than {most} bytes, which is too much; they have been deleted")
        if time.monotonic() > deadline:
            raise _DownloadError(f"too slow: {_kept(file, end)}")
    if end is not None and file.tell() != end:
        raise _CutError(_kept(file, end))


def _kept(file: IO[bytes], end: int | None) -> str:
    return f"cut after {file.tell()} of {end or 'unknown'} bytes; the next attempt goes on from there"


def _open(url: str, limits: Limits, start: int = 0) -> http.client.HTTPResponse:
    request = urllib.request.Request(url, headers={"Accept-Encoding": "identity", "User-Agent": "weightgate"})  # noqa: S310
    if start:
        request.add_header("Range", f"bytes={start}-")
    answer: http.client.HTTPResponse = urllib.request.build_opener(_Redirects).open(request, timeout=limits.silence)
    return answer


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to where a download may come from."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        problem = url_problem(newurl)
        if problem:
            fp.close()
            raise _DownloadError(f"the server redirects to where nothing may be fetched: {problem}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _short(value: object) -> str:
    text = "".join(char if char.isprintable() else "?" for char in " ".join(str(value).split()))
    return text if len(text) <= 120 else text[:117] + "..."
