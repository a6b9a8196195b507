"""A stateful stand-in for the Prisma AIRS service: a real HTTP server on loopback with both planes and the token
endpoint.

It remembers scans, serves scripted results page by page, misbehaves as told (`fault`), keeps a log of every
request, and checks every request and every answer of its own against the official OpenAPI documents (`problems`).
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from support import openapi

Json = dict[str, Any]

GROUP = "6f3c7a52-0f5e-4f0e-9a39-0d8f7c1f2b11"
TENANT = "1234567890"
MODEL = "https://huggingface.co/acme/tiny"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SPACE = uuid.UUID("c0ffee00-0000-4000-8000-000000000000")


def identifier(*parts: object) -> str:
    """Return a uuid that is always the same for the same parts."""
    return str(uuid.uuid5(SPACE, "/".join(map(str, parts))))


@dataclass
class Recorded:
    """One request as it arrived."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    connection: int
    """The client's port: equal for requests over one connection."""
    status: int | None = None
    """`None` when no answer was sent."""

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Script:
    """What a scan of a model comes to."""

    outcome: str = "ALLOWED"
    polls: int = 1
    """Polls that say PENDING; -1 for ever."""
    error_code: str | None = None
    error_message: str | None = None
    evaluations: list[Json] = field(default_factory=lambda: [evaluation()])
    violations: list[Json] = field(default_factory=list)
    files: list[Json] = field(default_factory=lambda: [file("model.safetensors")])
    summary: Json | None = None
    commit: str | None = COMMIT
    totals: bool = True
    """Whether lists state their total."""
    refuse_data_pending: int = 0
    """Creates refused because the model's data is not there yet."""
    end_data_pending: int = 0
    """Creates that end in ERROR / SCAN_DATA_PENDING for good."""


@dataclass(frozen=True)
class Status:
    """Answer with this status and body instead; `done`: after doing what was asked."""

    status: int
    body: bytes = b'{"code": "SCRIPTED", "message": "scripted fault", "details": {}}'
    headers: Mapping[str, str] = field(default_factory=dict)
    done: bool = False


@dataclass(frozen=True)
class Drop:
    """Close the connection without an answer; `done`: after doing what was asked."""

    done: bool = False


@dataclass(frozen=True)
class Silence:
    """Answer nothing until the client gives up; `done`: after doing what was asked."""

    done: bool = False


@dataclass(frozen=True)
class Truncate:
    """Do what was asked, then send half of the answer's body and close."""

    done: bool = True


@dataclass(frozen=True)
class Trickle:
    """Do what was asked, then send the body byte by byte, `seconds` of the server's clock apart."""

    seconds: float
    done: bool = True


@dataclass(frozen=True)
class Change:
    """Do what was asked, then change the answer's JSON; it is not checked against the documents."""

    change: Callable[[Any], Any]
    done: bool = True


Fault = Status | Drop | Silence | Truncate | Trickle | Change


@dataclass
class _Armed:
    method: str
    path: re.Pattern[str]
    fault: Fault
    skip: int
    times: int


