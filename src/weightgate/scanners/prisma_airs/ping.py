"""Check what a scan needs of the service, without starting one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from weightgate.errors import WeightgateError
from weightgate.scanners.prisma_airs.answers import AccessError, ServiceError
from weightgate.scanners.prisma_airs.client import Client
from weightgate.scanners.prisma_airs.http import Patience, Wire
from weightgate.scanners.prisma_airs.settings import from_environment

_LABEL = ("weightgate-run", "ping")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    what: str
    state: str
    """`ok`, `failed`, or `skipped` when an earlier failure leaves nothing to ask."""
    text: str


def ping(group: str | None) -> tuple[Check, ...]:
    """Return what is in order and what is not: settings, credentials, each permission, and the security group.

    `group` is a uuid, or `None` to leave the group out. Raises `ScannerNotInstalled` without the extra `[prisma]`.
    """
    try:
        settings = from_environment()
    except WeightgateError as exc:
        return (Check("settings", "failed", str(exc)),)
    checks = [Check("settings", "ok", f"tenant {settings.tsg_id}, {settings.api}")]
    with Wire(patience=Patience(connect=10, read=20, total=30, attempts=2)) as wire:
        client = Client(settings, wire)
        checks.append(_look("credentials", client.authenticate, lambda _: "an access token was given"))
        asked = [
            ("permission to read scans (ai_ms.scans)", lambda: client.scans_with_label(*_LABEL), lambda _: "granted"),
            ("permission for the SDK's index (ai_ms_pypi_auth)", client.index_address, lambda _: "granted"),
        ]
        if group is not None:
            asked.append((f"security group {group}", lambda: client.security_group(group), _group))
            asked.append(("its rules", lambda: client.rule_instances(group, 0), _rules))
        for what, ask, tell in asked:
            if checks[1].state == "ok":
                checks.append(_look(what, ask, tell))
            else:
                checks.append(Check(what, "skipped", "there is no access token"))
    return tuple(checks)


def _look(what: str, ask: Callable[[], Any], tell: Callable[[Any], str]) -> Check:
    try:
        return Check(what, "ok", tell(ask()))
    except _Bad as exc:
        return Check(what, "failed", str(exc))
    except AccessError as exc:
        hint = "" if what == "credentials" else "; the credentials are good, the service account's role lacks this"
        return Check(what, "failed", f"{exc}{hint if exc.status == 403 else ''}")
    except ServiceError as exc:
        return Check(what, "failed", str(exc))


class _Bad(Exception):
    pass


def _group(record: Any) -> str:
    name, state = record.get("name"), record.get("state")
    if record.get("is_tombstone"):
        raise _Bad(f"{name} was deleted; name another one")
    if state != "ACTIVE":
        raise _Bad(f"{name} is {state}; expected ACTIVE")
    return f"{name}, for models of source {record.get('source_type')}"


def _rules(page: Any) -> str:
    states = [str(row.get("state")) for row in page.rows]
    blocking = sum(state == "BLOCKING" for state in states)
    if not blocking:
        raise _Bad(f"none of its {len(states)} rules is BLOCKING, so the service refuses nothing")
    return f"{len(states)} rules, {blocking} of them BLOCKING"
