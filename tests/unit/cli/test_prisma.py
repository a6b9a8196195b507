"""`weightgate prisma`: the index's address and nothing else, an installation, and what is wrong with the access."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from support.aims_server import GROUP, AimsServer, Change, Drop, Status
from weightgate import cli

TOKEN = "/oauth2/access_token"
INDEX = "/v1/pypi/authenticate"


@pytest.fixture
def aims(monkeypatch: pytest.MonkeyPatch) -> Iterator[AimsServer]:
    with AimsServer() as server:
        for name, value in server.environ().items():
            monkeypatch.setenv(name, value)
        yield server
    assert server.problems == []


def test_the_address_is_printed_and_nothing_else(aims: AimsServer, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["prisma", "index-url"]) == 0
    captured = capfd.readouterr()
    assert captured.out == f"{aims.index_url}\n"
    assert captured.err == ""


@pytest.mark.parametrize(
    ("path", "method", "fault", "says"),
    [
        (TOKEN, "POST", Status(401), ["Failed to obtain SCM access token", "MODEL_SECURITY_CLIENT_SECRET", "TSG_ID"]),
        (INDEX, "GET", Status(403), ["Failed to retrieve PyPI URL", "ai_ms_pypi_auth", "deployment profile"]),
        (INDEX, "GET", Status(404), ["Failed to retrieve PyPI URL", "MODEL_SECURITY_API_ENDPOINT"]),
        (INDEX, "GET", Change(lambda a: {**a, "url": "http://index.example.com/"}), ["Failed to retrieve PyPI URL"]),
        (INDEX, "GET", Change(lambda a: {"pypi_url": a["url"]}), ["Failed to retrieve PyPI URL"]),
    ],
    ids=["token", "forbidden", "missing", "http", "another-key"],
)
@pytest.mark.parametrize("action", ["index-url", "install-sdk"])
def test_a_failure_says_the_known_words_and_the_causes(
    action: str,
    path: str,
    method: str,
    fault: Status | Change,
    says: list[str],
    aims: AimsServer,
    capfd: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WEIGHTGATE_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    monkeypatch.setattr(logging.getLogger(), "level", logging.DEBUG)
    aims.fault(method, path, fault, times=-1)
    try:
        assert cli.main(["prisma", action]) == 3
    finally:
        logging.getLogger().removeHandler(handler)
    captured = capfd.readouterr()
    assert captured.out == ""
    for words in says:
        assert words in captured.err
    for secret in aims.secrets():
        assert secret not in captured.err + log.getvalue()


def test_missing_credentials_are_named(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("MODEL_SECURITY_CLIENT_ID", "MODEL_SECURITY_CLIENT_SECRET", "TSG_ID"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["prisma", "index-url"]) == 3
    assert "Failed to obtain SCM access token: MODEL_SECURITY_CLIENT_ID" in capfd.readouterr().err
    assert cli.main(["prisma", "ping"]) == 3
    assert capfd.readouterr().out.startswith("failed   settings")


def states(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines()]


def test_ping_says_that_all_is_well(aims: AimsServer, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["prisma", "ping", "--security-group-id", GROUP]) == 0
    captured = capfd.readouterr()
    assert states(captured.out) == ["ok"] * 6
    assert "1 rules, 1 of them BLOCKING" in captured.out
    assert aims.log("POST", "/v1/scans") == []
    for secret in aims.secrets():
        assert secret not in captured.out + captured.err


@pytest.mark.parametrize(
    ("method", "path", "fault", "expected", "says"),
    [
        ("POST", TOKEN, Status(401), "ok failed skipped skipped skipped skipped", "MODEL_SECURITY_CLIENT_SECRET"),
        ("GET", "/v1/scans", Status(403), "ok ok failed ok ok ok", "role lacks this"),
        ("GET", INDEX, Status(403), "ok ok ok failed ok ok", "role lacks this"),
        ("GET", "/v1/security-groups/[0-9a-f-]+", Status(404), "ok ok ok ok failed ok", "another tenant"),
        (
            "GET",
            "/v1/security-groups/[0-9a-f-]+",
            Change(lambda a: {**a, "is_tombstone": True}),
            "ok ok ok ok failed ok",
            "was deleted",
        ),
        (
            "GET",
            "/v1/security-groups/[0-9a-f-]+",
            Change(lambda a: {**a, "state": "PENDING"}),
            "ok ok ok ok failed ok",
            "expected ACTIVE",
        ),
        (
            "GET",
            ".*/rule-instances",
            Change(lambda a: {**a, "rule_instances": []}),
            "ok ok ok ok ok failed",
            "refuses nothing",
        ),
        ("GET", "/v1/scans", Drop(), "ok ok failed ok ok ok", "no answer"),
    ],
    ids=["credentials", "scans", "index", "group", "deleted", "inactive", "no-rules", "dropped"],
)
def test_ping_says_what_is_wrong(
    method: str,
    path: str,
    fault: Status | Change | Drop,
    expected: str,
    says: str,
    aims: AimsServer,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    aims.fault(method, path, fault, times=-1)
    assert cli.main(["prisma", "ping", "--security-group-id", GROUP]) == 3
    captured = capfd.readouterr()
    assert states(captured.out) == expected.split()
    assert says in captured.out


@pytest.mark.parametrize(
    "words", [[], ["index"], ["ping", "--security-group-id", "x"], ["install-sdk", "--version", "x"]]
)
def test_wrong_usage_is_exit_code_2(words: list[str], aims: AimsServer) -> None:
    assert cli.main(["prisma", *words]) == 2
    assert aims.requests == []
