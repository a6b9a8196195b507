"""Rows: nothing that a decision says is left out, and the worst that it says counts."""

from __future__ import annotations

import pytest

from support import reports
from weightgate.decision import Applied, ExceptionUse, Violation
from weightgate.formats.rows import State, headline, rows


def used(*applied: Applied) -> ExceptionUse:
    return ExceptionUse(applied, (), (), ())


def test_each_state_of_a_finding() -> None:
    about = reports.document(*(reports.finding(title) for title in ("refused", "excused", "warned", "tolerated")))
    named = {item.title: item for item in about.findings}
    decided = reports.decide(
        about,
        verdict="deny",
        violations=(reports.refuse(named["refused"]),),
        warnings=(reports.refuse(named["warned"]), reports.refuse(named["excused"])),
        exceptions=used(
            Applied("EXC", named["excused"].id, "2027-01-01"), Applied("EXC-2", named["refused"].id, "2027-01-01")
        ),
    )
    found = rows((decided,), about)
    assert [(row.title, row.worst) for row in found] == [
        ("refused", State.REFUSED),
        ("excused", State.EXCUSED),
        ("warned", State.WARNED),
        ("tolerated", State.TOLERATED),
    ]
    assert [[item.id for item in row.applied[0]] for row in found] == [["EXC-2"], ["EXC"], [], []]


def test_environments_stand_side_by_side() -> None:
    report = reports.mixed()
    document, decisions = report.models()[0]
    states = {row.title: row.states for row in rows(decisions, document)}
    assert states == {
        "Dangerous global os.system": (State.REFUSED, State.REFUSED),
        "Malicious code": (State.EXCUSED, State.REFUSED),
        "Suspicious import": (State.TOLERATED, State.REFUSED),
        "Old protocol": (State.TOLERATED, State.TOLERATED),
        "config.json (json) was not scanned": (State.WARNED, State.REFUSED),
    }


def test_words_about_findings_that_nobody_knows_stay() -> None:
    about = reports.document()
    stray = Violation("own.rule", "HIGH: something", "wgf-unknown", "HIGH", None)
    decided = reports.decide(
        about, verdict="deny", violations=(stray,), exceptions=used(Applied("EXC", "wgf-gone", "2027-01-01"))
    )
    found = rows((decided,), about)
    assert [(row.worst, row.title) for row in found] == [
        (State.REFUSED, "something"),
        (State.EXCUSED, "exception EXC excuses wgf-gone, which is not in the findings document"),
    ]
    assert "wgf-unknown" in found[0].notes[0]


def test_several_rules_about_one_finding_are_one_row_with_all_they_say() -> None:
    about = reports.document(reports.finding(severity="LOW"))
    item = about.findings[0]
    own = Violation("own.rule", "only safetensors here", item.id, "HIGH", item.path)
    decided = reports.decide(
        about, verdict="deny", violations=(own, reports.refuse(item, note="; exception EXC expired at T"))
    )
    (row,) = rows((decided,), about)
    assert row.severity == "HIGH"
    assert row.rules == ("own.rule", "severity.threshold")
    assert row.notes == ("only safetensors here", "exception EXC expired at T")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CRITICAL: CRITICAL: Malicious", "Malicious"),
        ("HIGH: Malicious", "HIGH: Malicious"),
        ("CRITICAL: ", "CRITICAL: "),
        ("CRITICAL:Malicious", "CRITICAL:Malicious"),
    ],
)
def test_the_severity_is_said_once(text: str, shown: str) -> None:
    assert headline(text, "CRITICAL") == shown


def test_the_order_does_not_depend_on_the_order_of_findings_with_one_title() -> None:
    items = [reports.finding(path=f"{number}.pkl") for number in range(9)]
    one, two = reports.document(*items), reports.document(*reversed(items))
    assert rows((reports.decide(one),), one) == rows((reports.decide(two),), two)


def test_many_files_without_a_scan_take_linear_time() -> None:
    about = reports.document()
    said = tuple(Violation("coverage.complete", f"{n} was not scanned", None, None, f"{n}") for n in range(20_000))
    decided = reports.decide(about, verdict="indeterminate", violations=said)
    assert len(rows((decided, decided), about)) == 20_000
