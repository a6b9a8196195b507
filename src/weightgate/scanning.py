"""Scan a model with one or several scanners into one findings document, or read a stored report into one."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from weightgate import __version__, inventory
from weightgate.clock import now
from weightgate.errors import ScannerError, UsageError
from weightgate.findings import (
    FindingsDocument,
    Generator,
    Model,
    Scan,
    ScanErrorRecord,
    Source,
    Status,
    Unscanned,
)
from weightgate.scanners import registry
from weightgate.scanners.interface import Inventory, Limits, Progress, Report, Scanner, ScanResult
from weightgate.subject import Subject, local_model, opened

if TYPE_CHECKING:
    from weightgate.scanners.prisma_airs.scan import Unfinished


@dataclass(frozen=True, slots=True)
class Remote:
    """How a scan service is asked, and how much of a remote model is fetched for local scanners."""

    groups: tuple[str, ...] = ()
    """Security groups of Prisma AIRS (uuids), each once: the model is scanned once with each."""
    poll_interval: float = 5.0
    """Seconds between two looks at a scan in the service."""
    resume: str | None = None
    """Id of a scan in the service that an earlier run left behind; it is waited for instead of creating one."""
    client: str | None = None
    """`rest` or `sdk`; `None` takes REST for models on Hugging Face and the vendor's SDK for all others."""
    max_download: int = 20 * 1024**3
    """Largest model that is fetched, in bytes."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one scanner came to."""

    scanner: str
    report: Report | None
    """`None` when it left none."""
    result: ScanResult
    """A `failed` scan when there was an error."""
    error: ScannerError | Unfinished | None
    """An `Unfinished` names a scan in the service that can be resumed."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """A findings document and what it was made from."""

    document: FindingsDocument
    attempts: tuple[Attempt, ...]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C came while a scan service was at work; `scanned` holds what there was until then."""

    def __init__(self, scanned: tuple[Scanned, ...]) -> None:
        super().__init__("interrupted")
        self.scanned = scanned


def scan(
    model: str,
    scanners: Sequence[str],
    limits: Limits | None = None,
    progress: Progress | None = None,
    remote: Remote | None = None,
) -> Scanned:
    """Scan `model`, a local directory or file or the address of a remote one, with all `scanners`, side by side.

    A scanner that fails is a `failed` scan in the document, and the others' findings are not lost. A model on Hugging
    Face is downloaded when a local scanner is to look at it. Raises `UsageError` for an unknown scanner, one that is
    named twice, a path or an address that is no model, and `prisma-airs` without exactly one security group;
    `ScannerError` when the model is beyond a limit or cannot be fetched; `Interrupted` on Ctrl-C.
    """
    if remote is not None and len(remote.groups) > 1:
        raise UsageError("one findings document holds the scan with one security group; use `scan_each` for several")
    return scan_each(model, scanners, limits, progress, remote)[0]


def scan_each(
    model: str,
    scanners: Sequence[str],
    limits: Limits | None = None,
    progress: Progress | None = None,
    remote: Remote | None = None,
) -> tuple[Scanned, ...]:
    """Scan as `scan` does, once with each security group of `remote`; the local scanners run once for all of them."""
    limits, remote, tell = limits or Limits(), remote or Remote(), progress or (lambda line: None)
    if len(set(scanners)) != len(scanners) or not scanners:
        raise UsageError(f"name each scanner once; found {', '.join(scanners) or 'none'}")
    local = {name: registry.scanner(name) for name in scanners if name != registry.SERVICE}
    service = registry.SERVICE in scanners
    if service and (not remote.groups or len(set(remote.groups)) != len(remote.groups)):
        raise UsageError("prisma-airs needs a security group, each named once: pass --security-group-id UUID")
    groups = remote.groups if service else (None,)
    if remote.resume is not None and len(groups) != 1:
        raise UsageError("--resume is for one scan; name one environment, or --security-group-id")
    with opened(
        model, files=bool(local), max_download=remote.max_download, seconds=limits.seconds, progress=tell
    ) as subject:
        tasks: dict[_Key, _Task] = {
            (name, None): partial(_local, each, subject, limits) for name, each in local.items()
        }
        for group in groups if service else ():
            tasks[registry.SERVICE, group] = partial(_service, subject, str(group), limits, remote)
        attempts, interrupted = _side_by_side(tasks, tell)
        scanned = tuple(_scanned(subject, scanners, group, attempts) for group in groups)
    if interrupted:
        raise Interrupted(scanned)
    return scanned


_Key = tuple[str, str | None]
_Task = Callable[[Progress, threading.Event], Attempt]


def _scanned(subject: Subject, scanners: Sequence[str], group: str | None, attempts: Mapping[_Key, Attempt]) -> Scanned:
    mine = tuple(attempts[name, group if name == registry.SERVICE else None] for name in scanners)
    files = next((attempt.result.files for attempt in mine if attempt.scanner == registry.SERVICE), ())
    return Scanned(document(subject.model(files), [attempt.result for attempt in mine]), mine)


