"""What to do about a refusal: the scanners' own advice, and the commands that help further."""

from __future__ import annotations

import shlex

from weightgate.formats.interface import Report
from weightgate.formats.rows import Row, State
from weightgate.links import REFUSED

_MOST = 5


def advice(refused: list[Row]) -> list[str]:
    """Return the scanners' advice on the refused findings, each piece once with its first file, at most five."""
    told: dict[str, str] = {}
    for row in refused:
        if row.finding is not None and row.finding.remediation:
            told.setdefault(" ".join(row.finding.remediation.split()), row.path or "the model")
    return [f"{path}: {text}" for text, path in list(told.items())[:_MOST]]


def commands(report: Report, refused: list[Row]) -> list[tuple[str, str]]:
    """Return what can be found out or done next about one model, each with its command.

    The environment is the last of those that refuse; a command names the stored findings document where there is one.
    """
    refusing = [
        name
        for number, name in enumerate(report.environments)
        if any(row.states[number] is State.REFUSED for row in refused)
    ]
    if not refusing:
        return []
    document = shlex.quote(report.stored[0]) if report.stored and report.stored[0] != "-" else "FINDINGS"
    environment = shlex.quote(refusing[-1])
    keep = "" if report.stored else " (--out DIR keeps FINDINGS)"
    found = [
        (f"find out why, and what would have to change{keep}", f"weightgate explain {document} --env {environment}")
    ]
    if any(row.finding is not None for row in refused):
        found.append(
            ("have a false positive excused, until a date", f"weightgate exceptions add --env {environment} --help")
        )
    return [*found, ("read what to do about a refusal, in weightgate's repository", REFUSED)]
