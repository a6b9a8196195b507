"""A stand-in of the service, a clock that takes no time, and a scan against both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support import aims_server
from support.aims_server import AimsServer
from support.clock import FakeClock
from weightgate.scanners.interface import Report
from weightgate.scanners.prisma_airs import PrismaAirs, parse
from weightgate.scanners.prisma_airs.http import Patience
from weightgate.scanners.prisma_airs.settings import from_environment

Scan = Callable[..., Report]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> Iterator[AimsServer]:
    """The service; at the end every request and answer must have been what the official documents allow."""
    with AimsServer(clock) as aims:
        yield aims
    assert aims.problems == []


@pytest.fixture
def airs(server: AimsServer, clock: FakeClock) -> PrismaAirs:
    return PrismaAirs(from_environment(server.environ()), clock=clock, patience=Patience(connect=2, read=0.5, total=30))


@pytest.fixture
def scan(airs: PrismaAirs) -> Scan:
    """Scan the small model, pinned to its commit unless `uri` says otherwise."""

    def run(uri: str = f"{aims_server.MODEL}/tree/{aims_server.COMMIT}", **options: Any) -> Report:
        return airs.scan_uri(parse(uri), aims_server.GROUP, **options)

    return run


@pytest.fixture
def creates(server: AimsServer) -> Callable[[], int]:
    """How many scans the service has created."""
    return lambda: len(server.scans)


def content(report: Report) -> Any:
    return json.loads(report.content)