def _side_by_side(tasks: Mapping[_Key, _Task], tell: Progress) -> tuple[dict[_Key, Attempt], bool]:
    """Run every task at once; on Ctrl-C end them all. Return what they came to, and whether Ctrl-C came.

    Ctrl-C is passed on when no scan service is involved: there is nothing to be picked up again then.
    """
    stop = threading.Event()
    if len(tasks) == 1:
        ((key, task),) = tasks.items()
        attempt = task(tell, stop)
        return {key: attempt}, isinstance(attempt.error, KeyboardInterrupt)

    def heard(line: str) -> None:
        # NOTE: what this raises ends the scanner's process; a thread cannot be interrupted in another way.
        if stop.is_set():
            raise ScannerError("interrupted")
        tell(line)

    with ThreadPoolExecutor(len(tasks)) as pool:
        futures = {key: pool.submit(task, heard, stop) for key, task in tasks.items()}
        try:
            return {key: future.result() for key, future in futures.items()}, False
        except KeyboardInterrupt:
            stop.set()
            if not any(name == registry.SERVICE for name, _ in futures):
                raise
            return {key: _left_by(key, future) for key, future in futures.items()}, True
        except BaseException:
            stop.set()
            raise


def _left_by(key: _Key, future: Future[Attempt]) -> Attempt:
    try:
        return future.result()
    except Exception as exc:
        error = exc if isinstance(exc, ScannerError) else ScannerError(f"interrupted: {exc}")
        return Attempt(key[0], None, failed(key[0], None, None, error), error)


def _local(adapter: Scanner, subject: Subject, limits: Limits, tell: Progress, stop: threading.Event) -> Attempt:
    found = subject.inventory
    if found is None:
        raise UsageError(f"{subject.given}: {adapter.name} needs the model's files")
    report = None
    try:
        report = adapter.run(found, limits, tell)
        return Attempt(adapter.name, report, adapter.normalize(report, found), None)
    except ScannerError as exc:
        return Attempt(adapter.name, report, failed(adapter.name, report, found, exc), exc)


def _service(
    subject: Subject, group: str, limits: Limits, remote: Remote, tell: Progress, stop: threading.Event
) -> Attempt:
    """Scan with Prisma AIRS. A scan that did not end is told by its report, with its id and state."""
    from weightgate.scanners.prisma_airs import run
    from weightgate.scanners.prisma_airs.scan import Unfinished

    name, found = registry.SERVICE, subject.inventory
    report, error = None, None
    try:
        report = run.scan(subject, group, limits=limits, remote=remote, progress=tell, stop=stop)
    except Unfinished as exc:
        # NOTE: some of these are a KeyboardInterrupt, which `_side_by_side` passes on with what was found so far.
        report, error = exc.report, exc
    except ScannerError as exc:
        return Attempt(name, None, failed(name, None, found, exc), exc)
    try:
        return Attempt(name, report, registry.reader(name).normalize(report, found), error)
    except ScannerError as exc:
        return Attempt(name, report, failed(name, report, found, exc), error or exc)


def failed(scanner: str, report: Report | None, found: Inventory | None, error: ScannerError) -> ScanResult:
    """Return the `failed` scan that stands in the document for a scanner that gave no result."""
    files = () if found is None else found.files
    unread = () if found is None else found.unreadable
    lost = [Unscanned(file.path, f"the scan by {scanner} failed") for file in files]
    return ScanResult(
        Scan(
            scanner=scanner,
            version=None if report is None else report.version,
            status=Status.FAILED,
            outcome=None,
            started_at=None if report is None else report.started_at,
            finished_at=None if report is None else report.finished_at,
            files_scanned=None,
            unscanned=tuple(sorted([*lost, *unread], key=lambda item: item.path)),
            errors=(ScanErrorRecord(type(error).__name__, str(error), None),),
            reference=None,
            report_sha256=hashlib.sha256(b"" if report is None else report.content).hexdigest(),
        ),
        findings=(),
    )


def document(model: Model, results: Sequence[ScanResult], generated_at: str | None = None) -> FindingsDocument:
    """Return the findings document that `results` make: scans in the order given, findings sorted."""
    together = [finding for result in results for finding in result.findings]
    return FindingsDocument(
        generated_at=generated_at or now(),
        generator=Generator("weightgate", __version__),
        model=model,
        scans=tuple(result.scan for result in results),
        findings=tuple(sorted(together, key=lambda f: (f.path or "", f.scanner, f.rule, f.location or "", f.id))),
    )


def normalize(
    scanner: str,
    report: Report,
    *,
    model: str | None = None,
    directory: str | None = None,
    generated_at: str | None = None,
) -> FindingsDocument:
    """Return the findings document of a stored raw report.

    `directory` is the model's directory, if it is here: its files are then hashed, and what the report does not
    vouch for is
    `unscanned`. Otherwise the files are those that the report names, without digest. `model` is the document's `uri`.
    Raises `UsageError` for an unknown scanner or a path that is no model, `MalformedReport` for a report that is
    not the scanner's.
    """
    adapter = registry.reader(scanner)
    found = None if directory is None else inventory.walk(Path(directory))
    result = adapter.normalize(report, found)
    if found is not None and directory is not None:
        of_directory = local_model(directory, found)
        described = Model(
            model or of_directory.uri, Source.LOCAL, of_directory.name, None, of_directory.digest, found.files
        )
    else:
        described = _stored_model(scanner, report, model, result)
    return document(described, [result], generated_at)


def _stored_model(scanner: str, report: Report, given: str | None, result: ScanResult) -> Model:
    """Return the model of a report whose files are not here: a remote one where the report, or `given`, says so."""
    if scanner == registry.SERVICE:
        from weightgate.scanners.prisma_airs.subject import remote_model

        remote = remote_model(report, given, result.files)
        if remote is not None:
            return remote
    return Model(given or "unidentified", Source.LOCAL, None, None, None, result.files)
