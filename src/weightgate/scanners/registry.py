"""Every scanner by its name; a scanner's module is imported only when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from weightgate import strict
from weightgate.errors import UsageError
from weightgate.scanners.interface import Inventory, Report, Scanner, ScanResult

DEFAULT = "modelaudit"
LOCAL = {
    "modelaudit": "ModelAudit",
    "modelscan": "ModelScan",
    "picklescan": "Picklescan",
    "fickling": "Fickling",
    "sarif": "Sarif",
}
"""Name → class, in the module of the same name."""


SERVICE = "prisma-airs"
"""The scan service: it looks at models that lie elsewhere."""
NAMES = (*LOCAL, SERVICE)


class ReportReader(Protocol):
    """What can read the stored reports of a scanner."""

    def normalize(self, report: Report, inventory: Inventory | None) -> ScanResult:
        """As `Scanner.normalize`."""


def scanner(name: str) -> Scanner:
    """Return the local scanner `name`; raises `UsageError` for an unknown name."""
    if name not in LOCAL:
        raise UsageError(f"unknown scanner {name!r}{strict.nearest(name, NAMES)}; expected one of {', '.join(NAMES)}")
    made: Scanner = getattr(import_module(f"weightgate.scanners.{name}"), LOCAL[name])()
    return made


def reader(name: str) -> ReportReader:
    """Return what reads the reports of the scanner `name`, local or a service, or raise `UsageError`."""
    if name != SERVICE:
        return scanner(name)
    from weightgate.scanners.prisma_airs import PrismaAirs

    return PrismaAirs()