class AimsServer:
    """Use it in `with`; everything may be set before and during a scan."""

    def __init__(self, clock: Any = None) -> None:
        """`clock` has `monotonic` and `advance`; tokens age by it. Without one they age by the machine's clock."""
        self.clock = clock
        self.client_id = "svc-weightgate@1234567890.iam.example.com"
        self.client_secret = secrets.token_urlsafe(24)
        self.token_seconds = 899
        self.date_skew = 0.0
        """Seconds by which the server's `Date` is ahead."""
        self.label_lag = 0
        """Look-ups by label that do not see a new scan yet."""
        self.models: dict[str, Script] = {MODEL: Script()}
        self.groups: set[str] = {GROUP}
        self.requests: list[Recorded] = []
        self.problems: list[str] = []
        self.scans: dict[str, _Scan] = {}
        self.tokens: dict[str, float] = {}
        self.index_url = f"https://_token:{secrets.token_urlsafe(16)}@index.example.com/simple/"
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._faults: list[_Armed] = []
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.aims = self
        self._thread = threading.Thread(target=lambda: self._http.serve_forever(0.01), daemon=True)

    def __enter__(self) -> AimsServer:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def environ(self) -> dict[str, str]:
        """Return the environment names that lead a client here."""
        return {
            "MODEL_SECURITY_CLIENT_ID": self.client_id,
            "MODEL_SECURITY_CLIENT_SECRET": self.client_secret,
            "TSG_ID": TENANT,
            "MODEL_SECURITY_API_ENDPOINT": f"{self.url}/aims",
            "MODEL_SECURITY_TOKEN_ENDPOINT": f"{self.url}/oauth2/access_token",
        }

    def secrets(self) -> list[str]:
        """Return every text that must show up nowhere."""
        pair = f"{self.client_id}:{self.client_secret}".encode()
        return [self.client_secret, base64.b64encode(pair).decode(), self.index_url, *self.tokens]

    def fault(self, method: str, path: str, fault: Fault, *, times: int = 1, skip: int = 0) -> None:
        """Misbehave for `times` requests (-1: all) whose path ends in the pattern `path`, after `skip` good ones."""
        self._faults.append(_Armed(method, re.compile(rf".*{path}"), fault, skip, times))

    def log(self, method: str = "", path: str = "") -> list[Recorded]:
        """Return the requests with this method and a path that ends in the pattern `path`."""
        return [item for item in self.requests if method in ("", item.method) and re.fullmatch(rf".*{path}", item.path)]

    def revoke(self) -> None:
        """Make every token so far invalid."""
        for token in self.tokens:
            self.tokens[token] = float("-inf")

    def monotonic(self) -> float:
        return self.clock.monotonic() if self.clock else time.monotonic()

    def take_fault(self, method: str, path: str) -> Fault | None:
        for armed in self._faults:
            if armed.method == method and armed.path.fullmatch(path) and armed.times:
                if armed.skip:
                    armed.skip -= 1
                    continue
                armed.times -= 1
                return armed.fault
        return None


