"""The time now, as documents write it."""

from __future__ import annotations

import time


def now() -> str:
    """Return the time now as RFC 3339 in UTC, whole seconds, ending in `Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
