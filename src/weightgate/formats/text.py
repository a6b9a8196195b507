"""Decisions for people, on a terminal or in a CI log: may it pass, if not why, and what to do now."""

from __future__ import annotations

import os
import shutil
import textwrap
from dataclasses import dataclass
from typing import TextIO

from weightgate.decision import Decision
from weightgate.findings import FindingsDocument, Scan
from weightgate.formats import break_glass
from weightgate.formats.escape import logged, printable, shortened
from weightgate.formats.hints import advice, commands
from weightgate.formats.interface import Format, Report
from weightgate.formats.rows import Row, State, by_file, rows, where
from weightgate.policy.settings import SEVERITIES

MOST_SHOWN = 8
"""Reasons shown for each model, and as many warnings, unless the output is verbose."""

_COLOURS = {"allow": "32", "deny": "31;1", "indeterminate": "33;1", "CRITICAL": "31;1", "HIGH": "31", "MEDIUM": "33"}
_ANSWERS = {"allow": "may pass", "deny": "may not pass", "indeterminate": "may not pass: evidence is missing"}


@dataclass(frozen=True, slots=True)
class Style:
    """How wide and with what colours."""

    width: int = 100
    colour: bool = False

    @classmethod
    def of(cls, stream: TextIO) -> Style:
        """Return the style for `stream`: colour only on a terminal and without `NO_COLOR`; 100 columns in a pipe."""
        terminal = stream.isatty()
        colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        width = min(shutil.get_terminal_size((100, 24)).columns, 120) if terminal else 100
        return cls(max(width, 60), colour)

    def paint(self, text: str, word: str) -> str:
        """Return `text` in the colour that belongs to `word`."""
        code = _COLOURS.get(word, "")
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text

    def strong(self, text: str) -> str:
        """Return `text` in bold."""
        return f"\x1b[1m{text}\x1b[0m" if self.colour else text

    def faint(self, text: str) -> str:
        """Return `text` dimmed."""
        return f"\x1b[2m{text}\x1b[0m" if self.colour else text

    def wrapped(self, text: str, indent: str) -> list[str]:
        """Return `text` in lines that fit, each after `indent`, none of which a CI system takes for a command."""
        lines = textwrap.wrap(
            logged(text), self.width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        ) or [indent.rstrip()]
        return [logged(line) for line in lines]


