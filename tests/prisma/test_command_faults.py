"""The command against a service that misbehaves: exit code, artifacts, one scan in the service's own log, no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import observe
from support.aims_server import MODEL, AimsServer, Script
from support.observe import Observed
from support.prisma_faults import (
    ALLOW,
    CASES,
    CREATE,
    DENY,
    INDETERMINATE,
    NO_DECISION,
    POLL,
    TOKEN,
    Case,
    refused,
    scene,
)
from weightgate import findings

VERDICTS = {ALLOW: "allow", DENY: "deny", INDETERMINATE: "indeterminate", NO_DECISION: "indeterminate"}


@pytest.mark.parametrize("name", CASES)
def test_a_fault_ends_as_it_must(name: str) -> None:
    case = CASES[name]
    with scene(case) as (aims, folder):
        run = observe.gate(aims, folder, *case.words, env=case.env)
    assert run.code == case.code, run.err
    assert case.says in run.err
    assert "Traceback" not in run.err
    assert run.problems == ()
    assert_artifacts(case, run)
    assert_created_once(case, run)
    assert_scan_is_told(case, run)
    assert list(map(str, case.pages)) == violation_pages(run)
    run.assert_no_secret()


def assert_artifacts(case: Case, run: Observed) -> None:
    document = findings.read(run.files["findings.json"])
    (scan,) = document.scans
    assert scan.status.value == case.status
    assert len(document.findings) == case.findings
    decision = run.json("decision.json")
    assert (decision["allow"], decision["verdict"]) == (case.code == ALLOW, VERDICTS[case.code])


def assert_created_once(case: Case, run: Observed) -> None:
    creates = run.creates()
    assert len(run.scans) == case.scans
    assert case.creates in (None, len(creates))
    labels = {label["value"] for item in creates for label in item.json()["labels"] if label["key"] == "weightgate-run"}
    assert len(labels) == min(1, len(creates))
    accepted = [item for item in creates if item.status in (None, 201, 500, 502)]
    assert len(accepted) == case.scans or not case.scans


def assert_scan_is_told(case: Case, run: Observed) -> None:
    """The id of a scan that exists is in the raw report and, where it can be resumed, in `error.json` and the hint."""
    assert ("error.json" in run.files) == (case.code == NO_DECISION)
    for scan_id in run.scans:
        assert run.json("model-scan-report.json")["scan"]["uuid"] == scan_id
    if case.code == NO_DECISION:
        scan_id = run.scans[0] if run.scans else None
        assert run.json("error.json")["scans"] == [{"scanner": "prisma-airs", "id": scan_id, "state": case.state}]
        assert (f"--resume {scan_id}" in run.err) == bool(run.scans)


def violation_pages(run: Observed) -> list[str]:
    asked = [dict(item.query)["skip"] for item in run.requests if item.path.endswith("rule-violations")]
    return asked if len(asked) > 1 else []


def test_an_expired_token_is_renewed_once() -> None:
    case = CASES["token-expired-in-mid-poll"]
    with scene(case) as (aims, folder):
        run = observe.gate(aims, folder)
    assert run.code == ALLOW
    assert len([item for item in run.requests if item.path == TOKEN]) == 2
    assert [item.status for item in run.requests].count(401) == 1


@pytest.mark.parametrize(
    ("where", "status"),
    [(("POST", TOKEN), 307), (CREATE, 307), (POLL, 302)],
    ids=["token-307", "create-307", "poll-302"],
)
def test_a_redirect_leads_nowhere(where: tuple[str, str], status: int) -> None:
    with AimsServer() as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost") + "/aims/data/v1/scans"
        arm = refused(where, status, headers={"Location": elsewhere})
        with scene(Case(arm, NO_DECISION, at_once=where[1] == TOKEN)) as (aims, folder):
            run = observe.gate(aims, folder)
        assert other.requests == []
    assert run.code == NO_DECISION
    assert "a redirect, which is not followed" in run.err
    assert len(run.creates()) == (where[1] != TOKEN)
    run.assert_no_secret()


@pytest.mark.parametrize("how", ["timeout", "ctrl-c"])
def test_an_unfinished_scan_is_picked_up_again(how: str, tmp_path: Path) -> None:
    with AimsServer() as aims:
        aims.models[MODEL] = Script(polls=-1)
        if how == "timeout":
            run = observe.gate(aims, tmp_path, "--timeout", "1")
        else:
            run = observe.gate(aims, tmp_path, when=lambda: len(aims.log(*POLL)) >= 2)
        assert run.code == NO_DECISION, run.err
        (scan_id,) = aims.scans
        assert_scan_is_told(Case(lambda aims: None, NO_DECISION, state="PENDING"), run)
        (scan,) = findings.read(run.files["findings.json"]).scans
        assert scan.status is findings.Status.FAILED
        assert scan.reference is not None
        assert scan.reference.id == scan_id
        assert ("decision.json" in run.files) == (how == "timeout")
        run.assert_no_secret()

        aims.scans[scan_id].pending = 0
        again = observe.gate(aims, tmp_path, "--resume", scan_id)
        assert again.code == ALLOW, again.err
        assert again.json("decision.json")["allow"] is True
        assert "error.json" not in again.files
        assert (len(again.creates()), tuple(aims.scans)) == (1, (scan_id,))
        assert aims.problems == []
