"""One scan from its request to the last row of its results."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator

from weightgate import strict
from weightgate.errors import AuthenticationError, ScannerError, ScanTimeout, UsageError
from weightgate.scanners.interface import Progress, Report
from weightgate.scanners.prisma_airs import document, models
from weightgate.scanners.prisma_airs.answers import ServiceError
from weightgate.scanners.prisma_airs.client import PAGE, Client, Page
from weightgate.scanners.prisma_airs.create import LABEL, Creator
from weightgate.scanners.prisma_airs.document import Listing, Results
from weightgate.scanners.prisma_airs.models import Raw, ScanRecord
from weightgate.scanners.prisma_airs.references import ModelReference

REFERENCE_LABEL = "weightgate-reference"
"""Key of the label that says which model and revision a scan is of."""
REVISION_LABEL = "weightgate-revision"
"""Key of the label that holds the revision, where it has no character that a label cannot hold."""
RESULTS_SECONDS = 600.0
"""Longest time that the results of a finished scan are read."""
MAX_ROWS = 100_000
"""Most rows of one list that are read."""
_LONGEST_WAIT = 60.0
_PATIENT_POLLS = 5
"""Polls of a scan that ended in `SCAN_DATA_PENDING`, in case it goes on by itself, before another one is created."""


class Unfinished(BaseException):
    """The scan did not end; `report` is the artifact that says the same. Each subclass is another error, too."""

    def __init__(self, message: str, report: Report, scan_id: str | None, state: str) -> None:
        super().__init__(message)
        self.report = report
        self.scan_id = scan_id
        """To be given to `--resume`; `None` when no scan is known to exist."""
        self.state = state
        """The last known outcome word, `NOT_CREATED`, or `UNKNOWN` when the service did not tell."""


class UnfinishedScan(Unfinished, ScanTimeout):
    """The scan did not end within its time limit."""


class BrokenScan(Unfinished, ScannerError):
    """The service failed, or refused, before the scan had ended."""


class RefusedScan(Unfinished, AuthenticationError):
    """The service refused the credentials or the permission before the scan had ended."""


class InterruptedScan(Unfinished, KeyboardInterrupt):
    """Ctrl-C or SIGTERM came before the scan had ended."""


class _TimeUp(Exception):
    pass


class Run:
    """One scan of one model with the rules of one security group."""

    def __init__(
        self,
        client: Client,
        reference: ModelReference,
        group: str,
        *,
        poll_interval: float,
        timeout: float,
        progress: Progress,
    ) -> None:
        self._client = client
        self._clock = client.wire.clock
        self._reference = reference
        self._group = group
        self._interval = poll_interval
        self._timeout = timeout
        self._say = progress
        self._record: ScanRecord | None = None
        self._resumed: str | None = None
        self._creator = Creator(client, _request(reference, group), self._pause, progress)
        self._waits = self._growing_waits()
        client.wire.deadline = self._clock.monotonic() + timeout

    def run(self, resume: str | None) -> Report:
        """Return the report of a scan that ended, complete or with what could not be read named in it.

        Raises `Unfinished` when the scan did not end, `UsageError` when the scan to resume is another one's.
        """
        self._resumed = resume
        try:
            self._record = self._find(resume) if resume else self._creator.create(self._waits)
            self._record = self._wait(self._record)
            return self._results(self._record)
        except _TimeUp:
            raise self._unfinished(UnfinishedScan, f"it did not end within {self._timeout:g} seconds") from None
        except KeyboardInterrupt:
            raise self._unfinished(InterruptedScan, "interrupted") from None
        except ScannerError as exc:
            problem = exc
        kind = RefusedScan if isinstance(problem, AuthenticationError) else BrokenScan
        raise self._unfinished(kind, str(problem)) from problem

    def _find(self, uuid: str) -> ScanRecord:
        """Return the scan to resume, after making sure that it is of the very model and rules that are asked for."""
        record = self._client.scan(uuid)
        wanted = self._reference.uri.lower()
        if record.model_uri.rstrip("/").lower() != wanted:
            raise UsageError(
                f"--resume {uuid}: that scan is of {strict.show(record.model_uri)}; expected {self._reference.uri}"
            )
        if record.group != self._group:
            raise UsageError(f"--resume {uuid}: that scan used security group {record.group}; expected {self._group}")
        label = (record.labels or {}).get(REFERENCE_LABEL)
        if label != _fingerprint(self._reference) and (label is not None or self._reference.revision is not None):
            raise UsageError(
                f"--resume {uuid}: that scan was not started for revision {self._reference.revision or '(default)'}; "
                "name the revision that it was started for, or start a new scan"
            )
        return record

    def _wait(self, record: ScanRecord) -> ScanRecord:
        polls = 0
        while True:
            self._record = record
            if record.data_pending and polls >= _PATIENT_POLLS:
                self._say(f"scan {record.uuid} ended before the model's data was there; starting another one")
                record, polls = self._creator.create(self._waits), 0
                continue
            if not record.data_pending and record.outcome != models.PENDING:
                return record
            self._say(f"scan {record.uuid}: {record.state}")
            polls += record.data_pending
            self._pause(next(self._waits) if record.data_pending else self._interval)
            record = self._client.scan(record.uuid)

    def _results(self, record: ScanRecord) -> Report:
        clock = self._clock
        self._client.wire.deadline = until = clock.monotonic() + RESULTS_SECONDS

        def read_all(fetch: Callable[[str, int], Page]) -> Listing:
            return _read_all(lambda skip: fetch(record.uuid, skip), lambda: clock.monotonic() < until)

        self._say(f"scan {record.uuid}: {record.outcome}; reading its results")
        return self._report(
            Results(
                evaluations=read_all(self._client.evaluations),
                violations=read_all(self._client.violations),
                files=read_all(self._client.files),
                model_version=self._model_version(record),
            )
        )

    def _model_version(self, record: ScanRecord) -> Raw | None:
        """Return what the service says of the revision that it scanned, when it says anything."""
        if record.model_version is None:
            return None
        try:
            return self._client.model_version(record.model_version)
        except ServiceError as exc:
            self._say(f"{exc}; the scanned revision is not confirmed")
            return None

    def _pause(self, seconds: float) -> None:
        left = self._client.wire.deadline - self._clock.monotonic()
        if left <= 0:
            raise _TimeUp
        self._clock.sleep(min(seconds, left))

    def _growing_waits(self) -> Iterator[float]:
        wait = self._interval
        while True:
            yield wait
            wait = min(2 * wait, max(_LONGEST_WAIT, self._interval))

    def _unfinished(self, kind: type[Unfinished], why: str) -> Unfinished:
        creator = self._creator
        unseen = creator.undecided or self._resumed is not None
        state = self._record.state if self._record else "UNKNOWN" if unseen else "NOT_CREATED"
        scan_id = self._record.uuid if self._record else self._resumed
        given = self._reference.given
        if creator.undecided:
            hint = f"a scan may have been created; look for the label {LABEL}:{creator.label} and resume it"
        elif scan_id is None:
            hint = f"no scan of {given} was created"
        else:
            hint = (
                f"scan {scan_id} of {given} is {state}; pick it up again with: "
                f"weightgate scan --scanner prisma-airs --security-group-id {self._group} --resume {scan_id} {given}"
            )
        report = self._report(None, f"{why}; {hint}")
        return kind(f"{why}; {hint}", report, scan_id, state)

    def _report(self, results: Results | None, problem: str | None = None) -> Report:
        request = {
            "model_uri": self._reference.uri,
            "revision": self._reference.revision,
            "security_group_uuid": self._group,
            "label": self._creator.label,
        }
        record = self._record
        return Report(
            content=document.write(request, None if record is None else record.raw, results, problem),
            version=record.version if record else None,
            started_at=record.started_at if record else None,
            finished_at=record.updated_at if record and results else None,
        )


def _request(reference: ModelReference, group: str) -> Raw:
    request: Raw = {
        "model_uri": reference.uri,
        "security_group_uuid": group,
        "scan_origin": "MODEL_SECURITY_API",
        "labels": [{"key": key, "value": value} for key, value in reference_labels(reference).items()],
    }
    if reference.revision is not None:
        request["model_version"] = reference.revision
    return request


def reference_labels(reference: ModelReference) -> dict[str, str]:
    """Return the labels that tell which model and revision a scan is of, so that `--resume` can tell, too."""
    labels = {REFERENCE_LABEL: _fingerprint(reference)}
    if reference.revision is not None and re.fullmatch(r"[A-Za-z0-9_-]{1,256}", reference.revision):
        labels[REVISION_LABEL] = reference.revision
    return labels


def _fingerprint(reference: ModelReference) -> str:
    return hashlib.sha256(f"{reference.uri.lower()}\n{reference.revision or ''}".encode()).hexdigest()


def _read_all(fetch: Callable[[int], Page], in_time: Callable[[], bool]) -> Listing:
    """Return every row that can be had: up to the stated total, an empty page, or without a total a short page."""
    rows: list[Raw] = []
    stated: int | None = None
    while True:
        if not in_time() or len(rows) >= MAX_ROWS:
            return Listing(rows, stated, f"reading was stopped after {len(rows)} rows")
        try:
            page = fetch(len(rows))
        except ServiceError as exc:
            return Listing(rows, stated, str(exc))
        rows += page.rows
        if page.total is not None:
            stated = max(stated or 0, page.total)
        full = len(page.rows) >= PAGE
        more = full if stated is None else len(rows) < stated
        if not page.rows or not more:
            return Listing(rows, stated, None)


def check_times(poll_interval: float, timeout: float) -> None:
    """Raise `UsageError` unless both are numbers of seconds above 0."""
    for name, value in (("--poll-interval", poll_interval), ("--timeout", timeout)):
        if not (math.isfinite(value) and value > 0):
            raise UsageError(f"{name} {value}: expected a number of seconds above 0")
