"""The wire: one connection pool, timeouts on everything, retries only where a repeat is harmless.

No redirect is followed. Proxies (`HTTPS_PROXY`, `NO_PROXY`) and a private CA (`SSL_CERT_FILE`) are httpx's own affair.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from weightgate import __version__
from weightgate.errors import ScannerError, ScannerNotInstalled
from weightgate.scanners.prisma_airs.answers import Answer, ServiceError, refusal
from weightgate.scanners.prisma_airs.clock import Clock
from weightgate.scanners.prisma_airs.settings import Secret

if TYPE_CHECKING:
    import httpx
    import tenacity

MAX_BODY = 64 * 1024 * 1024
"""Largest answer that is read, in bytes."""
MAX_WAIT = 120.0
"""Longest wait before a repeat, in seconds, whatever `Retry-After` says."""
_HEADERS = {"Accept": "application/json", "User-Agent": f"weightgate/{__version__}"}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one request may take, and how often it is repeated."""

    connect: float = 15.0
    read: float = 60.0
    """Seconds without a byte."""
    total: float = 180.0
    """Seconds until the answer is there to its end."""
    attempts: int = 5
    first_wait: float = 1.0
    """Seconds before the first repeat; doubled for each further one, with jitter."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    method: str
    url: str
    what: str
    """What it is for, as an error message names it."""
    query: tuple[tuple[str, str], ...] = ()
    json: Any = None
    form: dict[str, str] | None = None
    repeatable: bool = True
    """Whether sending it twice does no more than sending it once."""
    auth: tuple[str, Secret] | Secret | None = None
    """(user, password) for HTTP Basic, or a bearer token."""


@dataclass
class Wire:
    """Sends requests and reads answers; close it, or use it in `with`."""

    clock: Clock = field(default_factory=Clock)
    patience: Patience = field(default_factory=Patience)
    deadline: float = math.inf
    """Moment of `clock.monotonic` from which on nothing is repeated any more."""

    def __post_init__(self) -> None:
        try:
            import httpx
            import tenacity
        except ImportError as exc:
            raise ScannerNotInstalled(
                "prisma-airs needs httpx and tenacity, which are not installed; run: pip install 'weightgate[prisma]'"
            ) from exc
        self._httpx = httpx
        self._tenacity = tenacity
        self._secrets: list[Secret] = []
        limits = httpx.Timeout(self.patience.read, connect=self.patience.connect)
        try:
            # NOTE: http is for a loopback host alone (see `settings.endpoint`), and never goes through a proxy: it
            # would carry the token there unencrypted.
            self._client = httpx.Client(
                timeout=limits, follow_redirects=False, mounts={"http://": None}, headers=_HEADERS
            )
        except (OSError, ValueError, ImportError) as exc:
            # NOTE: a ValueError is about a proxy's address, which may hold a password.
            why = type(exc).__name__ if isinstance(exc, ValueError) else str(exc)
            problem = f"HTTPS cannot be set up: {why}; check SSL_CERT_FILE and the names HTTPS_PROXY, ALL_PROXY"
        else:
            return
        raise ScannerError(problem)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def protect(self, secret: Secret) -> None:
        """Keep `secret` out of every message from now on, whatever a server echoes."""
        self._secrets.append(secret)

    def scrub(self, text: str) -> str:
        """Return `text` without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret.reveal(), "***")
        return text

    def _scrub_bytes(self, body: bytes) -> bytes:
        for secret in self._secrets:
            body = body.replace(secret.reveal().encode(), b"***")
        return body

    def send(self, call: Call, accept: Callable[[Any], Any]) -> Any:
        """Return `accept(value)` of the JSON in a 2xx answer; `accept` raises `ValueError` for a value it cannot use.

        Raises `ServiceError`: for no answer, one that is too slow, too large, cut off or no JSON, and any other status.
        A repeatable call is repeated when the error is transient, after a wait that grows or that the service names.
        """
        if not call.repeatable:
            return self._once(call, accept)
        return self._tenacity.Retrying(
            sleep=self.clock.sleep,
            wait=self._wait,
            stop=self._stop,
            retry=self._tenacity.retry_if_exception(lambda exc: isinstance(exc, ServiceError) and exc.transient),
            reraise=True,
        )(self._once, call, accept)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        grow = self._tenacity.wait_exponential_jitter(initial=self.patience.first_wait, max=30.0, jitter=1.0)
        exc = state.outcome.exception() if state.outcome else None
        asked = exc.retry_after if isinstance(exc, ServiceError) else None
        return min(MAX_WAIT, max(asked or 0.0, grow(state)))

    def _stop(self, state: tenacity.RetryCallState) -> bool:
        out_of_time = self.clock.monotonic() + state.upcoming_sleep >= self.deadline
        return state.attempt_number >= self.patience.attempts or out_of_time

    def _once(self, call: Call, accept: Callable[[Any], Any]) -> Any:
        problem: ServiceError | None = None
        try:
            answer = self._exchange(call)
        except (self._httpx.HTTPError, self._httpx.InvalidURL) as exc:
            problem = self._no_answer(call, exc)
        except ServiceError as exc:
            problem = exc
        if problem is None:
            if not 200 <= answer.status < 300:
                problem = refusal(call.what, answer, self.clock.now())
            else:
                try:
                    return accept(answer.json())
                except ValueError as exc:
                    problem = self._unusable(call, f"HTTP {answer.status} with an unusable body: {exc}")
        problem.args = (self.scrub(str(problem)),)
        problem.code = None if problem.code is None else self.scrub(problem.code)
        # NOTE: raised outside of `except`, so that no library's frames, which hold headers, hang on it.
        raise problem

    def _exchange(self, call: Call) -> Answer:
        started = self.clock.monotonic()
        body = bytearray()
        with self._client.stream(
            call.method, call.url, params=call.query or None, json=call.json, data=call.form, auth=self._auth(call)
        ) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_BODY:
                    raise self._unusable(call, f"the answer has more than {MAX_BODY} bytes")
                if self.clock.monotonic() - started > self.patience.total:
                    raise self._unusable(call, f"the answer took more than {self.patience.total:g} seconds")
            headers = {key.lower(): value for key, value in response.headers.items()}
            # NOTE: what a server echoes must reach neither a message (which may cut it) nor the report.
            return Answer(response.status_code, headers, self._scrub_bytes(bytes(body)))

    def _auth(self, call: Call) -> Callable[[httpx.Request], httpx.Request]:
        """Return what puts the credentials on a request; only there are they text."""

        def bearer(request: httpx.Request) -> httpx.Request:
            if isinstance(call.auth, Secret):
                request.headers["Authorization"] = f"Bearer {call.auth.reveal()}"
            elif call.auth is not None:
                basic = self._httpx.BasicAuth(call.auth[0], call.auth[1].reveal())
                basic.auth_flow(request).send(None)
            return request

        return bearer

    def _no_answer(self, call: Call, exc: httpx.HTTPError | httpx.InvalidURL) -> ServiceError:
        lib = self._httpx
        never_sent = isinstance(exc, lib.ConnectError | lib.ConnectTimeout | lib.PoolTimeout | lib.ProxyError)
        reason = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
        return ServiceError(
            f"{call.what}: no answer: {reason}; check the network, the proxy settings and the endpoint",
            transient=isinstance(exc, lib.TransportError) and not isinstance(exc, lib.UnsupportedProtocol),
            maybe_done=not never_sent,
        )

    def _unusable(self, call: Call, problem: str) -> ServiceError:
        return ServiceError(f"{call.what}: {problem}", transient=True, maybe_done=True)
