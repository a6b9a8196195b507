"""What every format is: a way to write one report about decisions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from weightgate.decision import Decision
from weightgate.findings import FindingsDocument

if TYPE_CHECKING:
    from weightgate.policy.rules import Rule


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a format may tell: decisions, what they are about, and the policy's words on its rules."""

    decisions: tuple[Decision, ...]
    """For each of `documents` in their order, the same environments in the same order."""
    documents: tuple[FindingsDocument, ...]
    rules: Callable[[], Mapping[str, Rule]]
    """The annotated rules of the policy tree by id; asked only by who needs them, since it starts a process."""
    tree: str
    """The policy tree's label: its directory, and why this one is used."""
    stored: tuple[str, ...] = ()
    """The file of each document, where they are kept, for the commands that a report recommends."""

    def __post_init__(self) -> None:
        """Raise `ValueError` when decisions and documents do not belong together."""
        each = len(self.decisions) // (len(self.documents) or 1)
        if not self.documents or not each or each * len(self.documents) != len(self.decisions):
            raise ValueError(f"{len(self.decisions)} decisions about {len(self.documents)} documents")
        environments = [decision.environment for decision in self.decisions[:each]]
        for document, decisions in self.models():
            if any(decision.model.uri != document.model.uri for decision in decisions):
                raise ValueError(f"a decision about another model than {document.model.uri!r}")
            if [decision.environment for decision in decisions] != environments:
                raise ValueError(f"{document.model.uri!r} is decided for other environments than the first model")

    @property
    def environments(self) -> tuple[str, ...]:
        """The environments of every model's decisions, in their order."""
        each = len(self.decisions) // len(self.documents)
        return tuple(decision.environment for decision in self.decisions[:each])

    @property
    def verdict(self) -> str:
        """The verdict on the whole: `deny` before `indeterminate` before `allow`."""
        found = {decision.verdict if not decision.allow else "allow" for decision in self.decisions}
        return next(word for word in ("deny", "indeterminate", "allow") if word in found)

    def models(self) -> list[tuple[FindingsDocument, tuple[Decision, ...]]]:
        """Return each document with its decisions."""
        each = len(self.decisions) // len(self.documents)
        return [
            (document, self.decisions[number * each : (number + 1) * each])
            for number, document in enumerate(self.documents)
        ]

    def of_model(self, number: int) -> Report:
        """Return the report about one model alone, counted from 0."""
        document, decisions = self.models()[number]
        return Report(decisions, (document,), self.rules, self.tree, self.stored[number : number + 1])


class Format(ABC):
    """One way to write a report. The same report gives the same text."""

    name: ClassVar[str]
    """The word for `--format`."""
    file_name: ClassVar[str]
    """The file's name in the directory of `--out`."""

    @abstractmethod
    def render(self, report: Report) -> str:
        """Return the whole text, with a newline at its end.

        Raises `EngineError` or `PolicyCompileError` when the format needs the rules' annotations and they cannot be
        read.
        """

    def publish(self, report: Report, decision: Path | None) -> None:  # noqa: B027
        """Tell the system that runs weightgate, where the format has such a duty; `decision` is the stored
        `decision.json`.

        Raises `UsageError` when that system's files cannot be written to.
        """
