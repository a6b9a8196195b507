"""How a policy is evaluated: a seam with one implementation that starts OPA and one that asks an OPA server.

Both get the same documents and give back raw answers; `weightgate.engine.evaluate` checks those, the same for both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from weightgate.decision import EngineIdentity, PolicyIdentity


class RawAnswers(NamedTuple):
    """What OPA answered, unchecked."""

    answers: dict[tuple[str, int], Any]
    """(environment, number of the input) → `data.environments.<environment>.decision`, where that is defined."""
    fail_on: dict[str, frozenset[str]]
    """Environment → the severities that its settings refuse, read apart from the policy's own evaluation."""
    policy: PolicyIdentity
    engine: EngineIdentity


class PolicyEngine(ABC):
    """Something that evaluates the policy of environments over inputs, in one go."""

    def submit(self, environments: list[str], inputs: list[bytes]) -> None:  # noqa: B027
        """Begin what `evaluate` will be asked for, where an engine can work while the caller does other things."""

    @abstractmethod
    def evaluate(self, environments: list[str], inputs: list[bytes]) -> RawAnswers:
        """Evaluate every environment's decision over every input.

        An input is the JSON text of a findings document with its `context`. Built-in errors are strict. The answer's
        `fail_on` has every environment. Raises `PolicyCompileError` when OPA cannot compile or evaluate the policy,
        `PolicyError` for a broken tree, and `EngineError` when OPA cannot be found, started or reached, gives another
        answer than OPA's, or does not answer in time.
        """
