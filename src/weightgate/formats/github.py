"""Decisions for GitHub Actions: the text for the log, annotations, the job summary and the step's outputs."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from weightgate.errors import UsageError
from weightgate.formats import break_glass
from weightgate.formats.escape import command_data, command_property, shortened
from weightgate.formats.interface import Format, Report
from weightgate.formats.markdown import MarkdownFormat
from weightgate.formats.places import path_of
from weightgate.formats.rows import Row, State, rows
from weightgate.formats.text import TextFormat

MOST = 10
"""Annotations of each kind that GitHub shows for a step."""
_COMMANDS = {State.REFUSED: "error", State.WARNED: "warning", State.EXCUSED: "notice"}


class GithubFormat(Format):
    """The log of a GitHub Actions step, with its annotations."""

    name = "github"
    file_name = "report.github.txt"

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """Use the variables `environ` (default: the process's own) to find GitHub's files."""
        self._environ = os.environ if environ is None else environ

    def render(self, report: Report) -> str:
        """Return the text format, then one workflow command an annotation: at most `MOST` of a kind, the worst
        first."""
        left = dict.fromkeys(_COMMANDS, MOST)
        lines = [
            f"::warning title=BREAK-GLASS::{command_data(shortened(text, 1000))}"
            for text in break_glass.told(report.decisions)[:MOST]
        ]
        left[State.WARNED] -= len(lines)
        for document, decisions in report.models():
            for row in rows(decisions, document):
                for state in (State.REFUSED, State.EXCUSED, State.WARNED):
                    if state in row.states and left[state]:
                        left[state] -= 1
                        lines.append(_annotation(report, row, state, path_of(document.model, row.path)))
                        break
        return TextFormat().render(report) + "".join(f"{line}\n" for line in lines)

    def publish(self, report: Report, decision: Path | None) -> None:
        """Append the summary to `GITHUB_STEP_SUMMARY` and the outputs to `GITHUB_OUTPUT`, where these are set.

        The outputs are `verdict` and, for each environment, `verdict-<environment>`; `break-glass`, which is
        `true`, when a grant was used; with a stored decision also `decision` and `decision-<environment>`, its path.
        """
        summary, outputs = self._environ.get("GITHUB_STEP_SUMMARY"), self._environ.get("GITHUB_OUTPUT")
        if summary:
            _append(summary, MarkdownFormat().render(report))
        if outputs:
            _append(outputs, "".join(_output(name, value) for name, value in _outputs(report, decision).items()))


def _annotation(report: Report, row: Row, state: State, file: str) -> str:
    places = [name for name, found in zip(report.environments, row.states, strict=True) if found is state]
    label = f"{row.severity}, " if row.severity else ""
    title = f"{label}{state.name.lower()} in {', '.join(places)}"
    text = ". ".join([row.title, *row.notes, *row.remarks])
    applied = dict.fromkeys(f"excused by {item.id} until {item.expires}" for items in row.applied for item in items)
    text = "; ".join([shortened(text, 1000), *applied, row.id])
    properties = {"file": file, "title": title} if row.path is not None else {"title": title}
    told = ",".join(f"{key}={command_property(shortened(value, 500))}" for key, value in properties.items())
    return f"::{_COMMANDS[state]} {told}::{command_data(text)}"


def _outputs(report: Report, decision: Path | None) -> dict[str, str]:
    values = {"verdict": report.verdict}
    if break_glass.told(report.decisions):
        values["break-glass"] = "true"
    for number, environment in enumerate(report.environments):
        of_environment = [decisions[number] for _, decisions in report.models()]
        words = {item.verdict if not item.allow else "allow" for item in of_environment}
        values[f"verdict-{environment}"] = next(word for word in ("deny", "indeterminate", "allow") if word in words)
    if decision is not None:
        for name in ("decision", *(f"decision-{environment}" for environment in report.environments)):
            values[name] = str(decision)
    return values


def _output(name: str, value: str) -> str:
    """Return one output in the form for any text; nobody who does not know the delimiter can end it."""
    delimiter = f"weightgate-{secrets.token_hex(16)}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def _append(path: str, text: str) -> None:
    try:
        with open(path, "a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as exc:
        raise UsageError(f"{path}: cannot be written to: {exc.strerror}; expected a file of GitHub's runner") from exc
