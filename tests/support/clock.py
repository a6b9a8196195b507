"""A clock that moves when it is told to."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from weightgate.scanners.prisma_airs.clock import Clock


class FakeClock(Clock):
    """Sleeping takes no time and moves the clock; `skew` sets the time of day wrong by so many seconds."""

    def __init__(self, skew: float = 0.0) -> None:
        self.skew = skew
        self.slept: list[float] = []
        self._seconds = 1000.0
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self._seconds

    def now(self) -> datetime:
        return datetime(2026, 11, 23, 10, tzinfo=UTC) + timedelta(seconds=self._seconds + self.skew)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._seconds += seconds
