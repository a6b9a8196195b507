"""Scan with the vendor's SDK, `model-security-client`, in a process of its own.

It alone can scan local models and those in object stores. The credentials reach that process by its environment and
nothing else does; a scan that it left unfinished is looked for by its label.
"""

from __future__ import annotations

import base64
import importlib.machinery
import json
import os
import re
import sys
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from weightgate import strict
from weightgate.errors import InvalidDocument, ScannerError, ScannerNotInstalled, ScanTimeout
from weightgate.findings import Source
from weightgate.scanners.hub import PASSED
from weightgate.scanners.interface import Limits, Progress, Report
from weightgate.scanners.prisma_airs import document, models
from weightgate.scanners.prisma_airs.create import LABEL
from weightgate.scanners.prisma_airs.document import Listing, Results
from weightgate.scanners.prisma_airs.models import Raw, ScanRecord
from weightgate.scanners.prisma_airs.scan import (
    BrokenScan,
    InterruptedScan,
    Unfinished,
    UnfinishedScan,
    check_times,
    reference_labels,
)
from weightgate.scanners.prisma_airs.settings import Settings, from_environment
from weightgate.scanners.process import Completed, Workspace

if TYPE_CHECKING:
    from weightgate.scanning import Remote
    from weightgate.subject import Subject

PACKAGE = "model_security_client"
PYTHON_VARIABLE = "WEIGHTGATE_PRISMA_SDK_PYTHON"
"""Environment name of an interpreter in which the SDK is installed."""
PLACEHOLDER = (
    "this is not the vendor's SDK: the package named model-security-client on the public index is a placeholder of a "
    "third party. Nothing of it was run. Uninstall it, and run `weightgate prisma install-sdk`, which takes the SDK "
    "from the vendor's private index"
)
RESULTS_SECONDS = 300.0
"""How much longer than the scan itself the SDK's process may take, to read the results."""
_DRIVER = Path(__file__).with_name("sdk_driver.py")
_STORES = {
    Source.S3: ("AWS_",),
    Source.GCS: ("GOOGLE_", "CLOUDSDK_"),
    Source.AZURE: ("AZURE_",),
    Source.ARTIFACTORY: ("JFROG_", "ARTIFACTORY_"),
    Source.GITLAB: ("GITLAB_", "CI_JOB_TOKEN", "CI_SERVER_URL"),
}
"""Source → what the names of its store's credentials start with: only these are handed on, and only for that source."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter in which the SDK can be imported."""

    python: Path
    search: str | None
    """The directory to look for the SDK in first; `None` where the interpreter knows it by itself."""


def find() -> Interpreter:
    """Return the interpreter that has the SDK: the named one, the installed one, or weightgate's own.

    Nothing is imported. Raises `ScannerNotInstalled`, naming the command that installs it.
    """
    named = os.environ.get(PYTHON_VARIABLE)
    if named:
        path = Path(named).absolute()
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise ScannerNotInstalled(
                f"{PYTHON_VARIABLE}={named}: not an executable file; expected a Python interpreter"
            )
        return Interpreter(path, None)
    from weightgate.scanners.prisma_airs import index

    installed = index.installed()
    if installed is not None:
        return Interpreter(installed, None)
    # NOTE: never from the working directory, which can be the model's own.
    places = [place for place in sys.path if place and Path(place).resolve() != Path.cwd()]
    spec = importlib.machinery.PathFinder.find_spec(PACKAGE, places)
    if spec is None or not spec.submodule_search_locations:
        raise ScannerNotInstalled(
            "the vendor's SDK (model-security-client) is not installed, and local and object-store models cannot be "
            "scanned without it; run: weightgate prisma install-sdk"
        )
    return Interpreter(Path(sys.executable), str(Path(next(iter(spec.submodule_search_locations))).parent))


