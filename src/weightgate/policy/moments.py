"""Compare the times of policy data as the policy itself reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def seconds(text: Any) -> float | None:
    """Return the seconds since 1970 of an RFC 3339 time or a date (00:00:00Z of that day); `None` for anything else."""
    try:
        given = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()


def stamp(at: float) -> str:
    """Return the whole second `at`, counted from 1970, as the RFC 3339 time in UTC."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
