"""What the linter says: one problem at one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a policy tree. Sorts by place."""

    file: str
    """Below the tree's root, with forward slashes."""
    line: int
    """Counted from 1."""
    rule: str
    """The linter's rule, such as `unknown-word`."""
    message: str
    """What was found, the nearest right word where there is one, and what is expected."""
