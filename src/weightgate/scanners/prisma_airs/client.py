"""Both planes of the service as typed calls. Each raises `ServiceError` (`AccessError` for 401 and 403)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from weightgate.scanners.prisma_airs import models
from weightgate.scanners.prisma_airs.answers import ServiceError
from weightgate.scanners.prisma_airs.auth import TokenSource
from weightgate.scanners.prisma_airs.http import Call, Wire
from weightgate.scanners.prisma_airs.models import Raw, ScanRecord
from weightgate.scanners.prisma_airs.settings import Secret, Settings, is_loopback

T = TypeVar("T")

PAGE = 100
"""Rows asked for at once, the most that every list allows."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list."""

    rows: list[Raw]
    total: int | None
    """How many rows the whole list has, where the service says."""


@dataclass(frozen=True, slots=True)
class IndexAddress:
    """The vendor's private package index."""

    url: Secret
    """With a token inside, good for about an hour."""
    expires_at: str | None


class Client:
    """The service, as one tenant sees it."""

    def __init__(self, settings: Settings, wire: Wire) -> None:
        self.settings = settings
        self.wire = wire
        self._tokens = TokenSource(settings, wire)

    def authenticate(self) -> None:
        """Make sure that there is an access token."""
        self._tokens.token()

    def create_scan(self, request: Raw) -> ScanRecord:
        """Start a scan. Never repeated here: a scan cannot be deleted (see `create`)."""
        call = Call("POST", self._data("scans"), "create scan", json=request, repeatable=False)
        return self._send(call, models.scan_record)

    def scan(self, uuid: str) -> ScanRecord:
        """Return the scan `uuid`."""

        def read(body: Any) -> ScanRecord:
            record = models.scan_record(body)
            if record.uuid != uuid:
                raise ValueError(f"the record is of scan {record.uuid}")
            return record

        return self._get(self._data("scans", uuid), f"scan {uuid}", read)

    def scans_with_label(self, key: str, value: str) -> list[ScanRecord]:
        """Return the newest scans that the service finds by this label, up to `PAGE`; check their labels."""
        query = (("labels_query", f"{key}:{value}"), ("limit", str(PAGE)))
        read = models.rows("scans")
        return self._get(
            self._data("scans"),
            f"scans with label {key}:{value}",
            lambda body: [models.scan_record(row) for row in read(body)[0]],
            query,
        )

    def evaluations(self, scan: str, skip: int) -> Page:
        """Return how the scan's rules ended, one row per rule, in a fixed order."""
        return self._page(scan, "evaluations", "evaluations", skip, (("sort_order", "asc"),))

    def violations(self, scan: str, skip: int) -> Page:
        """Return the scan's rule violations."""
        return self._page(scan, "rule-violations", "violations", skip)

    def files(self, scan: str, skip: int) -> Page:
        """Return the scan's files and directories at every depth, by path."""
        return self._page(scan, "files", "files", skip, (("query_path", "/"), ("recursive", "true")))

    def model_version(self, uuid: str) -> Raw:
        """Return the model version `uuid`, which names the commit that was scanned."""

        def read(body: Any) -> Raw:
            if not isinstance(body, dict) or not isinstance(body.get("revision"), str):
                raise ValueError("revision is missing")
            return body

        return self._get(self._data("model-versions", uuid), f"model version {uuid}", read)

    def security_group(self, uuid: str) -> Raw:
        """Return the security group `uuid`."""
        return self._get(self._mgmt("security-groups", uuid), f"security group {uuid}", _named)

    def rule_instances(self, group: str, skip: int) -> Page:
        """Return the rules of a security group with their states."""
        url = self._mgmt("security-groups", group, "rule-instances")
        return self._list(url, f"rules of security group {group}", "rule_instances", skip)

    def index_address(self) -> IndexAddress:
        """Return the address of the private package index, a secret."""

        def read(body: Any) -> IndexAddress:
            url = body.get("url") if isinstance(body, dict) else None
            parts = urlsplit(url) if isinstance(url, str) else None
            # NOTE: as for endpoints, http is for a loopback host alone.
            if parts is None or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts))):
                raise ValueError("no https url")
            secret = Secret(str(url))
            self.wire.protect(secret)
            return IndexAddress(secret, models.moment(body.get("expires_at")))

        return self._get(self._mgmt("pypi", "authenticate"), "Failed to retrieve PyPI URL", read)

    def _page(self, scan: str, path: str, key: str, skip: int, query: tuple[tuple[str, str], ...] = ()) -> Page:
        return self._list(self._data("scans", scan, path), f"{key} of scan {scan} from {skip}", key, skip, query)

    def _list(self, url: str, what: str, key: str, skip: int, query: tuple[tuple[str, str], ...] = ()) -> Page:
        query = (("limit", str(PAGE)), ("skip", str(skip)), *query)
        return Page(*self._get(url, what, models.rows(key), query))

    def _get(self, url: str, what: str, read: Callable[[Any], T], query: tuple[tuple[str, str], ...] = ()) -> T:
        return self._send(Call("GET", url, what, query=query), read)

    def _send(self, call: Call, read: Callable[[Any], T]) -> T:
        """Send with the token; a 401 is answered with one new token, since the old one may have been revoked."""
        for last in (False, True):
            authorized = replace(call, auth=self._tokens.token())
            try:
                answer: T = self.wire.send(authorized, read)
                return answer
            except ServiceError as exc:
                if exc.status != 401 or last:
                    raise
                self._tokens.discard()
        raise AssertionError("unreachable")

    def _data(self, *steps: str) -> str:
        return "/".join([self.settings.api, "data/v1", *steps])

    def _mgmt(self, *steps: str) -> str:
        return "/".join([self.settings.api, "mgmt/v1", *steps])


def _named(body: Any) -> Raw:
    if not isinstance(body, dict) or not isinstance(body.get("uuid"), str):
        raise ValueError("uuid is missing")
    return body
