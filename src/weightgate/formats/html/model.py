"""One model of the page: its verdicts, the reasons, what to do, and its findings by file."""

from __future__ import annotations

from weightgate.decision import Decision
from weightgate.findings import FindingsDocument
from weightgate.formats.escape import shortened
from weightgate.formats.hints import advice, commands
from weightgate.formats.html.evidence import coverage, exceptions
from weightgate.formats.html.filters import filters
from weightgate.formats.html.markup import Markup, element, join, outside, outside_lines, outside_prose
from weightgate.formats.html.words import STATES, badge, counted, severity_mark, state_mark
from weightgate.formats.interface import Report
from weightgate.formats.rows import Row, State, by_file, rows
from weightgate.policy.settings import SEVERITIES

MOST_OPEN = 200
"""Rows up to which every file is unfolded at first."""
_LONGEST = 4000
"""Characters of a description that are shown."""


def model_section(report: Report, document: FindingsDocument, decisions: tuple[Decision, ...], number: int) -> Markup:
    """Return the section about the report's one model, the `number`th of the page."""
    found = rows(decisions, document)
    refused = [row for row in found if State.REFUSED in row.states]
    anchor = f"model-{number}"
    return element(
        "section",
        element("h2", outside(document.model.uri), id=anchor),
        _facts(document),
        element("div", *(_card(decision) for decision in decisions), class_="cards"),
        *([_why(report, refused), _to_do(report, refused)] if refused else []),
        _findings(found, report.environments, anchor),
        exceptions(found, decisions),
        coverage(document, decisions),
        class_="model",
        aria_labelledby=anchor,
    )


def _facts(document: FindingsDocument) -> Markup:
    model = document.model
    facts: list[str] = [outside(model.source.value), counted(len(model.files), "file")]
    facts += [join(["revision ", element("code", outside(model.revision))])] if model.revision else []
    facts.append(element("code", model.digest or "no digest", class_="digest"))
    return element("p", join(facts, " · "), class_="facts")


def _card(decision: Decision) -> Markup:
    counts = [
        element("span", f"{decision.counts[word]} {word.lower()}", class_=f"count {word.lower()}")
        for word in SEVERITIES
        if decision.counts.get(word)
    ]
    told = [counted(len(decision.violations), "reason") + " to refuse"] if decision.violations else []
    told += [counted(len(decision.warnings), "warning")] if decision.warnings else []
    excused = len({item.finding for item in decision.exceptions.applied})
    told += [f"{excused:,} excused"] if excused else []
    return element(
        "div",
        element("h3", decision.environment),
        badge(decision.verdict),
        element("p", join(counts, " ") if counts else "No findings."),
        element("p", " · ".join(told), class_="small") if told else join([]),
        class_=f"card {decision.verdict}",
    )


def _why(report: Report, refused: list[Row]) -> Markup:
    """Return the rules that refuse, each with its meaning and how often it does so where."""
    annotated = report.rules()
    told: list[Markup] = []
    for rule_id in dict.fromkeys(rule for row in refused for rule in row.rules):
        of_rule = [row for row in refused if rule_id in row.rules]
        rule = annotated.get(rule_id)
        places = [
            decision.environment
            for decision in report.decisions
            if any(violation.rule == rule_id for violation in decision.violations)
        ]
        what = [
            element(
                "p",
                "Rule not kept: ",
                element("strong", outside(rule.title if rule else rule_id)),
                " ",
                element("code", outside(rule_id)),
            ),
            element("p", f"{counted(len(of_rule), 'time')}, in {', '.join(places)}", class_="small"),
        ]
        what += [element("p", outside_prose(rule.description))] if rule and rule.description else []
        if all(row.finding is None for row in of_rule):
            what.append(element("ul", *(element("li", outside(shortened(row.title, 500))) for row in of_rule[:10])))
        told.append(element("li", *what))
    return join([element("h3", "Why it may not pass"), element("ul", *told, class_="reasons")])


