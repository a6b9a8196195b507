"""An answer of the service, and the error that it, or its absence, means."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from weightgate import strict
from weightgate.errors import AuthenticationError, InvalidDocument, ScannerError

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may be different the next time."""

_HINTS = {
    401: "check the client id and secret",
    403: "check the service account's role and the tenant's deployment profile, which may have expired",
    404: "it does not exist, or belongs to another tenant",
    429: "too many requests; try again later",
}


class ServiceError(ScannerError):
    """The service refused a request, or gave no usable answer."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        transient: bool = False,
        maybe_done: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status, `None` when there was no answer."""
        self.code = code
        """The service's own word, such as `SCAN_DATA_PENDING`."""
        self.transient = transient
        """Whether the same request may succeed the next time."""
        self.maybe_done = maybe_done
        """Whether the service may have done what was asked all the same."""
        self.retry_after = retry_after
        """Seconds that the service asks to wait."""


class AccessError(ServiceError, AuthenticationError):
    """The service refused the token or the permission (401, 403)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    """Not shown: it may hold a token."""

    def json(self) -> Any:
        """Return the body's value as strict JSON (see `strict.loads`); raises `ValueError` for anything else."""
        try:
            return strict.loads(self.body, "answer")
        except InvalidDocument as exc:
            problem = exc.problem
        raise ValueError(problem)


def refusal(what: str, answer: Answer, now: datetime) -> ServiceError:
    """Return the error that `answer`, any status but 2xx, is; `what` says which request it answers."""
    status = answer.status
    code, text = _problem(answer)
    if 300 <= status < 400:
        text = "a redirect, which is not followed since it could carry the token to another host; check the endpoint"
    said = ": ".join(part for part in (code, text) if part)
    hint = f" ({_HINTS[status]})" if status in _HINTS else ""
    kind = AccessError if status in (401, 403) else ServiceError
    return kind(
        f"{what}: HTTP {status}: {said or 'no explanation'}{hint}",
        status=status,
        code=code,
        transient=status in TRANSIENT,
        # NOTE: 429 is said before anything is done; after a 408 or 5xx of a gateway the service may be at work.
        maybe_done=status in TRANSIENT - {425, 429},
        retry_after=_retry_after(answer.headers, now),
    )


def _problem(answer: Answer) -> tuple[str | None, str]:
    """Return (code, text) of an error body: `{code, message}`, FastAPI's `{detail}`, or whatever a gateway wrote."""
    try:
        body = answer.json()
    except ValueError:
        return None, _foreign(answer)
    if not isinstance(body, dict):
        return None, _line(str(body))
    if isinstance(body.get("detail"), list):
        return None, "; ".join(_detail(item) for item in body["detail"][:5])
    code = body.get("code", body.get("error"))
    text = body.get("message") or body.get("detail") or body.get("error_description") or ""
    if isinstance(text, dict):
        code, text = text.get("code", code), text.get("message", text)
    return (_line(str(code)) if code is not None else None), _line(str(text))


def _detail(item: Any) -> str:
    if not isinstance(item, dict) or not isinstance(item.get("loc"), list):
        return _line(str(item))
    return f"{'.'.join(_line(str(step)) for step in item['loc'])}: {_line(str(item.get('msg')))}"


def _foreign(answer: Answer) -> str:
    text = answer.body[:4000].decode("utf-8", "replace")
    title = re.search(r"<title[^>]*>([^<]*)", text, re.IGNORECASE)
    if title:
        return f'an HTML page "{_line(title[1])}", probably of a gateway or proxy'
    text = _line(re.sub(r"<[^>]*>", " ", text))
    return f"no JSON: {text}" if text else ""


def _line(text: str) -> str:
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= 300 else text[:299] + "…"


def _retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds of `Retry-After`; a date counts from the server's own `Date`, so that no clock must agree."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", value):
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        with contextlib.suppress(ValueError):
            now = parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
