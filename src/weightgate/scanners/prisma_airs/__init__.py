"""Prisma AIRS AI Model Security: a scan service for models that lie elsewhere, spoken to over REST."""

from __future__ import annotations

from weightgate.errors import UsageError
from weightgate.scanners.interface import Inventory, Progress, Report, ScanResult
from weightgate.scanners.prisma_airs.clock import Clock
from weightgate.scanners.prisma_airs.http import Patience, Wire
from weightgate.scanners.prisma_airs.references import ModelReference, is_reference, parse
from weightgate.scanners.prisma_airs.settings import Settings, from_environment

__all__ = ["ModelReference", "PrismaAirs", "is_reference", "parse"]


class PrismaAirs:
    """The scanner `prisma-airs`. It needs the extra `[prisma]` to scan, and nothing to read a stored report."""

    name = "prisma-airs"

    def __init__(
        self, settings: Settings | None = None, *, clock: Clock | None = None, patience: Patience | None = None
    ) -> None:
        """`settings` default to the environment (`settings.from_environment`), read when a scan starts."""
        self._settings = settings
        self._clock = clock or Clock()
        self._patience = patience or Patience()

    def scan_uri(
        self,
        reference: ModelReference,
        group: str,
        *,
        poll_interval: float = 5.0,
        timeout: float = 1800.0,
        resume: str | None = None,
        progress: Progress = lambda line: None,
    ) -> Report:
        """Scan the model at `reference` with the rules of security group `group` (a uuid) and return the raw report.

        `poll_interval` and `timeout` are seconds; `resume` is the id of a scan that an earlier call left behind.
        A report is returned for every scan that ended, whatever its outcome and even when not all results could be
        read; the report says so. Raises `scan.Unfinished` (always also a `ScannerError` or a `KeyboardInterrupt`, with
        `scan_id`, `state` and a partial `report`) when it did not end, `UsageError` for a bad argument,
        `AuthenticationError` without credentials, `ScannerNotInstalled` without the extra.
        """
        from weightgate.scanners.prisma_airs.client import Client
        from weightgate.scanners.prisma_airs.scan import Run, check_times

        check_times(poll_interval, timeout)
        group = uuid_of(group, "security group id")
        resume = None if resume is None else uuid_of(resume, "--resume")
        settings = self._settings or from_environment()
        with Wire(self._clock, self._patience) as wire:
            client = Client(settings, wire)
            run = Run(client, reference, group, poll_interval=poll_interval, timeout=timeout, progress=progress)
            return run.run(resume)

    def subject_of(self, resume: str) -> tuple[ModelReference, str]:
        """Return the model and the security group of the scan `resume`, for who resumes it by its id alone.

        The revision is known for a scan that was started for none or for one that a label can hold (a commit can);
        otherwise resuming it fails, since it says that it was started for another revision.
        """
        from weightgate.scanners.prisma_airs.client import Client
        from weightgate.scanners.prisma_airs.scan import REVISION_LABEL

        with Wire(self._clock, self._patience) as wire:
            record = Client(self._settings or from_environment(), wire).scan(uuid_of(resume, "--resume"))
        revision = (record.labels or {}).get(REVISION_LABEL)
        return parse(record.model_uri if revision is None else f"{record.model_uri}/tree/{revision}"), record.group

    def normalize(self, report: Report, inventory: Inventory | None = None) -> ScanResult:
        """Return what `report` says: one of ours, the pipeline's bare scan record, or a Guardian report.

        Raises `MalformedReport` when it is none of these.
        """
        from weightgate.scanners.prisma_airs import stored

        return stored.read(report, inventory)


def uuid_of(text: str, where: str) -> str:
    """Return `text` as a uuid in lower case; raises `UsageError` naming `where` for anything else."""
    from weightgate.scanners.prisma_airs import models

    try:
        return models.uuid(text.strip(), where)
    except ValueError as exc:
        raise UsageError(f"{exc} such as 6f3c7a52-0f5e-4f0e-9a39-0d8f7c1f2b11") from exc