def _to_do(report: Report, refused: list[Row]) -> Markup:
    annotated = report.rules()
    told = [element("li", outside(shortened(text, 600))) for text in advice(refused)]
    for rule_id in dict.fromkeys(rule for row in refused for rule in row.rules):
        rule = annotated.get(rule_id)
        if rule is not None and rule.remediation:
            told.append(element("li", outside_prose(rule.remediation), " ", element("code", outside(rule_id))))
    told += [
        element("li", f"{what}: ", element("code", outside(command))) for what, command in commands(report, refused)
    ]
    return join([element("h3", "What to do"), element("ul", *told)])


def _findings(found: list[Row], environments: tuple[str, ...], anchor: str) -> Markup:
    if not found:
        return join([element("h3", "Findings"), element("p", "None.")])
    files = by_file(found)
    unfolded = len(found) <= MOST_OPEN
    groups = [
        _file(path, group, environments, unfolded or number == 0) for number, (path, group) in enumerate(files.items())
    ]
    return join(
        [
            element("h3", "Findings by file"),
            filters(found, environments, anchor) if len(found) > 1 else join([]),
            element("div", *groups, class_="files"),
        ]
    )


def _file(path: str | None, group: list[Row], environments: tuple[str, ...], unfolded: bool) -> Markup:
    name = element("em", "the model as a whole") if path is None else outside(path)
    refused = sum(State.REFUSED in row.states for row in group)
    told = (
        f"{refused:,} of {len(group):,} refused"
        if refused
        else counted(len(group), "entry").replace("entrys", "entries")
    )
    return element(
        "details",
        element("summary", element("h4", name), " ", element("span", told, class_="small")),
        element("ul", *(_row(row, environments) for row in group), class_="rows"),
        class_="file",
        open=unfolded,
    )


def _row(row: Row, environments: tuple[str, ...]) -> Markup:
    states = [(name, state) for name, state in zip(environments, row.states, strict=True) if state in STATES]
    marks = [state_mark(name, state) for name, state in states]
    return element(
        "li",
        element("p", severity_mark(row.severity), " ", outside(shortened(row.title, 600)), class_="title"),
        element("p", join(marks, " "), class_="states"),
        *(element("p", outside(shortened(note, 600))) for note in (*row.notes, *row.remarks)),
        *(
            element("p", "Excused by ", outside(item.id), " until ", outside(item.expires), f" in {name}.")
            for name, applied in zip(environments, row.applied, strict=True)
            for item in applied
        ),
        _origin(row),
        _details(row),
        class_="row",
        data_severity=row.severity or "RULE",
        data_states=" ".join(STATES.get(state, "silent") for state in row.states),
    )


def _origin(row: Row) -> Markup:
    facts: list[str] = []
    if row.finding is not None:
        facts.append(join([outside(row.finding.scanner), " ", outside(row.finding.rule)]))
        facts += [outside(row.finding.threat)] if row.finding.threat else []
        facts += [join(["at ", outside(shortened(row.finding.location, 300))])] if row.finding.location else []
    else:
        facts += [outside(rule) for rule in row.rules]
    facts.append(element("code", outside(row.id)))
    return element("p", join(facts, " · "), class_="small origin")


def _details(row: Row) -> Markup:
    finding = row.finding
    if finding is None:
        return join([])
    told: list[Markup] = []
    if finding.description not in ("", finding.title):
        told.append(element("p", outside_lines(shortened(finding.description, _LONGEST)), class_="text"))
    if finding.remediation:
        told.append(
            element(
                "p",
                element("strong", "Remedy: "),
                outside_lines(shortened(finding.remediation, _LONGEST)),
                class_="text",
            )
        )
    if finding.references:
        told.append(element("ul", *(element("li", outside(text)) for text in finding.references[:20])))
    if not told:
        return join([])
    return element("details", element("summary", "Details"), *told, class_="more")
