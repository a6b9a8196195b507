"""Decisions as JUnit XML: one test suite a model and environment, one test case a finding or word of a rule.

The first case of each suite is the verdict itself, so that no suite of a refusal is without failure. Refused is a
failure, or an error when the verdict is `indeterminate`; excused is skipped; the rest passes, what was warned of with
the warning.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from weightgate.decision import Decision
from weightgate.findings import FindingsDocument
from weightgate.formats import break_glass, escape
from weightgate.formats.interface import Format, Report
from weightgate.formats.rows import Row, State, rows


class JunitFormat(Format):
    """Test results, for GitLab, Jenkins and the like."""

    name = "junit"
    file_name = "report.junit.xml"

    def render(self, report: Report) -> str:
        """Return one `testsuites` document."""
        root = ET.Element("testsuites", name="weightgate")
        for document, decisions in report.models():
            for decision in decisions:
                root.append(_suite(document, decision))
        for count in ("tests", "failures", "errors", "skipped"):
            root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
        ET.indent(root, " ")
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(document: FindingsDocument, decision: Decision) -> ET.Element:
    uri = escape.printable(document.model.uri)
    environment = escape.printable(decision.environment)
    suite = ET.Element("testsuite", name=f"{uri} in {environment}", timestamp=decision.evaluated_at.removesuffix("Z"))
    bad = "error" if decision.verdict == "indeterminate" else "failure"
    _verdict(suite, decision, bad)
    for row in rows((decision,), document):
        if row.worst is not State.SILENT:
            _case(suite, row, environment, bad)
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    return suite


def _verdict(suite: ET.Element, decision: Decision, bad: str) -> None:
    environment = escape.printable(decision.environment)
    case = ET.SubElement(suite, "testcase", classname=f"weightgate.{environment}", name=f"may enter {environment}")
    if not decision.allow:
        reasons = len(decision.violations)
        said = f"{decision.verdict}: {reasons} reason{'' if reasons == 1 else 's'}"
        ET.SubElement(case, bad, type="verdict", message=said).text = said
    broken = break_glass.told((decision,))
    if broken:
        ET.SubElement(case, "system-out").text = "\n".join(escape.lines(text) for text in broken)


def _case(suite: ET.Element, row: Row, environment: str, bad: str) -> None:
    title = escape.shortened(escape.printable(row.title), 300)
    name = f"{row.severity}: {title} ({row.id})" if row.severity else f"{title} ({row.id})"
    place = escape.printable(row.path or "the model")
    case = ET.SubElement(suite, "testcase", classname=f"weightgate.{environment}.{place}", name=name)
    text = escape.shortened(_text(row), 8000)
    if row.worst is State.REFUSED:
        type_ = escape.printable(" ".join(row.rules))
        ET.SubElement(case, bad, type=type_, message=title).text = text
    elif row.worst is State.EXCUSED:
        ids = ", ".join(f"{applied.id} until {applied.expires}" for applied in row.applied[0])
        ET.SubElement(case, "skipped", message=f"excused by {escape.printable(ids)}")
    else:
        ET.SubElement(case, "system-out").text = f"{row.worst.name.lower()}\n{text}"


def _text(row: Row) -> str:
    facts = [f"file: {row.path}"] if row.path is not None else []
    facts += [*row.notes, *row.remarks]
    finding = row.finding
    if finding is not None:
        facts += [f"found by: {finding.scanner} {finding.rule}"]
        facts += [f"at: {finding.location}"] if finding.location else []
        facts += [f"remediation: {finding.remediation}"] if finding.remediation else []
        facts += [finding.description] if finding.description not in ("", finding.title) else []
    return "\n".join(escape.lines(fact) for fact in [row.title, *facts])
