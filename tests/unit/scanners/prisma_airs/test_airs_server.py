"""The stand-in of the service is strict: it finds what the official documents do not allow."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from support import openapi
from support.aims_server import GROUP, MODEL, AimsServer, evaluation, file, violation

SCAN = "/v1/scans/6f3c7a52-0f5e-4f0e-9a39-0d8f7c1f2b11"
PAGE = {"pagination": {"total_items": None}}


def request(**fields: Any) -> bytes:
    return json.dumps({"model_uri": MODEL, "security_group_uuid": GROUP, **fields}).encode()


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "says"),
    [
        ("POST", "/v1/scans", [], request(), None),
        ("POST", "/v1/scans", [], request(labels=[{"key": "a", "value": "b"}]), None),
        ("POST", "/v1/scans", [], request(labels=[{"key": "a.b", "value": "b"}]), "labels"),
        ("POST", "/v1/scans", [], request(extra=1), "extra"),
        ("POST", "/v1/scans", [], request(security_group_uuid="prod"), "is not a 'uuid'"),
        ("POST", "/v1/scans", [], b"{}", "required property"),
        ("GET", "/v1/scans", [("limit", "100"), ("labels_query", "a:b")], b"", None),
        ("GET", "/v1/scans", [("limit", "101")], b"", "maximum"),
        ("GET", "/v1/scans", [("limit", "ten")], b"", "integer"),
        ("GET", "/v1/scans", [("offset", "1")], b"", "no such parameter"),
        ("GET", SCAN, [], b"", None),
        ("GET", SCAN, [], b"{}", "takes no body"),
        ("GET", "/v1/scans/7", [], b"", "is not a 'uuid'"),
        ("GET", f"{SCAN}/files", [("recursive", "true")], b"", None),
        ("GET", f"{SCAN}/files", [("recursive", "yes")], b"", "boolean"),
        ("DELETE", SCAN, [], b"", "no such operation"),
        ("GET", "/v1/unknown", [], b"", "no such operation"),
    ],
)
def test_a_request_is_checked(
    method: str, path: str, query: list[tuple[str, str]], body: bytes, says: str | None
) -> None:
    problems = openapi.data_plane().request_problems(method, path, query, body, "application/json")
    assert (problems == []) if says is None else any(says in problem for problem in problems)


@pytest.mark.parametrize(
    ("path", "status", "answer", "says"),
    [
        (f"{SCAN}/files", 200, {**PAGE, "files": [file("a")]}, None),
        (f"{SCAN}/files", 200, {**PAGE, "files": [{**file("a"), "path": None}]}, "not of type 'string'"),
        (f"{SCAN}/files", 200, {"files": []}, "pagination"),
        (f"{SCAN}/files", 404, {}, "no such answer: 404"),
        (f"{SCAN}/rule-violations", 200, {**PAGE, "violations": [violation()]}, None),
        (f"{SCAN}/rule-violations", 200, {**PAGE, "violations": [violation(created_at="noon")]}, "date-time"),
        (f"{SCAN}/evaluations", 200, {**PAGE, "evaluations": [evaluation()]}, None),
        (f"{SCAN}/evaluations", 200, {**PAGE, "evaluations": [evaluation(violation_count="1")]}, "integer"),
    ],
)
def test_an_answer_is_checked(path: str, status: int, answer: Any, says: str | None) -> None:
    problems = openapi.data_plane().answer_problems("GET", path, status, json.dumps(answer).encode())
    assert (problems == []) if says is None else any(says in problem for problem in problems)


def test_a_wrong_request_is_refused_and_remembered() -> None:
    with AimsServer() as aims:
        token = httpx.post(
            f"{aims.url}/oauth2/access_token",
            auth=(aims.client_id, aims.client_secret),
            data={"grant_type": "client_credentials", "scope": "tsg_id:1234567890"},
        ).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        answer = httpx.post(f"{aims.url}/aims/data/v1/scans", json={"model_uri": 5}, headers=bearer)
        assert answer.status_code == 422
        assert aims.problems
        assert aims.scans == {}


@pytest.mark.parametrize("header", [None, "Bearer x", "Basic x"], ids=str)
def test_a_request_without_a_good_token_is_refused(header: str | None) -> None:
    with AimsServer() as aims:
        headers = {} if header is None else {"Authorization": header}
        assert httpx.get(f"{aims.url}/aims/data/v1/scans", headers=headers).status_code == 401