def scan(subject: Subject, group: str, *, limits: Limits, remote: Remote, progress: Progress) -> Report:
    """Scan `subject` with the rules of security group `group` (a uuid, lower case) and return the raw report.

    Raises `ScannerNotInstalled` without the SDK, `ScannerError` for a package that is not the vendor's,
    `AuthenticationError` without credentials, and `scan.Unfinished` when the scan did not end.
    """
    check_times(remote.poll_interval, limits.seconds)
    settings = from_environment()
    interpreter = find()
    run = _Run(settings, subject, group)
    progress("scanning with the vendor's SDK")
    try:
        answer = run.answer(interpreter, limits, remote, progress)
        return run.report_of(answer, limits.seconds)
    except KeyboardInterrupt:
        run.unfinished(InterruptedScan, "interrupted")
    except ScanTimeout:
        run.unfinished(UnfinishedScan, f"it did not end within {limits.seconds:g} seconds")


class _Run:
    """One scan by the SDK."""

    def __init__(self, settings: Settings, subject: Subject, group: str) -> None:
        self._settings = settings
        self._subject = subject
        self._group = group
        self._label = uuid.uuid4().hex
        self._record: ScanRecord | None = None
        reference = subject.reference
        self._uri = reference.uri if reference else subject.model().uri
        self._revision = reference.revision if reference else None

    def answer(self, interpreter: Interpreter, limits: Limits, remote: Remote, progress: Progress) -> Raw:
        """Return what the driver wrote, without secrets; raises `ScannerError` and `ScanTimeout`."""
        bounds = replace(
            limits,
            seconds=limits.seconds + RESULTS_SECONDS,
            output_bytes=max(limits.output_bytes, remote.max_download),
        )
        with Workspace() as workspace:
            place = workspace.path / "answer.json"
            request = {
                "base_url": self._settings.api,
                "download_dir": str(workspace.path / "download"),
                "scan": self._words(limits, remote),
            }
            (workspace.path / "request.json").write_text(json.dumps(request), "utf-8")
            try:
                done = workspace.run(
                    [interpreter.python, _DRIVER, "request.json", "answer.json"],
                    limits=bounds,
                    progress=progress,
                    environ=self._environ(interpreter),
                )
            except BaseException:
                self._keep(place)
                raise
            return self._read(place, done)

    def _words(self, limits: Limits, remote: Remote) -> Raw:
        reference, found = self._subject.reference, self._subject.inventory
        words: Raw = {
            "security_group_uuid": self._group,
            "labels": {LABEL: self._label} | (reference_labels(reference) if reference else {}),
            "poll_interval_secs": max(1, round(remote.poll_interval)),
            "poll_timeout_secs": max(1, round(limits.seconds)),
        }
        if reference is not None:
            words["model_uri"] = reference.uri
            if reference.revision is not None:
                words["model_version"] = reference.revision
        elif found is not None:
            words["model_path"] = str(found.target)
        return words

    def _environ(self, interpreter: Interpreter) -> dict[str, str]:
        source = self._subject.model().source
        prefixes = _STORES.get(source, ())
        values = {name: os.environ[name] for name in PASSED if os.environ.get(name)}
        values |= {name: value for name, value in os.environ.items() if prefixes and name.startswith(prefixes)}
        settings = self._settings
        values |= {
            "MODEL_SECURITY_CLIENT_ID": settings.client_id,
            "MODEL_SECURITY_CLIENT_SECRET": settings.client_secret.reveal(),
            "TSG_ID": settings.tsg_id,
            "MODEL_SECURITY_API_ENDPOINT": settings.api,
            "MODEL_SECURITY_TOKEN_ENDPOINT": settings.token_url,
        }
        if interpreter.search is not None:
            values["PYTHONPATH"] = interpreter.search
        return values

    def _keep(self, place: Path) -> None:
        """Take the scan's record from an answer that the driver began, for the message about an unfinished scan."""
        try:
            self._record = models.scan_record(json.loads(self._scrub(place.read_bytes()))["scan"])
        except (OSError, ValueError, KeyError, TypeError):
            self._record = None

    def _read(self, place: Path, done: Completed) -> Raw:
        if done.exit_code != 0 or not place.is_file():
            said = self._scrub(done.stderr.encode()).decode().strip().splitlines() or ["it said nothing"]
            self.unfinished(BrokenScan, f"the SDK ended with exit code {done.exit_code}: {said[-1][:500]}")
        try:
            value = strict.loads(self._scrub(place.read_bytes()), "the SDK's answer")
        except InvalidDocument as exc:
            self.unfinished(BrokenScan, str(exc))
        if not isinstance(value, dict):
            self.unfinished(BrokenScan, "the SDK's answer is not an object")
        return value

    def _scrub(self, raw: bytes) -> bytes:
        settings = self._settings
        secret = settings.client_secret.reveal()
        pair = base64.b64encode(f"{settings.client_id}:{secret}".encode()).decode()
        for text in (secret, pair):
            raw = raw.replace(text.encode(), b"***")
        # NOTE: the SDK gets tokens of its own, which nobody here has seen.
        return re.sub(rb"(?i)(bearer\s+|\beyJ)[A-Za-z0-9_.~+/=-]{8,}", b"***", raw)

    def report_of(self, answer: Raw, seconds: float) -> Report:
        """Return the report of a scan that ended; raises `Unfinished` or `ScannerError` for every other answer."""
        error = answer.get("error")
        if error is not None:
            self._refuse(str(error.get("kind")), str(error.get("message")))
        try:
            self._record = record = models.scan_record(answer.get("scan"))
        except ValueError as exc:
            self.unfinished(BrokenScan, f"the SDK gave no usable scan record: {exc}")
        if record.outcome == models.PENDING or answer.get("results") is None:
            self.unfinished(UnfinishedScan, f"it did not end within {seconds:g} seconds")
        if record.data_pending:
            self.unfinished(UnfinishedScan, "the service had not fetched the model yet; try again in some minutes")
        lists = {name: _listing(value) for name, value in answer["results"].items()}
        results = Results(lists["evaluations"], lists["violations"], lists["files"], None)
        return self._report(results, None)

    def _refuse(self, kind: str, message: str) -> NoReturn:
        if kind == "placeholder":
            raise ScannerError(f"{message}: {PLACEHOLDER}")
        if kind in ("missing", "broken"):
            raise ScannerNotInstalled(f"the vendor's SDK cannot be used: {message}; run: weightgate prisma install-sdk")
        self.unfinished(BrokenScan, f"the SDK failed: {message}")

    def unfinished(self, kind: type[Unfinished], why: str) -> NoReturn:
        """Raise `kind`, with the scan's id and state where they can be found out."""
        if self._record is None:
            self._record = self._look_up()
        record = self._record
        if record is None:
            hint = f"a scan may have been created; look for the label {LABEL}:{self._label}"
        elif self._subject.reference is None:
            hint = f"scan {record.uuid} is {record.state}; the scan of a local model cannot be resumed, scan it again"
        else:
            hint = (
                f"scan {record.uuid} is {record.state}; pick it up again with: weightgate scan --scanner prisma-airs "
                f"--security-group-id {self._group} --resume {record.uuid} {self._subject.given}"
            )
        state = record.state if record else "UNKNOWN"
        told = f"{why}; {hint}"
        raise kind(told, self._report(None, told), record.uuid if record else None, state) from None

    def _look_up(self) -> ScanRecord | None:
        """Return the scan with this run's label; `None` when none is found in a short time."""
        from weightgate.scanners.prisma_airs.client import Client
        from weightgate.scanners.prisma_airs.http import Patience, Wire

        try:
            with Wire(patience=Patience(connect=5, read=10, total=15, attempts=1)) as wire:
                for record in Client(self._settings, wire).scans_with_label(LABEL, self._label):
                    if (record.labels or {}).get(LABEL) == self._label:
                        return record
        except ScannerError:
            pass
        return None

    def _report(self, results: Results | None, problem: str | None) -> Report:
        request = {
            "model_uri": self._uri,
            "revision": self._revision,
            "security_group_uuid": self._group,
            "label": self._label,
        }
        record, found = self._record, self._subject.inventory
        return Report(
            content=document.write(request, None if record is None else record.raw, results, problem),
            version=record.version if record else None,
            root=str(found.root) if found is not None and self._subject.reference is None else None,
            started_at=record.started_at if record else None,
            finished_at=record.updated_at if record and results else None,
        )


def _listing(value: Any) -> Listing:
    rows, stated = value["rows"], value["stated"]
    if not all(isinstance(row, dict) for row in rows):
        return Listing([], None, "the SDK gave rows that are no objects")
    return Listing(rows, stated if type(stated) is int and stated >= 0 else None, value["problem"])
