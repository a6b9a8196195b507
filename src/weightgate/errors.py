"""Every error weightgate raises on purpose, in one tree.

    WeightgateError
    ├── UsageError               exit 2: the caller asked for something that cannot be done
    │   └── InvalidDocument      a findings document (or another input file) is not what it must be
    ├── ScannerError             exit 3: no usable report
    │   ├── ScannerNotInstalled
    │   ├── AuthenticationError
    │   ├── ScanTimeout
    │   └── MalformedReport
    ├── PolicyError              exit 3: the policy tree is broken
    │   ├── PolicyCompileError
    │   ├── MalformedDecision
    │   └── CanaryPassed
    └── EngineError              exit 3: OPA could not be found, started or reached

A message says where, what was found, what is expected, and how to mend it. An error of a library never
leaves its seam: it is raised again as one of these, `from` the original.
"""

from __future__ import annotations


class WeightgateError(Exception):
    """Base of all errors that weightgate raises on purpose."""

    exit_code = 3
    """What the command line exits with when this error ends it."""


class UsageError(WeightgateError):
    """The request or an input file is wrong; nothing was decided."""

    exit_code = 2


class InvalidDocument(UsageError):
    """An input document breaks its schema; `pointer` is the RFC 6901 pointer to the place."""

    def __init__(self, where: str, pointer: str, problem: str) -> None:
        self.where = where
        self.pointer = pointer
        self.problem = problem
        super().__init__(f"{where}: at {pointer or 'the top level'}: {problem}")


class ScannerError(WeightgateError):
    """The scan never ran, or its report cannot be used."""


class ScannerNotInstalled(ScannerError):
    """The scanner's program is not on this machine; the message names the command that installs it."""


class AuthenticationError(ScannerError):
    """A scan service refused the credentials or the permissions."""


class ScanTimeout(ScannerError):
    """The scan did not end within its time limit."""


class MalformedReport(ScannerError):
    """A report is not what its scanner writes."""


class PolicyError(WeightgateError):
    """The policy tree cannot be used."""


class PolicyCompileError(PolicyError):
    """OPA could not compile or evaluate the policy tree."""


class MalformedDecision(PolicyError):
    """The answer of the policy is not a decision about the input that was sent."""


class CanaryPassed(PolicyError):
    """The policy let a known-bad document pass, so it proves nothing."""


class EngineError(WeightgateError):
    """OPA could not be found, started or reached."""
