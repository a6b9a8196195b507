"""Schemathesis, which nobody here wrote, over the stand-in of the service: its answers are what the documents allow."""

from __future__ import annotations

from typing import Any

import pytest

from support import openapi
from support.aims_server import GROUP, MODEL, AimsServer, Script, evaluation, file, identifier, violation
from weightgate.scanners.prisma_airs import PrismaAirs, parse
from weightgate.scanners.prisma_airs.settings import from_environment

PLANES = {"data": "aims-data-plane.openapi.yml", "mgmt": "aims-mgmt-plane.openapi.yml"}
EXAMPLES = 6
"""Generated requests for each operation, each sent as it is and then naming what exists: this bounds the time."""
UNDOCUMENTED = (400, 404)
"""Refusals that the documents do not list, but the vendor's page of error codes does."""


@pytest.mark.parametrize("plane", PLANES)
def test_every_answer_is_one_that_the_document_allows(plane: str) -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    schema = schemathesis.openapi.from_path(openapi.ASSETS / PLANES[plane])
    with AimsServer() as server:
        server.models[MODEL] = Script(
            violations=[violation()], evaluations=[evaluation(violation_count=1)], files=[file("a/b.bin", "SKIPPED")]
        )
        settings = from_environment(server.environ())
        PrismaAirs(settings).scan_uri(parse(MODEL), GROUP, poll_interval=0.01)
        (token,) = server.tokens
        call = {"base_url": f"{server.url}/aims/{plane}", "headers": {"Authorization": f"Bearer {token}"}}
        known = {**_known(next(iter(server.scans))), "model_uri": MODEL}
        answered: dict[str, set[int]] = {}
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.label in EXPECTED[plane]:
                answered[operation.label] = _check(operation, known, call)
    assert [problem for problem in server.problems if not problem.startswith("request ")] == []
    good = {label for label, statuses in answered.items() if statuses & {200, 201}}
    assert good == EXPECTED[plane]


EXPECTED = {
    "data": {
        "GET /v1/scans",
        "POST /v1/scans",
        "GET /v1/scans/{uuid}",
        "GET /v1/scans/{scan_uuid}/evaluations",
        "GET /v1/scans/{scan_uuid}/rule-violations",
        "GET /v1/scans/{scan_uuid}/files",
        "GET /v1/model-versions/{uuid}",
    },
    "mgmt": {
        "GET /v1/pypi/authenticate",
        "GET /v1/security-groups/{uuid}",
        "GET /v1/security-groups/{security_group_uuid}/rule-instances",
    },
}
"""Operations that the stand-in has, and must answer with their good answer at least once."""


def _known(scan: str) -> dict[str, str]:
    return {"scan": scan, "group": GROUP, "version": identifier("version", MODEL)}


def _check(operation: Any, known: dict[str, str], call: dict[str, Any]) -> set[int]:
    """Send generated requests of `operation`, check each answer, return the statuses that came."""
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

    statuses: set[int] = set()
    checks = [not_a_server_error, response_schema_conformance, content_type_conformance]

    def ask(case: Any) -> None:
        answer = case.call(**call, timeout=20)
        statuses.add(answer.status_code)
        if answer.status_code in UNDOCUMENTED:
            assert set(answer.json()) == {"code", "message", "details"}
        else:
            assert str(answer.status_code) in operation.definition.raw["responses"], answer.status_code
            case.validate_response(answer, checks=checks)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy())
    def generated(case: Any) -> None:
        ask(case)
        _name_what_exists(case, known)
        ask(case)

    generated()
    return statuses


def _name_what_exists(case: Any, known: dict[str, str]) -> None:
    """Make `case` ask for a scan, a group or a model version that the service has."""
    kind = next((kind for kind in ("scan", "group", "version") if kind in case.operation.path), "scan")
    for name in case.path_parameters or {}:
        if "uuid" in name:
            case.path_parameters[name] = known[kind]
    if isinstance(case.body, dict) and "model_uri" in case.body:
        case.body |= {"model_uri": known["model_uri"], "security_group_uuid": known["group"]}
