"""The one clock of this package, so that tests need not wait."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The machine's clock: `monotonic` decides when something ends, `now` only reads what a server wrote."""

    def monotonic(self) -> float:
        """Seconds since some moment; never set back, whatever happens to the time of day."""
        return time.monotonic()

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