@dataclass(frozen=True, slots=True)
class TextFormat(Format):
    """The report for people."""

    name = "text"
    file_name = "report.txt"

    style: Style = Style()
    quiet: bool = False
    """Leave out models that may pass."""
    verbose: int = 0
    """Above 0: show all reasons, what was excused, and what was not scanned."""

    def render(self, report: Report) -> str:
        """Return the models one after the other, then what decided."""
        lines: list[str] = []
        for number, (document, decisions) in enumerate(report.models()):
            if not self.quiet or not all(decision.allow for decision in decisions) or break_glass.told(decisions):
                lines += [*self._model(report.of_model(number), document, decisions), ""]
        if not self.quiet:
            lines += self._footer(report)
        return "".join(line.rstrip() + "\n" for line in lines)

    def _model(self, report: Report, document: FindingsDocument, decisions: tuple[Decision, ...]) -> list[str]:
        style = self.style
        found = rows(decisions, document)
        broken = break_glass.told(decisions)
        by = " by BREAK-GLASS" if broken and report.verdict == "allow" else ""
        answer = style.paint(_ANSWERS[report.verdict] + by, "indeterminate" if by else report.verdict)
        lines = [f"{style.strong(logged(printable(document.model.uri)))}  {answer}", *self._facts(document), ""]
        lines += self._verdicts(decisions)
        if broken:
            lines += ["", *(line for text in broken for line in self._loud(text))]
        refused = [row for row in found if State.REFUSED in row.states]
        warned = [
            row for row in found if State.WARNED in row.states and (self.verbose or row.worst is not State.REFUSED)
        ]
        if refused:
            lines += ["", style.strong("Why"), *self._listed(refused, report.environments, State.REFUSED)]
            lines += ["", style.strong("What to do"), *self._to_do(report, refused)]
        if warned:
            lines += ["", style.strong("Warnings"), *self._listed(warned, report.environments, State.WARNED)]
        lines += self._exceptions(found, decisions)
        return lines + (self._unscanned(document) if self.verbose else [])

    def _facts(self, document: FindingsDocument) -> list[str]:
        model = document.model
        facts = [_counted(len(model.files), "file")] if model.files else []
        facts += [(model.digest or "no digest")[:19]]
        facts += [_scan(scan) for scan in document.scans] or ["not scanned"]
        return [self.style.faint(line) for line in self.style.wrapped(printable(" · ".join(facts)), "  ")]

    def _verdicts(self, decisions: tuple[Decision, ...]) -> list[str]:
        width = max(len(decision.environment) for decision in decisions)
        return [
            f"  {decision.environment:<{width}}  "
            f"{self.style.paint(f'{decision.verdict.upper():<13}', decision.verdict)}  {_summary(decision)}"
            for decision in decisions
        ]

    def _listed(self, chosen: list[Row], environments: tuple[str, ...], state: State) -> list[str]:
        """Return the rows by file, those that read the same as one, at most `MOST_SHOWN` unless verbose."""
        lines: list[str] = []
        room = len(chosen) if self.verbose else MOST_SHOWN
        left = 0
        for path, group in by_file(chosen).items():
            alike = list(_alike(group).values())
            if room > 0:
                place = "the model as a whole" if path is None else path
                lines += self.style.wrapped(printable(place), "  ")
            for same in alike[:room]:
                lines += self._row(same, environments, state)
            left += sum(len(same) for same in alike[room:])
            room = max(0, room - len(alike))
        if left:
            lines.append(f"  … and {left} more (-v shows all)")
        return lines

    def _row(self, same: list[Row], environments: tuple[str, ...], state: State) -> list[str]:
        row = same[0]
        if row.finding is None and row.severity is None:
            return self._rule(row, environments, state)
        notes = row.notes if state is State.REFUSED else row.remarks
        title = "; ".join([shortened(row.title, 300), *(shortened(note, 300) for note in notes)])
        wrapped = self.style.wrapped(printable(title) + _only(row, environments, state), " " * 14)
        label = row.severity or ""
        lines = [f"    {self.style.paint(f'{label:<8}', label)}  {wrapped[0].lstrip()}", *wrapped[1:]]
        facts = [f"{row.finding.scanner} {row.finding.rule}"] if row.finding is not None else [*row.rules]
        if row.finding is not None:
            facts += [f"at {row.finding.location}"] if row.finding.location and len(same) == 1 else []
            facts += [each.id for each in same] if self.verbose else [row.id]
            facts += [f"and {len(same) - 1} alike"] if len(same) > 1 and not self.verbose else []
        text = printable(" · ".join(shortened(fact, 200) for fact in facts))
        return lines + [self.style.faint(line) for line in self.style.wrapped(text, " " * 14)]

    def _rule(self, row: Row, environments: tuple[str, ...], state: State) -> list[str]:
        """Return what a rule says that is about no finding."""
        said = "; ".join([shortened(row.title, 600), *row.notes]) + _only(row, environments, state)
        told = self.style.wrapped(printable(said), " " * 4)
        return told + [self.style.faint(line) for line in self.style.wrapped(printable(" ".join(row.rules)), " " * 4)]

    def _to_do(self, report: Report, refused: list[Row]) -> list[str]:
        annotated = report.rules()
        told = [shortened(text, 300) for text in advice(refused)]
        for rule_id in dict.fromkeys(rule for row in refused for rule in row.rules):
            rule = annotated.get(rule_id)
            if rule is not None and rule.remediation:
                told.append(f"{rule_id}: {rule.remediation}")
        lines = [line for text in told for line in self._bullet(text)]
        for what, command in commands(report, refused):
            lines += [*self._bullet(f"{what}:"), logged(f"      {printable(command)}")]
        return lines

    def _loud(self, text: str) -> list[str]:
        return [self.style.paint(line, "deny") for line in self.style.wrapped(printable(f"!! {text}"), "  ")]

    def _bullet(self, text: str) -> list[str]:
        lines = self.style.wrapped(printable(text), "    ")
        return ["  - " + lines[0].lstrip(), *lines[1:]]

    def _exceptions(self, found: list[Row], decisions: tuple[Decision, ...]) -> list[str]:
        """Return what became of exceptions, where somebody should know."""
        lines: list[str] = []
        for number, decision in enumerate(decisions):
            used = decision.exceptions
            excused: dict[tuple[str, str], list[Row]] = {}
            for row in found:
                for item in row.applied[number]:
                    excused.setdefault((item.id, item.expires), []).append(row)
            for (id_, expires), group in excused.items():
                excuses = f"{id_} excuses {_counted(len(group), 'finding')} until {expires}"
                lines += self._bullet(f"{decision.environment}: {excuses}: {self._named(group)}")
            told = [f"{id_} has expired and excuses nothing" for id_ in used.expired]
            told += [f"{item.id} is rejected and excuses nothing: {item.reason}" for item in used.rejected]
            lines += [line for text in told for line in self._bullet(f"{decision.environment}: {text}")]
        return ["", self.style.strong("Exceptions"), *lines] if lines else []

    def _named(self, group: list[Row]) -> str:
        most = len(group) if self.verbose else 3
        names = [f"{row.title} in {row.path or 'the model'} ({row.id})" for row in group[:most]]
        return "; ".join(shortened(name, 200) for name in names) + (
            f"; and {len(group) - most} more" if len(group) > most else ""
        )

    def _unscanned(self, document: FindingsDocument) -> list[str]:
        lines = [
            line
            for scan in document.scans
            for item in scan.unscanned
            for line in self._bullet(f"{scan.scanner}: {item.path}: {item.reason}")
        ]
        return ["", self.style.strong("Not scanned"), *lines] if lines else []

    def _footer(self, report: Report) -> list[str]:
        decision = report.decisions[0]
        revision = f" at commit {decision.policy.revision[:12]}" if decision.policy.revision else ""
        text = (
            f"policy {report.tree} {decision.policy.digest[:19]}{revision} · "
            f"OPA {decision.engine.opa} · decided {decision.evaluated_at}"
        )
        return [self.style.faint(line) for line in self.style.wrapped(printable(text), "")]


