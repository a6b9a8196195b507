"""Decisions as Markdown, fit for a pull request comment: the answer first, never longer than a comment may be.

Text of a model or a scanner stands in code spans, where GitHub and GitLab make nothing of it. The first line is a
marker, by which a later run finds the comment that it shall replace.
"""

from __future__ import annotations

import re

from weightgate.decision import Decision
from weightgate.findings import FindingsDocument
from weightgate.formats import break_glass, escape
from weightgate.formats.escape import code
from weightgate.formats.hints import advice, commands
from weightgate.formats.interface import Format, Report
from weightgate.formats.rows import Row, State, by_file, rows, where

LONGEST = 65_536
"""Characters that GitHub takes for a comment."""
_ROOM = 500
"""Characters kept free for the last words."""
_WORDS = {"allow": "✅ allow", "deny": "❌ deny", "indeterminate": "⚠️ indeterminate"}
_HEADINGS = {
    "allow": "✅ weightgate: may pass",
    "deny": "❌ weightgate: refused",
    "indeterminate": "⚠️ weightgate: refused, evidence is missing",
}

_BROKEN = "🚨 weightgate: may pass by BREAK-GLASS"


class MarkdownFormat(Format):
    """A summary for a pull request or a job's page."""

    name = "markdown"
    file_name = "report.md"

    def render(self, report: Report) -> str:
        """Return the summary, at most `LONGEST` characters; what does not fit is counted."""
        broken = break_glass.told(report.decisions)
        heading = _BROKEN if broken and report.verdict == "allow" else _HEADINGS[report.verdict]
        head = [marker(report.environments), f"## {heading}", "", *_matrix(report)]
        head += ["", *(f"- 🚨 {_span(text, 600)}" for text in broken)] if broken else []
        body: list[str] = []
        order = {"deny": 0, "indeterminate": 1, "allow": 2}
        models = sorted(
            enumerate(report.models()), key=lambda item: min(order[decision.verdict] for decision in item[1][1])
        )
        for number, (document, decisions) in models:
            body += _model(report.of_model(number), document, decisions)
        return _bounded([*head, *body], ["", _footer(report)])


def marker(environments: tuple[str, ...]) -> str:
    """Return the line by which the comment about these environments is found again."""
    names = ",".join(re.sub(r"[^a-z0-9_]+", "-", name) for name in environments)
    return f"<!-- weightgate report: {names} -->"


def _matrix(report: Report) -> list[str]:
    environments = report.environments
    lines = [f"| model | {' | '.join(map(code, environments))} |", "|---" * (len(environments) + 1) + "|"]
    for document, decisions in report.models():
        cells = [_WORDS[decision.verdict] for decision in decisions]
        lines.append(f"| {_span(document.model.uri, 200)} | {' | '.join(cells)} |")
    return lines


def _model(report: Report, document: FindingsDocument, decisions: tuple[Decision, ...]) -> list[str]:
    found = rows(decisions, document)
    lines = ["", f"### {_span(document.model.uri, 200)}", "", _facts(document)]
    sections = (
        ("Why it may not pass", [row for row in found if State.REFUSED in row.states], State.REFUSED),
        ("Excused", [row for row in found if State.EXCUSED in row.states], State.EXCUSED),
        ("Warnings", [row for row in found if State.WARNED in row.states], State.WARNED),
    )
    for heading, chosen, state in sections:
        if chosen:
            lines += ["", f"**{heading}**", "", *_listed(chosen, report.environments, state)]
            if state is State.REFUSED:
                lines += ["", "**What to do**", "", *_to_do(report, chosen)]
    return lines + _faults(decisions) + _unscanned(document)


def _facts(document: FindingsDocument) -> str:
    model = document.model
    facts = [f"{len(model.files)} files", code((model.digest or "no digest")[:19])]
    facts += [f"{_span(scan.scanner, 60)} {scan.status.value}" for scan in document.scans] or ["not scanned"]
    return " · ".join(facts)


def _listed(chosen: list[Row], environments: tuple[str, ...], state: State) -> list[str]:
    lines = []
    for path, group in by_file(chosen).items():
        lines.append(f"- {_span(path, 300) if path is not None else 'the model as a whole'}")
        lines += [f"  - {_row(row, environments, state)}" for row in group]
    return lines


def _row(row: Row, environments: tuple[str, ...], state: State) -> str:
    label = f"**{row.severity}** " if row.severity else ""
    about = [_span(row.id, 80)]
    if row.finding is not None:
        about.insert(0, _span(f"{row.finding.scanner} {row.finding.rule}", 120))
    elif row.rules:
        about.insert(0, _span(row.rules[0], 120))
    text = f"{label}{_span(row.title, 400)} ({', '.join(about)})"
    text += "".join(f"; {_span(note, 300)}" for note in (row.notes if state is State.REFUSED else row.remarks))
    if state is State.EXCUSED:
        return text + "; " + "; ".join(_excuses(row, environments))
    places = where(row, environments, lambda found: found is state)
    return text if len(places) == len(environments) else f"{text}, in {', '.join(map(code, places))}"


def _excuses(row: Row, environments: tuple[str, ...]) -> list[str]:
    return [
        f"{_span(item.id, 120)} until {code(item.expires)} in {code(environment)}"
        for environment, applied in zip(environments, row.applied, strict=True)
        for item in applied
    ]


def _to_do(report: Report, refused: list[Row]) -> list[str]:
    lines = [f"- {_span(said, 500)}" for said in advice(refused)]
    annotated = report.rules()
    for rule_id in dict.fromkeys(rule for row in refused for rule in row.rules):
        rule = annotated.get(rule_id)
        if rule is not None and rule.remediation:
            lines.append(f"- {escape.prose(rule.remediation)} ({code(rule_id)})")
    return lines + [f"- {what}: {code(command)}" for what, command in commands(report, refused)]


def _faults(decisions: tuple[Decision, ...]) -> list[str]:
    """Return the exceptions that excuse nothing although somebody may think so."""
    told = []
    for decision in decisions:
        used = decision.exceptions
        told += [f"- {code(decision.environment)}: {_span(id_, 120)} has expired" for id_ in used.expired]
        told += [
            f"- {code(decision.environment)}: {_span(item.id, 120)} is rejected: {_span(item.reason, 300)}"
            for item in used.rejected
        ]
    return ["", "**Exceptions that excuse nothing**", "", *told] if told else []


def _unscanned(document: FindingsDocument) -> list[str]:
    told = [
        f"- {_span(item.path, 300)}, {_span(scan.scanner, 60)}: {_span(item.reason, 300)}"
        for scan in document.scans
        for item in scan.unscanned
    ]
    return ["", "**Not scanned**", "", *told] if told else []


def _footer(report: Report) -> str:
    decision = report.decisions[0]
    revision = f" at commit {code(decision.policy.revision[:12])}" if decision.policy.revision else ""
    return (
        f"Policy {code(decision.policy.digest[:19])}{revision} · OPA {code(decision.engine.opa)} · "
        f"decided {code(decision.evaluated_at)}"
    )


def _span(text: str, most: int) -> str:
    return code(escape.shortened(text, most))


def _bounded(lines: list[str], last: list[str]) -> str:
    room = LONGEST - _ROOM - sum(len(line) + 1 for line in last)
    kept: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    left = len(lines) - len(kept)
    if left:
        kept += [
            "",
            f"… {left} lines more do not fit here; `report.html`, `report.sarif` and `decision.json` hold all.",
        ]
    return "\n".join([*kept, *last]) + "\n"
