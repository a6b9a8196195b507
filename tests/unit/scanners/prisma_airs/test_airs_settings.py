"""Where the service is and who asks: names, endpoints, what is refused; and the calls of the management plane."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.aims_server import GROUP, AimsServer
from support.clock import FakeClock
from weightgate.errors import AuthenticationError, ScannerError, ScannerNotInstalled, UsageError
from weightgate.scanners.prisma_airs import PrismaAirs, parse
from weightgate.scanners.prisma_airs.client import Client
from weightgate.scanners.prisma_airs.http import Patience, Wire
from weightgate.scanners.prisma_airs.settings import from_environment

ENVIRON = {"MODEL_SECURITY_CLIENT_ID": "id", "MODEL_SECURITY_CLIENT_SECRET": "hunter2\n", "TSG_ID": "1234567890"}


def test_the_endpoints_have_defaults() -> None:
    settings = from_environment(ENVIRON)
    assert settings.api == "https://api.sase.paloaltonetworks.com/aims"
    assert settings.token_url == "https://auth.apps.paloaltonetworks.com/oauth2/access_token"
    assert settings.client_secret.reveal() == "hunter2"
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize("value", [None, "", "  \n"], ids=["unset", "empty", "blank"])
@pytest.mark.parametrize("name", sorted(ENVIRON))
def test_missing_credentials_are_named(name: str, value: str | None) -> None:
    environ = {key: text for key, text in {**ENVIRON, name: value}.items() if text is not None}
    with pytest.raises(AuthenticationError, match=f"Failed to obtain SCM access token: {name} not set"):
        from_environment(environ)


@pytest.mark.parametrize("name", ["MODEL_SECURITY_API_ENDPOINT", "MODEL_SECURITY_TOKEN_ENDPOINT"])
@pytest.mark.parametrize(
    "value",
    [
        "http://api.example.com/aims",
        "http://localhost.example.com/aims",
        "http://127.0.0.1.example.com/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://2130706433/",
        "ftp://127.0.0.1/",
        "api.example.com/aims",
        "https://",
        "https://user:hunter2@api.example.com/",
        "https://api.example.com/?key=hunter2",
        "https://api.example.com/#hunter2",
        "https://api.example.com/\nHost: x",
        "https://api.example.com:port/",
    ],
)
def test_an_endpoint_that_does_not_protect_the_token_is_refused(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name) as caught:
        from_environment({**ENVIRON, name: value})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["http://127.0.0.1:8000/aims/", "http://localhost:1/aims", "http://[::1]:1/aims", "https://x.example/aims"]
)
def test_https_and_loopback_are_accepted(value: str) -> None:
    assert from_environment({**ENVIRON, "MODEL_SECURITY_API_ENDPOINT": value}).api == value.rstrip("/")


@pytest.mark.parametrize("value", ["12 34", "tsg_id:1&scope=x", "ü"])
def test_a_tenant_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match="TSG_ID"):
        from_environment({**ENVIRON, "TSG_ID": value})


@pytest.mark.parametrize("group", ["", "prod", "6f3c7a52", "../x", f"{GROUP}x"])
def test_a_group_that_is_no_uuid_is_refused_before_anything_is_sent(server: AimsServer, group: str) -> None:
    airs = PrismaAirs(from_environment(server.environ()))
    with pytest.raises(UsageError, match="security group id"):
        airs.scan_uri(parse("https://huggingface.co/acme/tiny"), group)
    assert server.requests == []


def test_the_management_plane_is_reached_with_the_same_token(server: AimsServer, clock: FakeClock) -> None:
    with Wire(clock, Patience()) as wire:
        client = Client(from_environment(server.environ()), wire)
        assert client.security_group(GROUP)["name"] == "models-prod"
        assert client.rule_instances(GROUP, 0).total == 1
        address = client.index_address()
    assert address.url.reveal() == server.index_url
    assert address.expires_at == "2026-11-23T11:00:00Z"
    assert server.index_url not in repr(address)
    assert len(server.tokens) == 1


def test_a_group_that_does_not_exist_is_told(server: AimsServer, clock: FakeClock) -> None:
    with Wire(clock, Patience()) as wire, pytest.raises(ScannerError, match="HTTP 404: NOT_FOUND: security group"):
        Client(from_environment(server.environ()), wire).security_group("00000000-0000-4000-8000-000000000000")


def test_the_wire_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(ScannerNotInstalled, match=r"pip install 'weightgate\[prisma\]'"):
        PrismaAirs(from_environment(ENVIRON)).scan_uri(parse("https://huggingface.co/acme/tiny"), GROUP)


def test_a_stored_report_is_read_without_the_extra() -> None:
    """Nor is the HTTP library loaded for it, which takes longer than all the rest."""
    program = (
        "import sys; sys.modules['httpx'] = sys.modules['tenacity'] = None\n"
        "from weightgate.scanners.interface import Report\n"
        "from weightgate.scanners.prisma_airs import PrismaAirs\n"
        'print(PrismaAirs().normalize(Report(b\'{"aggregate_eval_outcome": "PASS"}\')).scan.outcome)'
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("PASS\n", "")
