"""What a scanner is to weightgate: a program of its own, run over a model, and a reader for the report it leaves.

`Scanner.run` gives a `Report`; `Scanner.normalize` turns a report, fresh or stored, into a `ScanResult`. Both fail
closed: what the report does not say was looked at, was not looked at.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from weightgate.findings import Finding, ModelFile, Scan, Unscanned


@dataclass(frozen=True, slots=True)
class Limits:
    """What one scanner process may use."""

    seconds: float = 1800.0
    memory_bytes: int = 8 * 1024**3
    """Address space of each process of the scanner."""
    output_bytes: int = 512 * 1024**2
    """Largest file it may write, and the most of its output that is kept."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What lies in a model directory, from weightgate's own walk (`weightgate.inventory.walk`)."""

    root: Path
    """The directory, absolute and resolved; for a model of one file, the directory that holds it."""
    files: tuple[ModelFile, ...]
    """Every regular file, sorted by path, each with its sha256."""
    unreadable: tuple[Unscanned, ...] = ()
    """What was not followed or not read: links, sockets, files without permission. No scanner result covers these."""
    single: str | None = None
    """The one file's path relative to `root`, where the model is a single file and not a directory."""

    @property
    def target(self) -> Path:
        """The path to give to a scanner: the directory, or the one file."""
        return self.root if self.single is None else self.root / self.single


@dataclass(frozen=True, slots=True)
class Report:
    """What a scanner left behind."""

    content: bytes
    """The raw report, as the scanner wrote it."""
    exit_code: int | None = None
    """`None` for a stored report: exit codes stand in no report."""
    stderr: str = ""
    version: str | None = None
    """The version of the program that was run; `None` when only the report can tell."""
    root: str | None = None
    """The absolute path that the scanner was given; absolute paths in the report are made relative to it."""
    started_at: str | None = None
    finished_at: str | None = None


@dataclass(frozen=True, slots=True)
class ScanResult:
    """One scanner's part of a findings document."""

    scan: Scan
    findings: tuple[Finding, ...]
    files: tuple[ModelFile, ...] = field(default=())
    """The files that the report names, for a stored report of a model that is not here: size 0, sha256 `None`,
    format `unknown`."""


Progress = Callable[[str], None]
"""Called with one short line of text now and then while a scan runs."""


class Scanner(ABC):
    """A scanner of model files that weightgate can run, and whose stored reports it can read."""

    name: str
    """As in `--scanner NAME` and in `Scan.scanner`."""

    @abstractmethod
    def run(self, inventory: Inventory, limits: Limits, progress: Progress) -> Report:
        """Run the scanner's own program over `inventory.target` and return its report.

        Raises `ScannerNotInstalled`, `ScanTimeout`, or `ScannerError` when no report was left.
        """

    @abstractmethod
    def normalize(self, report: Report, inventory: Inventory | None) -> ScanResult:
        """Return what `report` says, with every file of `inventory` that it does not vouch for as `unscanned`.

        Without an inventory (a stored report) the report's own list of files is all there is, in `ScanResult.files`.
        Raises `MalformedReport` when the report is not what this scanner writes.
        """
