"""Create a scan exactly once.

Scans cannot be deleted and the service knows no idempotency key, so a create carries a label of its own, and whenever
it is not known whether a create was accepted, the scan is looked up by that label before another one is sent.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

from weightgate.scanners.interface import Progress
from weightgate.scanners.prisma_airs.answers import ServiceError
from weightgate.scanners.prisma_airs.client import PAGE, Client
from weightgate.scanners.prisma_airs.http import MAX_WAIT
from weightgate.scanners.prisma_airs.models import Raw, ScanRecord, is_data_pending

LABEL = "weightgate-run"
"""Key of the label that is unique to one create."""
LOOKUP_WAITS = (1.0, 2.0, 4.0, 8.0, 10.0)
"""Seconds between the look-ups of a scan that may exist: what was created may be found only a little later."""
ATTEMPTS = 3
"""Creates that are sent at most, when each was lost or refused for a passing reason."""


class Creator:
    """Creates scans of one request, one for each call of `create`."""

    def __init__(self, client: Client, request: Raw, pause: Callable[[float], None], progress: Progress) -> None:
        """`pause` waits for so many seconds, and raises when the time for the whole scan is over."""
        self._client = client
        self._request = request
        self._pause = pause
        self._say = progress
        self.label: str | None = None
        """Value of the label of the last create; `None` before the first."""
        self.undecided = False
        """Whether a scan may exist that nobody has seen yet."""

    def create(self, waits: Iterator[float]) -> ScanRecord:
        """Return the new scan; `waits` gives the seconds to wait while the service fetches the model's data.

        Raises `ServiceError` when the service refuses it, cannot be reached, or does not tell whether the scan exists.
        """
        self.label = label = uuid.uuid4().hex
        labels = [*self._request.get("labels", ()), {"key": LABEL, "value": label}]
        failures = 0
        while True:
            problem = self._try({**self._request, "labels": labels})
            if isinstance(problem, ScanRecord):
                return problem
            not_yet = is_data_pending(problem.code, str(problem))
            if not (not_yet or problem.transient):
                raise problem
            found = self._look_up(label, LOOKUP_WAITS if problem.maybe_done else ())
            self.undecided = False
            if found is not None:
                self._say(f"scan {found.uuid} was created although its answer was lost")
                return found
            failures += 0 if not_yet else 1
            if failures >= ATTEMPTS:
                raise problem
            self._say(f"{problem}; trying again")
            self._pause(next(waits) if not_yet else min(MAX_WAIT, max(problem.retry_after or 0.0, 2.0**failures)))

    def _try(self, request: Raw) -> ScanRecord | ServiceError:
        # NOTE: before anything is undecided: a token that cannot be had is no scan that may exist.
        self._client.authenticate()
        # NOTE: set before the request leaves: an interrupt may come at any moment from here on.
        self.undecided = True
        try:
            record = self._client.create_scan(request)
        except ServiceError as exc:
            self.undecided = exc.maybe_done
            return exc
        self.undecided = False
        return record

    def _look_up(self, label: str, waits: tuple[float, ...]) -> ScanRecord | None:
        """Return the scan that carries `label`, or `None` when a look-up, and one after each of `waits`, finds none."""
        for wait in (0.0, *waits):
            if wait:
                self._pause(wait)
            records = self._client.scans_with_label(LABEL, label)
            ours = [record for record in records if record.labels is not None and record.labels.get(LABEL) == label]
            if ours:
                return min(ours, key=lambda record: (str(record.raw.get("created_at")), record.uuid))
            if len(records) >= PAGE or any(record.labels is None for record in records):
                raise ServiceError(
                    f"the service does not tell which scan carries the label {LABEL}:{label}, so a second one could "
                    "be created; look for it in the console and resume it"
                )
        return None
