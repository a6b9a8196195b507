"""Every scanner by its name; a scanner's module is imported only when it is used."""

from __future__ import annotations

from importlib import import_module

from weightgate import strict
from weightgate.errors import UsageError
from weightgate.scanners.interface import Scanner

DEFAULT = "modelaudit"
LOCAL = {
    "modelaudit": "ModelAudit",
    "modelscan": "ModelScan",
    "picklescan": "Picklescan",
    "fickling": "Fickling",
    "sarif": "Sarif",
}
"""Name → class, in the module of the same name."""


def scanner(name: str) -> Scanner:
    """Return the local scanner `name`; raises `UsageError` for an unknown name."""
    if name not in LOCAL:
        raise UsageError(f"unknown scanner {name!r}{strict.nearest(name, LOCAL)}; expected one of {', '.join(LOCAL)}")
    made: Scanner = getattr(import_module(f"weightgate.scanners.{name}"), LOCAL[name])()
    return made