def _alike(group: list[Row]) -> dict[tuple[object, ...], list[Row]]:
    """Return rows by what a reader sees of them."""
    alike: dict[tuple[object, ...], list[Row]] = {}
    for row in group:
        scanner = (row.finding.scanner, row.finding.rule) if row.finding is not None else row.rules
        alike.setdefault((row.severity, row.title, row.notes, row.remarks, scanner, row.states), []).append(row)
    return alike


def _only(row: Row, environments: tuple[str, ...], state: State) -> str:
    """Return the environments in which the row has `state`, unless it has it in all."""
    places = where(row, environments, lambda found: found is state)
    return "" if len(places) == len(environments) else f"  [{', '.join(places)}]"


def _scan(scan: Scan) -> str:
    left = f": {_counted(len(scan.unscanned), 'file')} not scanned" if scan.unscanned else ""
    return f"{scan.scanner} {scan.version or ''}".strip() + f" ({scan.status.value}{left})"


def _summary(decision: Decision) -> str:
    """Return what was found, and what the environment made of it, in a few words."""
    found = [f"{decision.counts[word]} {word.lower()}" for word in SEVERITIES if decision.counts.get(word)]
    parts = [", ".join(found) or "no findings"]
    if decision.violations:
        parts.append(_counted(len(decision.violations), "reason") + " to refuse")
    if decision.warnings:
        parts.append(_counted(len(decision.warnings), "warning"))
    if decision.exceptions.applied:
        parts.append(f"{len({item.finding for item in decision.exceptions.applied})} excused")
    return " · ".join(parts)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
