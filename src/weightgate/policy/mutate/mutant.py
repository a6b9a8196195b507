"""One planted mistake: a piece of one file's text, replaced."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of one file of a tree."""

    path: str
    """Below the tree's root."""
    line: int
    what: str
    """What was done, in words."""
    before: str
    """The whole text of the file."""
    after: str

    @property
    def diff(self) -> str:
        """Return the change as a unified diff."""
        old, new = self.before.splitlines(keepends=True), self.after.splitlines(keepends=True)
        return "".join(difflib.unified_diff(old, new, self.path, self.path, n=1))

    @property
    def lines(self) -> str:
        """Return the lines taken out and put in, without their indentation, as an allow list holds them."""
        changed = [line for line in self.diff.splitlines()[2:] if line[:1] in ("-", "+")]
        return "\n".join(f"{line[0]} {line[1:].strip()}" for line in changed)

    @property
    def key(self) -> str:
        """Return a text that is the same for the same mistake on every machine, and in no order of the source."""
        return hashlib.sha256(f"{self.path}\0{self.line}\0{self.what}\0{self.lines}".encode()).hexdigest()


class Source:
    """A file's text, and places in it."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self._starts = [0]
        for line in text.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def offset(self, row: int, column: int) -> int:
        """Return the index of a place that is counted from 1, the column in characters."""
        return self._starts[row - 1] + column - 1

    def line_start(self, index: int) -> int:
        """Return the index of the first character of the line that holds a place."""
        return self.text.rfind("\n", 0, index) + 1

    def line_end(self, index: int) -> int:
        """Return the index behind the line that holds a place, and behind its line break."""
        return self.text.find("\n", index) + 1 or len(self.text)

    def replaced(self, start: int, end: int, text: str, what: str) -> Mutant:
        """Return the mutant that has `text` in place of the characters from `start` to `end`."""
        line = self.text.count("\n", 0, start) + 1
        return Mutant(self.path, line, what, self.text, self.text[:start] + text + self.text[end:])
