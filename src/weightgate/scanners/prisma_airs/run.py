"""Scan an opened model with the client that fits it: REST, or the vendor's SDK."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from weightgate.errors import ScannerError, UsageError
from weightgate.findings import Source
from weightgate.scanners.interface import Limits, Progress, Report
from weightgate.scanners.prisma_airs import PrismaAirs, uuid_of
from weightgate.scanners.prisma_airs.clock import Clock

if TYPE_CHECKING:
    from weightgate.scanning import Remote
    from weightgate.subject import Subject


class _StoppableClock(Clock):
    """The machine's clock, whose sleep ends with an error when `stop` is set: a thread gets no Ctrl-C."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise ScannerError("interrupted")


def scan(
    subject: Subject, group: str, *, limits: Limits, remote: Remote, progress: Progress, stop: threading.Event
) -> Report:
    """Return the raw report of scanning `subject` with security group `group`.

    Raises `UsageError` for a combination that cannot work, and what `PrismaAirs.scan_uri` and `sdk.scan` raise. Setting
    `stop` ends a scan that waits.
    """
    reference = subject.reference
    client = remote.client or ("rest" if reference and reference.source is Source.HUGGINGFACE else "sdk")
    # NOTE: a scan in the service is read back by REST, whoever created it.
    if remote.resume is not None and reference is not None:
        client = "rest"
    if client == "rest":
        if reference is None:
            raise UsageError(
                f"{subject.given}: the service cannot fetch a local model, so it is not scanned by REST, nor is such a "
                "scan resumed; use --prisma-client sdk, without --resume"
            )
        return PrismaAirs(clock=_StoppableClock(stop)).scan_uri(
            reference,
            group,
            poll_interval=remote.poll_interval,
            timeout=limits.seconds,
            resume=remote.resume,
            progress=progress,
        )
    if remote.resume is not None:
        raise UsageError(f"{subject.given}: the scan of a local model cannot be resumed; scan it again")
    from weightgate.scanners.prisma_airs import sdk

    return sdk.scan(subject, uuid_of(group, "security group id"), limits=limits, remote=remote, progress=progress)
