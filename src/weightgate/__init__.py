"""Policy-as-code gate for ML models.

from weightgate import scan, evaluate

scanned = scan("models/mine", ["modelaudit"])
decision, = evaluate([scanned.document], ["prod"])
print(decision.verdict)
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # NOTE: importing it from `typing` would cost start-up time.
if TYPE_CHECKING:
    from typing import Any

    from weightgate.decision import Decision, Violation
    from weightgate.errors import WeightgateError
    from weightgate.findings import Finding, FindingsDocument, Severity
    from weightgate.gate import evaluate
    from weightgate.scanners.interface import Limits, Report
    from weightgate.scanning import Scanned, normalize, scan
    from weightgate.verdict import exit_code

_HOMES = {
    "Decision": "decision",
    "Finding": "findings",
    "FindingsDocument": "findings",
    "Limits": "scanners.interface",
    "Report": "scanners.interface",
    "Scanned": "scanning",
    "Severity": "findings",
    "Violation": "decision",
    "WeightgateError": "errors",
    "evaluate": "gate",
    "exit_code": "verdict",
    "normalize": "scanning",
    "scan": "scanning",
}

__all__ = [
    "Decision",
    "Finding",
    "FindingsDocument",
    "Limits",
    "Report",
    "Scanned",
    "Severity",
    "Violation",
    "WeightgateError",
    "__version__",
    "evaluate",
    "exit_code",
    "normalize",
    "scan",
]


def __getattr__(name: str) -> Any:
    # NOTE: `weightgate --version` and `check` import this package; they must not pay for what they do not use.
    if name not in _HOMES:
        raise AttributeError(f"module 'weightgate' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"weightgate.{_HOMES[name]}"), name)
