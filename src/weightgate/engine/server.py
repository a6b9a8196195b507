"""The client of an OPA server, bounded. It needs the extra `[remote]`, so `weightgate.engine.remote` imports it late.

`opa-python-client` by itself follows redirects, repeats requests, gives up after 1.5 s, reads answers of any size, and
speaks plain HTTP unless told.
"""

from __future__ import annotations

import io
import os
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from opa_client.opa import OpaClient  # type: ignore[import-untyped]
from requests.adapters import HTTPAdapter

from weightgate import strict
from weightgate.errors import EngineError, InvalidDocument, PolicyCompileError, UsageError

_CHUNK = 64 * 1024


class Client(OpaClient):  # type: ignore[misc]
    """`OpaClient` whose every answer is a bounded JSON object with status 200, or one of our errors."""

    @classmethod
    def of(cls, url: str, token: str | None, timeout: float, answer_bytes: int) -> Client:
        """Return a client of the server at `url`; raises `UsageError` when that is more than scheme, host and port."""
        parts = urlsplit(url)
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise UsageError("--opa-url cannot be used: it has a path or a query; expected https://host:port")
        host = str(parts.hostname)
        secure = parts.scheme == "https"
        client = cls(
            host=f"[{host}]" if ":" in host else host,
            port=parts.port or (443 if secure else 80),
            ssl=_certificates() if secure else False,
            token=token,
            retries=0,
            timeout=timeout,
        )
        client._session.mount(f"{parts.scheme}://", _Adapter(url, answer_bytes))
        return client

    def _init_session(self) -> requests.Session:
        session: requests.Session = super()._init_session()
        # NOTE: a .netrc would replace the token, and a proxy must not see what goes to a loopback host in the clear.
        session.trust_env = False
        session.headers["Accept-Encoding"] = "identity"
        if self.ssl:
            session.proxies = dict(requests.utils.get_environ_proxies(self.root_url))
        return session


def _certificates() -> str | bool:
    """Return the file or folder of authorities to trust that the environment names, else True for the usual ones."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or True


class _Adapter(HTTPAdapter):
    def __init__(self, url: str, answer_bytes: int) -> None:
        super().__init__(max_retries=0)
        self._url = url
        self._answer_bytes = answer_bytes

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send the request once; the response that comes back is read, whole and known to be a JSON object."""
        # NOTE: OPA answers `policies/`, which the client asks for, with a redirect to `policies`; none is followed.
        request.url = str(request.url).rstrip("/")
        try:
            with super().send(request, *args, **kwargs) as response:
                body = self._read(response)
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as exc:
            raise EngineError(f"{self._url}: the OPA server did not answer in time") from exc
        except requests.exceptions.SSLError as exc:
            raise EngineError(f"{self._url}: no secure connection: {_cause(exc)}") from exc
        except (requests.RequestException, urllib3.exceptions.HTTPError) as exc:
            raise EngineError(f"{self._url}: the OPA server cannot be reached: {_cause(exc)}") from exc
        self._check(response.status_code, body)
        response.raw = io.BytesIO(body)
        return response

    def close(self) -> None:
        """Close every connection."""
        # NOTE: `super` closes a pool only once nothing refers to it, and the frames of an error can.
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118
                manager.pools[key].close()
        super().close()

    def _read(self, response: requests.Response) -> bytes:
        body = bytearray()
        for chunk in response.raw.stream(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > self._answer_bytes:
                raise EngineError(f"{self._url}: an answer has more than {self._answer_bytes} bytes; is it OPA?")
        return bytes(body)

    def _check(self, status: int, body: bytes) -> None:
        if 300 <= status < 400:
            raise EngineError(f"{self._url}: the server redirects (HTTP {status}); name the OPA server itself")
        if status in (401, 403):
            raise EngineError(f"{self._url}: the OPA server refuses us (HTTP {status}); is WEIGHTGATE_OPA_TOKEN right?")
        try:
            value = strict.loads(body, self._url)
        except InvalidDocument as exc:
            raise EngineError(f"{self._url}: an answer (HTTP {status}) is no JSON: {exc.problem}; is it OPA?") from exc
        if type(value) is not dict:
            raise EngineError(f"{self._url}: an answer (HTTP {status}) is no JSON object; is it OPA?")
        if status == 500 and "code" in value:
            raise PolicyCompileError(f"{self._url}: OPA refuses the policy: {'; '.join(_words(value))}")
        if status != 200:
            raise EngineError(f"{self._url}: the server answers with HTTP {status}: {strict.show(value)}")


def _words(value: dict[str, Any]) -> list[str]:
    """Return what OPA's error says, the places first where it names some."""
    errors = [error for error in value.get("errors") or [] if isinstance(error, dict)]
    words = []
    for error in errors:
        place = error.get("location") or {}
        where = f"{place.get('file')}:{place.get('row')}: " if place.get("file") else ""
        words.append(f"{where}{error.get('message')}")
    return words or [str(value.get("message"))]


def _cause(exc: BaseException) -> str:
    """Return the words of the innermost cause, which names the failure and no address or header."""
    while exc.__cause__ or exc.__context__:
        exc = exc.__cause__ or exc.__context__  # type: ignore[assignment]
    return str(exc)[:200]
