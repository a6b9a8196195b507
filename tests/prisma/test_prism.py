"""Every request of the client, on both planes, is what Stoplight Prism accepts by the official documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest

from support import openapi, prism
from support.aims_server import COMMIT, GROUP, MODEL, AimsServer, Recorded, Script, violation
from weightgate.scanners.prisma_airs import PrismaAirs, parse
from weightgate.scanners.prisma_airs.client import Client
from weightgate.scanners.prisma_airs.http import Wire
from weightgate.scanners.prisma_airs.settings import from_environment

PLANES = {"/aims/data": "aims-data-plane.openapi.yml", "/aims/mgmt": "aims-mgmt-plane.openapi.yml"}
Ports = Mapping[str, int]
WRONG = (
    (b'"model_uri"', b'"model_url"'),
    (b'"weightgate-run"', b'"weightgate run"'),
    (GROUP.encode(), b"not-a-uuid"),
    (b'"scan_origin"', b'"origin"'),
)
"""Changes to a create, each of which makes it wrong."""


@pytest.fixture(scope="module")
def ports() -> Iterator[Ports]:
    """One Prism for each plane, by the plane's prefix."""
    with ExitStack() as stack:
        try:
            started = {plane: stack.enter_context(prism.mock(openapi.ASSETS / name)) for plane, name in PLANES.items()}
        except prism.Missing as exc:
            pytest.skip(f"not checked by Prism: {exc}")
        yield started


@pytest.fixture(scope="module")
def recorded() -> list[Recorded]:
    """Every request that the client can send, as it arrived at the stand-in of the service."""
    with AimsServer() as server:
        server.models[MODEL] = Script(violations=[violation(number) for number in range(101)])
        settings = from_environment(server.environ())
        for model in (MODEL, f"{MODEL}/tree/{COMMIT}"):
            PrismaAirs(settings).scan_uri(parse(model), GROUP, poll_interval=0.01)
        with Wire() as wire:
            client = Client(settings, wire)
            client.scans_with_label("weightgate-run", "0" * 32)
            client.security_group(GROUP)
            client.rule_instances(GROUP, 100)
            client.index_address()
        return [item for item in server.requests if item.path.startswith("/aims/")]


def verdict(ports: Ports, request: Recorded) -> tuple[int, str | None]:
    """Return the status of Prism's answer to `request`, and what Prism says is wrong with it."""
    plane = request.path[: len("/aims/data")]
    connection = HTTPConnection("127.0.0.1", ports[plane], timeout=60)
    try:
        headers = {key: value for key, value in request.headers.items() if key not in ("host", "content-length")}
        path = request.path.removeprefix(plane) + (f"?{urlencode(request.query)}" if request.query else "")
        connection.request(request.method, path, request.body or None, {**headers, "accept-encoding": "identity"})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("sl-violations")
    finally:
        connection.close()


def test_prism_accepts_every_request_of_the_client(ports: Ports, recorded: list[Recorded]) -> None:
    kinds = {(item.method, item.path.split("/v1/")[0], item.path.rsplit("/", 1)[-1][:15]) for item in recorded}
    assert len(kinds) >= 9, kinds
    for item in recorded:
        status, wrong = verdict(ports, item)
        assert (status // 100, wrong) == (2, None), f"{item.method} {item.path} {item.query}"


def test_prism_refuses_what_is_wrong(ports: Ports, recorded: list[Recorded]) -> None:
    create = next(item for item in recorded if item.method == "POST")
    for old, new in WRONG:
        assert old in create.body
        status, wrong = verdict(ports, replace(create, body=create.body.replace(old, new)))
        assert (status, wrong is not None) == (422, True), new
    for plane, name in (("/aims/data", "rule-violations"), ("/aims/mgmt", "rule-instances")):
        page = next(item for item in recorded if item.path.startswith(plane) and item.path.endswith(name))
        status, wrong = verdict(ports, replace(page, query=[("limit", "many"), ("skip", "0")]))
        assert status == 422
        assert "limit" in str(wrong)
