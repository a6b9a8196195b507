"""The ways in which Prisma AIRS, or what stands before it, misbehaves, and what the command makes of each."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from support.aims_server import (
    MODEL,
    AimsServer,
    Change,
    Drop,
    Script,
    Status,
    Trickle,
    Truncate,
    evaluation,
    violation,
)

TOKEN = "/oauth2/access_token"
CREATE = ("POST", "/v1/scans")
POLL = ("GET", "/v1/scans/[0-9a-f-]+")
VIOLATIONS = ("GET", "/rule-violations")
HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
ALLOW, DENY, USAGE, NO_DECISION, INDETERMINATE = range(5)


class RealClock:
    """The machine's clock, as the stand-in wants one."""

    def monotonic(self) -> float:
        return time.monotonic()

    def advance(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class Case:
    """A fault and what must come of it."""

    arm: Callable[[AimsServer], None]
    """Called when the secrets are known: with the answer to the first request for a token."""
    code: int
    creates: int | None = 1
    """Requests for a scan that the service's log holds, all with one label; `None`: as many as the time allows."""
    scans: int = 1
    """Scans that exist afterwards."""
    says: str = ""
    """A part of standard error."""
    status: str = "failed"
    """Of the scan in the findings document."""
    words: tuple[str, ...] = ()
    at_once: bool = False
    """Whether it is armed before the first request."""
    state: str | None = None
    """Of the scan that `error.json` tells of; `None` when there is a decision on what the service said."""
    env: str = "dev"
    findings: int = 0
    pages: tuple[int, ...] = ()
    """Offsets of the requests for violations, where there are several."""


def refused(where: tuple[str, str], status: int, **options: Any) -> Callable[[AimsServer], None]:
    """Answer with `status` and a body that repeats every secret, as a debugging proxy would."""
    times, headers = options.pop("times", -1), options.pop("headers", {})

    def arm(aims: AimsServer) -> None:
        echo = " ".join(secret for secret in aims.secrets() if secret != aims.index_url)
        body = json.dumps({"code": "SCRIPTED", "message": f"seen: {echo}", "details": {}}).encode()
        aims.fault(*where, Status(status, body, headers() if callable(headers) else headers, **options), times=times)

    return arm


def fault(where: tuple[str, str], what: Any, times: int = 1) -> Callable[[AimsServer], None]:
    return lambda aims: aims.fault(*where, what, times=times)


def script(**fields: Any) -> Callable[[AimsServer], None]:
    return lambda aims: aims.models.update({MODEL: Script(**fields)})


def expire_in_mid_poll(aims: AimsServer) -> None:
    """After the first poll the token is no longer valid."""

    def revoke(answer: Any) -> Any:
        aims.revoke()
        return answer

    aims.models[MODEL] = Script(polls=3)
    aims.fault(*POLL, Change(revoke))


def skewed(aims: AimsServer) -> None:
    """The service's clock is a day ahead, and says by date when to come back."""
    aims.date_skew = 86_400.0
    until = datetime.now(UTC) + timedelta(seconds=aims.date_skew + 2)
    aims.fault(*POLL, Status(429, b"", {"Retry-After": format_datetime(until, usegmt=True)}))


def many(totals: bool) -> Callable[[AimsServer], None]:
    rows = [violation(number) for number in range(237)]
    rule = evaluation(result="FAILED", violation_count=237)
    return script(outcome="BLOCKED", evaluations=[rule], violations=rows, totals=totals)


SHORT = ("--timeout", "2")
CASES: dict[str, Case] = {
    "no-fault": Case(lambda aims: None, ALLOW, status="completed"),
    "token-refused": Case(
        refused(("POST", TOKEN), 401),
        NO_DECISION,
        0,
        0,
        "Failed to obtain SCM access token: HTTP 401",
        state="NOT_CREATED",
        at_once=True,
    ),
    "token-500": Case(
        refused(("POST", TOKEN), 500), NO_DECISION, 0, 0, "HTTP 500", state="NOT_CREATED", at_once=True, words=SHORT
    ),
    "token-expired-in-mid-poll": Case(expire_in_mid_poll, ALLOW, status="completed"),
    "create-403": Case(refused(CREATE, 403), NO_DECISION, 1, 0, "role", state="NOT_CREATED"),
    "poll-403": Case(refused(POLL, 403), NO_DECISION, says="--resume", state="PENDING"),
    "create-404": Case(
        lambda aims: aims.groups.clear(), NO_DECISION, 1, 0, "security group not found", state="NOT_CREATED"
    ),
    "poll-404": Case(refused(POLL, 404), NO_DECISION, says="does not exist", state="PENDING"),
    "create-409": Case(refused(CREATE, 409), NO_DECISION, 1, 0, "HTTP 409", state="NOT_CREATED"),
    "create-422": Case(refused(CREATE, 422), NO_DECISION, 1, 0, "HTTP 422", state="NOT_CREATED"),
    "create-429-retry-after": Case(
        refused(CREATE, 429, times=1, headers={"Retry-After": "1"}), ALLOW, 2, status="completed"
    ),
    "create-429": Case(refused(CREATE, 429, times=1), ALLOW, 2, status="completed"),
    "poll-429-retry-after": Case(refused(POLL, 429, times=1, headers={"Retry-After": "2"}), ALLOW, status="completed"),
    "poll-429": Case(refused(POLL, 429, times=1), ALLOW, status="completed"),
    "poll-429-for-ever": Case(
        refused(POLL, 429, headers={"Retry-After": "3600"}), NO_DECISION, says="too many", state="PENDING", words=SHORT
    ),
    "create-500": Case(refused(CREATE, 500), NO_DECISION, 1, 0, "may have been created", state="UNKNOWN", words=SHORT),
    "create-500-accepted": Case(refused(CREATE, 500, times=1, done=True), ALLOW, status="completed"),
    "poll-500": Case(refused(POLL, 500, times=1), ALLOW, status="completed"),
    "create-502-html-accepted": Case(
        fault(CREATE, Status(502, HTML, {"Content-Type": "text/html"}, done=True)), ALLOW, status="completed"
    ),
    "poll-502-html": Case(
        fault(POLL, Status(502, HTML, {"Content-Type": "text/html"}), -1),
        NO_DECISION,
        says="HTML page",
        state="PENDING",
        words=SHORT,
    ),
    "dropped-before-accepted": Case(
        fault(CREATE, Drop()), NO_DECISION, 1, 0, "may have been created", state="UNKNOWN", words=SHORT
    ),
    "dropped-after-accepted": Case(fault(CREATE, Drop(done=True)), ALLOW, status="completed"),
    "poll-dropped": Case(fault(POLL, Drop()), ALLOW, status="completed"),
    "slow-create": Case(fault(CREATE, Trickle(0.001)), ALLOW, status="completed"),
    "slow-results": Case(fault(VIOLATIONS, Trickle(0.01)), ALLOW, status="completed"),
    "truncated-create": Case(fault(CREATE, Truncate()), ALLOW, status="completed"),
    "truncated-poll": Case(fault(POLL, Truncate()), ALLOW, status="completed"),
    "endless-pending": Case(
        script(polls=-1), NO_DECISION, says="did not end within 1 s", state="PENDING", words=("--timeout", "1")
    ),
    "endless-data-pending": Case(
        script(refuse_data_pending=1000),
        NO_DECISION,
        None,
        0,
        "no scan of",
        state="NOT_CREATED",
        words=("--timeout", "1", "--poll-interval", "30"),
    ),
    "data-pending-once": Case(script(refuse_data_pending=1), ALLOW, 2, status="completed"),
    "unknown-outcome": Case(script(outcome="QUARANTINED"), DENY),
    "violations-refused": Case(refused(VIOLATIONS, 403), INDETERMINATE, status="partial", env="prod"),
    "237-violations": Case(many(True), DENY, status="completed", findings=237, pages=(0, 100, 200)),
    "null-totals": Case(many(False), DENY, status="completed", findings=237, pages=(0, 100, 200)),
    "clock-skew": Case(skewed, ALLOW, status="completed"),
}


@contextmanager
def scene(case: Case) -> Iterator[tuple[AimsServer, Path]]:
    """Give a service with the fault armed, and a directory that is removed at the end."""
    with AimsServer(RealClock()) as aims, tempfile.TemporaryDirectory() as folder:
        if case.at_once:
            case.arm(aims)
        else:

            def known(answer: Any) -> Any:
                case.arm(aims)
                return answer

            aims.fault("POST", TOKEN, Change(known))
        yield aims, Path(folder)
