from __future__ import annotations

import pytest

from weightgate.engine import download
from weightgate.errors import EngineError


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "x86_64", "opa_linux_amd64_static"),
        ("Linux", "aarch64", "opa_linux_arm64_static"),
        ("Darwin", "x86_64", "opa_darwin_amd64"),
        ("Darwin", "arm64", "opa_darwin_arm64_static"),
        ("Windows", "AMD64", "opa_windows_amd64.exe"),
    ],
)
def test_the_release_file_of_a_platform(system: str, machine: str, name: str) -> None:
    assert download.release_file(system, machine) == name


@pytest.mark.parametrize(
    ("system", "machine"), [("Linux", "armv7l"), ("Windows", "ARM64"), ("FreeBSD", "amd64"), ("", "")]
)
def test_a_platform_without_a_release_file_is_an_error(system: str, machine: str) -> None:
    with pytest.raises(EngineError, match=r"OPA has no release file for .*; it has them for linux/amd64"):
        download.release_file(system, machine)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/opa",
        "https://example.org:8443/opa",
        "http://127.0.0.1:8080/opa",
        "http://127.9.9.9/opa",
        "http://localhost/opa",
        "http://[::1]:80/opa",
    ],
)
def test_where_a_download_may_come_from(url: str) -> None:
    assert download.url_problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/opa",
        "http://localhost.example.org/opa",
        "http://127.0.0.1.example.org/opa",
        "http://10.0.0.1/opa",
        "http://0.0.0.0/opa",
        "ftp://127.0.0.1/opa",
        "file:///tmp/opa",
        "data:text/plain,opa",
        "//example.org/opa",
        "example.org/opa",
        "https:///opa",
        "https://example.org:port/opa",
        "https://[::1/opa",
        "",
    ],
)
def test_where_a_download_may_not_come_from(url: str) -> None:
    assert download.url_problem(url)


def test_a_url_with_a_password_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHTGATE_OPA_BASE_URL", "https://me:hunter2@example.org/opa")
    with pytest.raises(EngineError, match="user name or password") as caught:
        download.base_url()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://example.org/opa", "https://example.org/opa?sig=s3", "https://example.org/#x"])
def test_a_base_url_that_breaks_the_rules_is_an_error(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("WEIGHTGATE_OPA_BASE_URL", url)
    with pytest.raises(EngineError, match="WEIGHTGATE_OPA_BASE_URL cannot be used"):
        download.base_url()


@pytest.mark.parametrize(
    ("named", "used"),
    [("", download.BASE_URL), ("https://example.org/opa/", "https://example.org/opa")],
    ids=["empty", "mirror"],
)
def test_the_base_url(monkeypatch: pytest.MonkeyPatch, named: str, used: str) -> None:
    monkeypatch.setenv("WEIGHTGATE_OPA_BASE_URL", named)
    assert download.base_url() == used