@dataclass
class _Scan:
    record: Json
    script: Script
    pending: int
    lag: int
    stuck: bool = False


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    aims: AimsServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of the server's."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http
    timeout = 30
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def _handle(self) -> None:
        aims = self.server.aims
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = parse_qsl(parts.query, keep_blank_values=True)
        headers = {key.lower(): value for key, value in self.headers.items()}
        seen = Recorded(self.command, parts.path, query, headers, body, self.client_address[1])
        with aims.lock:
            aims.requests.append(seen)
            fault = aims.take_fault(seen.method, seen.path)
            if fault is None or fault.done:
                status, value = _answer(aims, seen)
            else:
                status, value = 0, None
        raw = b"" if value is None else json.dumps(value).encode()
        match fault:
            case Drop():
                self.close_connection = True
            case Silence():
                aims.closing.wait(20)
                self.close_connection = True
            case Status():
                self._send(seen, fault.status, fault.body, fault.headers)
            case Truncate():
                self._send(seen, status, raw, cut=len(raw) // 2)
            case Trickle():
                self._send(seen, status, raw, pause=fault.seconds)
            case Change():
                self._send(seen, status, json.dumps(fault.change(value)).encode())
            case None:
                self._send(seen, status, raw)

    def _send(
        self,
        seen: Recorded,
        status: int,
        raw: bytes,
        headers: Mapping[str, str] | None = None,
        cut: int | None = None,
        pause: float | None = None,
    ) -> None:
        seen.status = status
        self.send_response_only(status)
        now = datetime.now(UTC) + timedelta(seconds=self.server.aims.date_skew)
        for key, value in {"Date": format_datetime(now, usegmt=True), **(headers or {})}.items():
            self.send_header(key, value)
        if not headers or "Content-Type" not in headers:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if pause is None:
            self.wfile.write(raw[:cut])
        else:
            for number in range(len(raw)):
                self.server.aims.clock.advance(pause)
                self.wfile.write(raw[number : number + 1])
                self.wfile.flush()
                time.sleep(0.001)
        if cut is not None:
            self.close_connection = True


def _answer(aims: AimsServer, seen: Recorded) -> tuple[int, Json]:
    if seen.path == "/oauth2/access_token" and seen.method == "POST":
        return _token(aims, seen)
    for prefix, document, routes in (
        ("/aims/data", openapi.data_plane(), _DATA),
        ("/aims/mgmt", openapi.management_plane(), _MGMT),
    ):
        if not seen.path.startswith(prefix + "/"):
            continue
        path = seen.path.removeprefix(prefix)
        if not _authorized(aims, seen):
            return 401, {"code": "UNAUTHORIZED", "message": "the token is not valid", "details": {}}
        wrong = document.request_problems(
            seen.method, path, seen.query, seen.body, seen.headers.get("content-type", "")
        )
        if wrong:
            aims.problems += [f"request {seen.method} {seen.path}: {problem}" for problem in wrong]
            return 422, {"detail": [{"loc": ["request"], "msg": problem, "type": "value_error"} for problem in wrong]}
        for method, pattern, answer in routes:
            match = re.fullmatch(pattern, path)
            if match and method == seen.method:
                status, value = answer(aims, seen, *match.groups())
                if status < 300:
                    raw = json.dumps(value).encode()
                    wrong = document.answer_problems(seen.method, path, status, raw)
                    aims.problems += [f"answer to {seen.method} {seen.path}: {problem}" for problem in wrong]
                return status, value
    return _missing("path")


def _missing(what: str) -> tuple[int, Json]:
    return 404, {"code": "NOT_FOUND", "message": f"{what} not found", "details": {}}


def _token(aims: AimsServer, seen: Recorded) -> tuple[int, Json]:
    form = parse_qs(seen.body.decode())
    pair = base64.b64encode(f"{aims.client_id}:{aims.client_secret}".encode()).decode()
    if seen.headers.get("authorization") != f"Basic {pair}":
        return 401, {"error": "invalid_client", "error_description": "Client authentication failed"}
    if form != {"grant_type": ["client_credentials"], "scope": [f"tsg_id:{TENANT}"]}:
        return 400, {"error": "invalid_request", "error_description": "bad scope"}
    token = f"eyJ.{secrets.token_urlsafe(24)}"
    aims.tokens[token] = aims.monotonic() + aims.token_seconds
    return 200, {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": aims.token_seconds,
        "scope": f"tsg_id:{TENANT}",
    }


def _authorized(aims: AimsServer, seen: Recorded) -> bool:
    kind, _, token = seen.headers.get("authorization", "").partition(" ")
    return kind == "Bearer" and aims.monotonic() < aims.tokens.get(token, float("-inf"))


def _create(aims: AimsServer, seen: Recorded) -> tuple[int, Json]:
    asked = seen.json()
    script = aims.models.get(asked["model_uri"])
    if asked["security_group_uuid"] not in aims.groups:
        return _missing("security group")
    if script is None:
        return 400, {"code": "BAD_REQUEST", "message": "the model's source does not match the group's", "details": {}}
    if script.refuse_data_pending > 0:
        script.refuse_data_pending -= 1
        text = "pending scan data retrieval, please retry"
        return 400, {"code": "SCAN_DATA_PENDING", "message": text, "details": {}}
    stuck = script.end_data_pending > 0
    script.end_data_pending -= stuck
    scan_id = identifier("scan", len(aims.scans))
    record = {
        "uuid": scan_id,
        "tsg_id": TENANT,
        "created_at": f"2026-11-23T09:{len(aims.scans):02}:00Z",
        "updated_at": f"2026-11-23T09:{len(aims.scans):02}:30Z",
        "time_started": f"2026-11-23T09:{len(aims.scans):02}:01Z",
        "model_uri": asked["model_uri"],
        "owner": aims.client_id,
        "scan_origin": asked.get("scan_origin") or "MODEL_SECURITY_API",
        "security_group_uuid": asked["security_group_uuid"],
        "security_group_name": "models-prod",
        "eval_outcome": "PENDING",
        "source_type": "HUGGING_FACE",
        "labels": asked.get("labels") or [],
        "model_version_uuid": "00000000-0000-0000-0000-000000000000",
        "scanner_version": "4.2.0",
        "error_code": None,
        "eval_summary": None,
    }
    aims.scans[scan_id] = _Scan(record, script, script.polls, aims.label_lag, stuck)
    return 201, record


def _scan(aims: AimsServer, seen: Recorded, scan_id: str) -> tuple[int, Json]:
    scan = aims.scans.get(scan_id)
    if scan is None:
        return _missing("scan")
    if scan.pending == 0 and scan.record["eval_outcome"] == "PENDING":
        _end(scan)
    scan.pending -= scan.pending > 0
    return 200, scan.record


def _end(scan: _Scan) -> None:
    script = scan.script
    if scan.stuck:
        scan.record |= {
            "eval_outcome": "ERROR",
            "error_code": "SCAN_DATA_PENDING",
            "error_message": "pending scan data retrieval, please retry",
        }
        return
    results = [row["result"] for row in script.evaluations]
    files = [row["result"] for row in script.files if row["type"] == "FILE"]
    scan.record |= {
        "eval_outcome": script.outcome,
        "error_code": script.error_code,
        "error_message": script.error_message,
        "model_version_uuid": identifier("version", scan.record["model_uri"]) if script.commit else None,
        "total_files_scanned": sum(result != "SKIPPED" for result in files),
        "total_files_skipped": files.count("SKIPPED"),
        "eval_summary": script.summary
        or {
            "rules_passed": results.count("PASSED"),
            "rules_failed": results.count("FAILED"),
            "total_rules": len(results),
        },
    }


def _scans(aims: AimsServer, seen: Recorded) -> tuple[int, Json]:
    query = dict(seen.query)
    wanted = query.get("labels_query")
    found = []
    for scan in reversed(aims.scans.values()):
        labels = {f"{label['key']}:{label['value']}" for label in scan.record["labels"]}
        if wanted is None or wanted in labels:
            if wanted is not None and scan.lag > 0:
                scan.lag -= 1
            else:
                found.append(scan.record)
    return 200, {**_window(query, "scans", found, 10, totals=True), "count_capped": False}


def _window(query: Mapping[str, str], key: str, rows: list[Json], limit: int, totals: bool) -> Json:
    skip, limit = int(query.get("skip", 0)), int(query.get("limit", limit))
    return {"pagination": {"total_items": len(rows) if totals else None}, key: rows[skip : skip + limit]}


def _list(key: str) -> Callable[..., tuple[int, Json]]:
    def answer(aims: AimsServer, seen: Recorded, scan_id: str) -> tuple[int, Json]:
        scan = aims.scans.get(scan_id)
        if scan is None:
            return _missing("scan")
        rows = getattr(scan.script, key) if scan.record["eval_outcome"] != "PENDING" else []
        if key == "evaluations":
            rows = [{**row, "scan_uuid": scan_id} for row in rows]
        if key == "files" and dict(seen.query).get("recursive") != "true":
            rows = [row for row in rows if row["parent_path"] == "/"]
        return 200, _window(dict(seen.query), key, rows, 10, scan.script.totals)

    return answer


def _version(aims: AimsServer, seen: Recorded, version_id: str) -> tuple[int, Json]:
    for uri, script in aims.models.items():
        if version_id == identifier("version", uri) and script.commit:
            return 200, {
                **_base(version_id),
                "revision": script.commit,
                "hf_commit_sha": script.commit,
                "model_uuid": identifier("model", uri),
            }
    return _missing("model version")


def _group(aims: AimsServer, seen: Recorded, group: str) -> tuple[int, Json]:
    if group not in aims.groups:
        return _missing("security group")
    text = {"name": "models-prod", "description": "", "source_type": "HUGGING_FACE", "state": "ACTIVE"}
    return 200, {**_base(group), **text, "is_tombstone": False}


def _instances(aims: AimsServer, seen: Recorded, group: str) -> tuple[int, Json]:
    if group not in aims.groups:
        return _missing("security group")
    row = {"uuid": identifier("instance"), "tsg_id": TENANT, "security_group_uuid": group, "state": "BLOCKING"}
    return 200, _window(dict(seen.query), "rule_instances", [row], 10, totals=True)


def _index(aims: AimsServer, seen: Recorded) -> tuple[int, Json]:
    return 200, {"url": aims.index_url, "expires_at": "2026-11-23T11:00:00Z"}


_ID = r"([0-9a-f-]{36})"
_DATA: list[tuple[str, str, Callable[..., tuple[int, Json]]]] = [
    ("POST", "/v1/scans", _create),
    ("GET", "/v1/scans", _scans),
    ("GET", f"/v1/scans/{_ID}", _scan),
    ("GET", f"/v1/scans/{_ID}/evaluations", _list("evaluations")),
    ("GET", f"/v1/scans/{_ID}/rule-violations", _list("violations")),
    ("GET", f"/v1/scans/{_ID}/files", _list("files")),
    ("GET", f"/v1/model-versions/{_ID}", _version),
]
_MGMT: list[tuple[str, str, Callable[..., tuple[int, Json]]]] = [
    ("GET", "/v1/pypi/authenticate", _index),
    ("GET", f"/v1/security-groups/{_ID}", _group),
    ("GET", f"/v1/security-groups/{_ID}/rule-instances", _instances),
]


def _base(row_id: str) -> Json:
    times = {"created_at": "2026-11-23T09:00:00Z", "updated_at": "2026-11-23T09:00:00Z"}
    return {"uuid": row_id, "tsg_id": TENANT, **times}


def evaluation(rule: str = "Load Time Code Execution Check", result: str = "PASSED", **fields: Any) -> Json:
    """Return one row of evaluations; `fields` replace or add."""
    return {
        **_base(identifier("evaluation", rule)),
        "rule_instance_uuid": identifier("instance", rule),
        "scan_uuid": identifier("scan"),
        "rule_name": rule,
        "rule_description": f"Checks: {rule}",
        "rule_instance_state": "BLOCKING",
        "rule_origin": "PANW_MANAGED",
        "result": result,
        "violation_count": 0,
        **fields,
    }


def violation(number: int = 0, rule: str = "Load Time Code Execution Check", **fields: Any) -> Json:
    """Return one row of violations; `fields` replace or add."""
    return {
        **_base(identifier("violation", rule, number)),
        "description": f"The file `weights-{number}.pkl` runs **code**",
        "rule_instance_uuid": identifier("instance", rule),
        "rule_name": rule,
        "rule_description": f"Checks: {rule}",
        "rule_instance_state": "BLOCKING",
        "rule_origin": "PANW_MANAGED",
        "threat": "PAIT-PKL-100",
        "threat_description": "Pickle runs code when it is loaded",
        "threat_kb_url": "https://kb.example.com/PAIT-PKL-100",
        "file": f"/weights-{number}.pkl",
        "module": "posix",
        "operator": "system",
        "remediation": {"steps": ["Use safetensors", "Retrain"], "url": "https://kb.example.com/fix"},
        **fields,
    }


def file(path: str, result: str = "SUCCESS", kind: str = "FILE") -> Json:
    """Return one row of files."""
    parent = "/" + path.rpartition("/")[0]
    return {
        **_base(identifier("file", path)),
        "path": f"/{path}",
        "parent_path": parent,
        "type": kind,
        "result": result,
        "model_version_uuid": identifier("version", MODEL),
        "formats": ["safetensors"],
    }
