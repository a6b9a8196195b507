"""Every way in which the service, or something before it, can misbehave; and no secret shows in any of them."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.aims_server import GROUP, MODEL, AimsServer, Change, Drop, Script, Silence, Status, Trickle, Truncate
from support.clock import FakeClock
from weightgate.errors import AuthenticationError, ScannerError
from weightgate.findings import Status as ScanStatus
from weightgate.scanners.interface import Report
from weightgate.scanners.prisma_airs import PrismaAirs
from weightgate.scanners.prisma_airs.scan import BrokenScan, RefusedScan, Unfinished
from weightgate.scanners.prisma_airs.settings import Secret

Scan = Callable[..., Report]
Creates = Callable[[], int]
SCAN = "/v1/scans/[0-9a-f-]+"
HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
TOKEN = "/oauth2/access_token"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that any logger says, at the most verbose level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.NOTSET)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def everything(exc: BaseException) -> str:
    """Return all that a program could print of `exc`: with its causes, contexts, frames and their variables."""
    assert exc.__traceback__ is not None
    frames = exc.__traceback__.tb_next  # without the test's own
    printed = "".join(traceback.TracebackException(type(exc), exc, frames, capture_locals=True).format())
    texts = [printed, repr(exc), str(exc), repr(vars(exc))]
    seen: list[BaseException] = [exc]
    for one in seen:
        # An exception of the HTTP library would bring its frames, some of which hold the headers.
        assert type(one).__module__.split(".")[0] not in ("httpx", "httpcore", "h11", "tenacity")
        texts += [repr(vars(one)), repr(one.args)]
        seen += [other for other in (one.__cause__, one.__context__) if other is not None and other not in seen]
    if isinstance(exc, Unfinished):
        texts.append(exc.report.content.decode())
    return "\n".join(texts)


def assert_no_secret(server: AimsServer, *texts: str) -> None:
    assert server.log("POST", TOKEN), "the secret was never used, so this proves nothing"
    for text in texts:
        for secret in server.secrets():
            assert secret not in text


def repeat_secrets(server: AimsServer) -> bytes:
    """An error page that repeats them, the last ones where a message would be cut."""
    known = server.secrets()
    return f"<title>{' '.join(known)} {'x' * (290 - len(' '.join(known)))} {' '.join(known)}</title>".encode()


FATAL: dict[str, tuple[str, str, Any, type[Exception], str]] = {
    "token-401": ("POST", TOKEN, Status(401), AuthenticationError, "Failed to obtain SCM access token: HTTP 401"),
    "token-400": ("POST", TOKEN, Status(400), AuthenticationError, "check MODEL_SECURITY_CLIENT_ID"),
    "token-403": ("POST", TOKEN, Status(403), AuthenticationError, "HTTP 403"),
    "token-500": ("POST", TOKEN, Status(500), ScannerError, "Failed to obtain SCM access token: HTTP 500"),
    "token-html": ("POST", TOKEN, Status(200, HTML), ScannerError, "Failed to obtain SCM access token: HTTP 200"),
    "token-cut": ("POST", TOKEN, Truncate(), ScannerError, "Failed to obtain SCM access token"),
    "token-without-token": ("POST", TOKEN, Change(lambda a: {"x": 1}), ScannerError, "no access_token"),
    "token-no-header-value": (
        "POST",
        TOKEN,
        Change(lambda a: {**a, "access_token": a["access_token"] + "\r\nX: 1"}),
        ScannerError,
        "no access_token",
    ),
    "token-redirect": ("POST", TOKEN, Status(307, b"", {"Location": "http://127.0.0.1:9/"}), ScannerError, "redirect"),
    "create-401": ("POST", "/v1/scans", Status(401), AuthenticationError, "create scan: HTTP 401"),
    "create-403": ("POST", "/v1/scans", Status(403), AuthenticationError, "role"),
    "create-404": ("POST", "/v1/scans", Status(404), ScannerError, "SCRIPTED: scripted fault .*another tenant"),
    "create-409": ("POST", "/v1/scans", Status(409), ScannerError, "HTTP 409"),
    "create-422": (
        "POST",
        "/v1/scans",
        Status(422, b'{"detail": [{"loc": ["body", "model_uri"], "msg": "Field required", "type": "missing"}]}'),
        ScannerError,
        "HTTP 422: body.model_uri: Field required",
    ),
    "create-redirect": (
        "POST",
        "/v1/scans",
        Status(308, b"", {"Location": "http://127.0.0.1:9/"}),
        ScannerError,
        "HTTP 308: a redirect, which is not followed",
    ),
    "create-dropped": ("POST", "/v1/scans", Drop(), ScannerError, "create scan: no answer"),
    "poll-403": ("GET", SCAN, Status(403), AuthenticationError, "HTTP 403"),
    "poll-404": ("GET", SCAN, Status(404), ScannerError, "HTTP 404"),
    "poll-429": ("GET", SCAN, Status(429), ScannerError, "HTTP 429"),
    "poll-500": ("GET", SCAN, Status(500), ScannerError, "HTTP 500"),
    "poll-502-html": ("GET", SCAN, Status(502, HTML), ScannerError, 'an HTML page "502 Bad Gateway"'),
    "poll-dropped": ("GET", SCAN, Drop(), ScannerError, "no answer: RemoteProtocolError"),
    "poll-silent": ("GET", SCAN, Silence(), ScannerError, "no answer: ReadTimeout"),
    "poll-truncated": ("GET", SCAN, Truncate(), ScannerError, "no answer: RemoteProtocolError"),
    "poll-trickle": ("GET", SCAN, Trickle(1.0), ScannerError, "took more than 30 seconds"),
    "poll-html": ("GET", SCAN, Status(200, HTML), ScannerError, "unusable body"),
    "poll-empty": ("GET", SCAN, Status(200, b""), ScannerError, "unusable body"),
    "poll-redirect": ("GET", SCAN, Status(302, b"", {"Location": "https://example.com/"}), ScannerError, "redirect"),
    "poll-other-scan": ("GET", SCAN, Change(lambda a: {**a, "uuid": GROUP}), ScannerError, "is of scan"),
    "poll-no-outcome": (
        "GET",
        SCAN,
        Change(lambda a: {**a, "eval_outcome": None}),
        ScannerError,
        "eval_outcome: found",
    ),
}


@pytest.mark.parametrize(("method", "path", "fault", "kind", "says"), FATAL.values(), ids=FATAL.keys())
def test_a_lasting_fault_ends_in_one_clear_error(
    server: AimsServer,
    scan: Scan,
    creates: Creates,
    airs: PrismaAirs,
    log: io.StringIO,
    method: str,
    path: str,
    fault: Any,
    kind: type[Exception],
    says: str,
) -> None:
    server.fault(method, path, fault, times=-1)
    lines: list[str] = []
    with pytest.raises(kind, match=says) as caught:
        scan(progress=lines.append)
    exc = caught.value
    assert isinstance(exc, Unfinished)
    assert isinstance(exc, ScannerError)
    assert exc.exit_code == 3
    assert creates() == (1 if path == SCAN else 0)
    assert exc.scan_id == (next(iter(server.scans)) if path == SCAN else None)
    assert airs.normalize(exc.report).scan.status is ScanStatus.FAILED
    assert_no_secret(server, everything(exc), log.getvalue(), "\n".join(lines), repr(airs), repr(vars(airs)))


PASSING: dict[str, tuple[str, str, Any, int]] = {
    "token-503": ("POST", TOKEN, Status(503), 2),
    "token-dropped": ("POST", TOKEN, Drop(), 2),
    "poll-429": ("GET", SCAN, Status(429, headers={"Retry-After": "3"}), 2),
    "poll-500": ("GET", SCAN, Status(500), 3),
    "poll-502-html": ("GET", SCAN, Status(502, HTML), 1),
    "poll-dropped": ("GET", SCAN, Drop(), 2),
    "poll-silent": ("GET", SCAN, Silence(), 1),
    "poll-truncated": ("GET", SCAN, Truncate(), 1),
    "poll-trickle": ("GET", SCAN, Trickle(1.0), 1),
    "poll-401": ("GET", SCAN, Status(401), 1),
    "violations-500": ("GET", f"{SCAN}/rule-violations", Status(500), 3),
    "files-truncated": ("GET", f"{SCAN}/files", Truncate(), 2),
}


@pytest.mark.parametrize(("method", "path", "fault", "times"), PASSING.values(), ids=PASSING.keys())
def test_a_passing_fault_changes_nothing(
    server: AimsServer,
    scan: Scan,
    creates: Creates,
    airs: PrismaAirs,
    log: io.StringIO,
    method: str,
    path: str,
    fault: Any,
    times: int,
) -> None:
    server.fault(method, path, fault, times=times)
    report = scan()
    assert airs.normalize(report).scan.status is ScanStatus.COMPLETED
    assert creates() == 1
    assert len(server.log("POST", "/v1/scans")) == 1
    assert_no_secret(server, report.content.decode(), log.getvalue())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 502])
@pytest.mark.parametrize("path", [TOKEN, "/v1/scans"], ids=["token", "create"])
def test_a_server_that_echoes_the_secrets_does_not_get_them_printed(
    server: AimsServer, scan: Scan, log: io.StringIO, status: int, path: str
) -> None:
    with pytest.raises(ScannerError):
        scan("https://huggingface.co/acme/unknown")
    server.fault("POST", path, Status(status, repeat_secrets(server)), times=-1)
    lines: list[str] = []
    with pytest.raises(ScannerError) as caught:
        scan(progress=lines.append)
    assert "***" in str(caught.value)
    texts = (everything(caught.value), log.getvalue(), *lines)
    for secret in (server.client_secret, server.secrets()[1]):
        assert not any(secret[:12] in text for text in texts)


def test_a_secret_that_is_echoed_in_escapes_is_not_printed(server: AimsServer, scan: Scan) -> None:
    escaped = "".join(f"\\u{ord(char):04x}" for char in server.client_secret)
    server.fault("POST", "/v1/scans", Status(400, f'{{"code": "{escaped}", "message": "{escaped}"}}'.encode()))
    with pytest.raises(ScannerError, match=r"HTTP 400: \*\*\*: \*\*\*") as caught:
        scan()
    assert_no_secret(server, everything(caught.value))


def test_a_report_does_not_repeat_what_the_service_echoes(server: AimsServer, scan: Scan) -> None:
    def echo(record: Any) -> Any:
        return {**record, "owner": " ".join(server.secrets())}

    server.fault("GET", SCAN, Change(echo), times=-1)
    report = scan()
    assert_no_secret(server, report.content.decode().replace(server.index_url, ""))
    assert b"***" in report.content


def test_an_expired_token_is_renewed_once_in_mid_poll(server: AimsServer, scan: Scan, creates: Creates) -> None:
    server.models[MODEL].polls = 3

    def revoke(line: str) -> None:
        if line.endswith("PENDING") and len(server.tokens) == 1:
            server.revoke()

    scan(progress=revoke)
    assert (len(server.log("POST", TOKEN)), creates()) == (2, 1)
    assert [request.status for request in server.log("GET", SCAN)].count(401) == 1


def test_a_token_that_is_never_accepted_is_renewed_once_and_then_refused(server: AimsServer, scan: Scan) -> None:
    server.fault("GET", SCAN, Status(401), times=-1)
    with pytest.raises(RefusedScan):
        scan()
    assert (len(server.log("POST", TOKEN)), len(server.log("GET", SCAN))) == (2, 2)


@pytest.mark.parametrize("skew", [-86400.0, 0.0, 86400.0], ids=["server-behind", "equal", "server-ahead"])
@pytest.mark.parametrize("stated", [899, 86400, 0, -5, "soon", None], ids=str)
def test_a_token_is_renewed_before_its_fifteen_minutes_end(
    server: AimsServer, scan: Scan, clock: FakeClock, skew: float, stated: Any
) -> None:
    """Whatever the times of day and whatever lifetime is stated, no request is sent with a token that has ended."""
    server.date_skew, clock.skew = skew, -skew
    server.fault("POST", TOKEN, Change(lambda answer: {**answer, "expires_in": stated}), times=-1)
    server.models[MODEL].polls = 250
    scan(timeout=3000)
    assert [request.status for request in server.requests].count(401) == 0
    assert len(server.log("POST", TOKEN)) == 2


def test_a_short_lived_token_is_renewed_in_time(server: AimsServer, scan: Scan) -> None:
    server.token_seconds = 60
    server.models[MODEL].polls = 60
    scan()
    assert [request.status for request in server.requests].count(401) == 0
    assert len(server.log("POST", TOKEN)) == 7


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ({"Retry-After": "17"}, 17, 17),
        ({"Retry-After": "86400"}, 120, 120),
        ({"Retry-After": "Mon, 23 Nov 2026 10:00:40 GMT", "Date": "Mon, 23 Nov 2026 10:00:00 GMT"}, 40, 40),
        ({"Retry-After": "Mon, 23 Nov 2026 09:00:00 GMT", "Date": "Mon, 23 Nov 2026 10:00:00 GMT"}, 1, 2),
        ({"Retry-After": "-5"}, 1, 2),
        ({"Retry-After": "soon"}, 1, 2),
        ({"Retry-After": "9" * 400}, 1, 2),
        ({}, 1, 2),
    ],
    ids=["seconds", "far-seconds", "date", "past-date", "negative", "word", "huge", "none"],
)
def test_the_wait_before_a_repeat_is_what_the_service_asks_for(
    server: AimsServer, scan: Scan, clock: FakeClock, header: dict[str, str], least: float, most: float
) -> None:
    server.models[MODEL].polls = 0
    server.fault("GET", SCAN, Status(429, headers=header))
    scan()
    poll, wait = clock.slept
    assert poll == 5
    assert least <= wait <= most


def test_waits_grow_and_differ(server: AimsServer, scan: Scan, clock: FakeClock) -> None:
    server.fault("GET", SCAN, Status(500), times=-1)
    with pytest.raises(BrokenScan):
        scan()
    waits = clock.slept[1:]
    assert len(waits) == 4
    assert all(2**number <= wait <= 2**number + 1 for number, wait in enumerate(waits))
    assert any(wait != round(wait) for wait in waits)


def test_repeats_end_with_the_time_of_the_scan(server: AimsServer, scan: Scan, clock: FakeClock) -> None:
    server.fault("GET", SCAN, Status(503, headers={"Retry-After": "60"}), times=-1)
    started = clock.monotonic()
    with pytest.raises(ScannerError):
        scan(timeout=100)
    assert clock.monotonic() - started <= 100


def test_no_request_follows_a_redirect(server: AimsServer, scan: Scan) -> None:
    with AimsServer() as other:
        for status in (301, 302, 303, 307, 308):
            location = {"Location": f"{other.url}/aims/data/v1/scans"}
            server.fault("GET", SCAN, Status(status, b"", location))
            with pytest.raises(ScannerError, match="redirect"):
                scan()
        assert other.requests == []


def test_an_answer_that_is_too_large_is_not_read(
    server: AimsServer, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weightgate.scanners.prisma_airs.http.MAX_BODY", 10_000)
    server.fault("GET", SCAN, Status(200, b'{"x": "' + b"x" * 20_000 + b'"}'), times=-1)
    with pytest.raises(ScannerError, match="more than 10000 bytes"):
        scan()


def test_an_interrupt_leaves_no_secret(server: AimsServer, scan: Scan, log: io.StringIO) -> None:
    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        scan(progress=interrupt)
    assert_no_secret(server, everything(caught.value), log.getvalue())


def test_nothing_listens_there(server: AimsServer, clock: FakeClock) -> None:
    from weightgate.scanners.prisma_airs import parse
    from weightgate.scanners.prisma_airs.settings import from_environment

    with AimsServer() as gone:
        environ = {**server.environ(), "MODEL_SECURITY_API_ENDPOINT": f"{gone.url}/aims"}
    airs = PrismaAirs(from_environment(environ), clock=clock)
    with pytest.raises(ScannerError, match="no answer: ConnectError") as caught:
        airs.scan_uri(parse(MODEL), GROUP)
    assert_no_secret(server, everything(caught.value))


def test_a_plain_http_endpoint_is_reached_without_the_proxy(
    server: AimsServer, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://user:proxy-password@127.0.0.1:9")
    scan()


def test_an_https_endpoint_is_reached_through_the_proxy(
    server: AimsServer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    from weightgate.scanners.prisma_airs import parse
    from weightgate.scanners.prisma_airs.settings import from_environment

    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:proxy-password@{server.url.removeprefix('http://')}")
    environ = {**server.environ(), "MODEL_SECURITY_API_ENDPOINT": "https://airs.example.com/aims"}
    with pytest.raises(ScannerError) as caught:
        PrismaAirs(from_environment(environ), clock=clock).scan_uri(parse(MODEL), GROUP)
    assert "ProxyError" in str(caught.value)
    assert_no_secret(server, everything(caught.value), log.getvalue())
    assert "proxy-password" not in everything(caught.value) + log.getvalue()


def test_a_ca_file_that_is_not_there_is_named(server: AimsServer, scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/ca.pem")
    with pytest.raises(ScannerError, match="check SSL_CERT_FILE"):
        scan()


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r:>20}".format, lambda secret: f"{secret}"], ids=range(5))
def test_a_secret_does_not_show(show: Callable[[Secret], str]) -> None:
    assert "hunter2" not in show(Secret("hunter2"))


def test_a_secret_cannot_be_pickled() -> None:
    import copy
    import pickle

    with pytest.raises(TypeError):
        pickle.dumps(Secret("hunter2"))
    with pytest.raises(TypeError):
        copy.copy(Secret("hunter2"))


def test_the_end_of_a_scan_that_failed_is_no_error_of_ours(server: AimsServer, scan: Scan, airs: PrismaAirs) -> None:
    server.models[MODEL] = Script(outcome="ERROR", error_code="ACCESS_DENIED", error_message="cannot read the model")
    result = airs.normalize(scan())
    assert (result.scan.status, result.scan.outcome) == (ScanStatus.FAILED, "ERROR")
    assert [(error.code, error.message) for error in result.scan.errors] == [
        ("ACCESS_DENIED", "the scan failed: cannot read the model")
    ]
