"""The small pieces that the page repeats: verdicts, severities, states, times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from weightgate.formats.html.markup import Markup, element, outside
from weightgate.formats.rows import State


@dataclass(frozen=True, slots=True)
class Word:
    """How a verdict is shown."""

    sign: str
    text: str


VERDICTS = {
    "allow": Word("✓", "Allow"),
    "deny": Word("✕", "Deny"),
    "indeterminate": Word("?", "Indeterminate"),
}
STATES = {
    State.REFUSED: "refused",
    State.EXCUSED: "excused",
    State.WARNED: "warned",
    State.TOLERATED: "tolerated",
}
"""The states that a row is shown with."""


def badge(verdict: str, large: bool = False) -> Markup:
    """Return the verdict as a coloured word with a sign, so that colour alone tells nothing."""
    word = VERDICTS[verdict]
    size = " large" if large else ""
    return element(
        "span", element("span", word.sign, aria_hidden="true"), f" {word.text}", class_=f"badge {verdict}{size}"
    )


def severity_mark(severity: str | None) -> Markup:
    """Return the severity as a coloured word; a rule's own word has none."""
    if severity is None:
        return element("span", "RULE", class_="severity rule")
    return element("span", severity, class_=f"severity {severity.lower()}")


def state_mark(environment: str, state: State) -> Markup:
    """Return what an environment made of a row."""
    return element("span", f"{environment}: {STATES[state]}", class_=f"state {STATES[state]}")


def time_of(stamp: str) -> Markup:
    """Return a time of weightgate's own documents for people."""
    moment = _moment(stamp)
    shown = stamp if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    return element("span", shown, class_="time")


def days_left(expires: str, evaluated_at: str) -> Markup:
    """Return how long after the decision an exception lasts, in whole days."""
    end, begin = _moment(expires), _moment(evaluated_at)
    if end is None or begin is None:
        return outside("not known")
    left = (end - begin).total_seconds() / 86400
    if left <= 0:
        return element("span", "expired", class_="soon")
    if left < 1:
        return element("span", "less than a day", class_="soon")
    count = int(left)
    text = f"{count} day{'' if count == 1 else 's'}"
    return element("span", text, class_="soon") if count <= 14 else element("span", text)


def counted(number: int, noun: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _moment(text: str) -> datetime | None:
    """Return the time, or the first second of the day, that `text` names; `None` for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
