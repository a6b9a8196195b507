"""`weightgate exceptions list|add|forecast`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support import documents, trees
from weightgate.cli import main
from weightgate.engine import many
from weightgate.engine.evaluate import Evidence
from weightgate.errors import PolicyError
from weightgate.policy import trial, yamlfile
from weightgate.policy.ledger import adding, text
from weightgate.policy.tree import PolicyTree

FILE = "environments/prod/exceptions/data.yaml"
PROD = "environments/prod/data.yaml"
EMPTY = (trees.ROOT / FILE).read_text("utf-8")

MIXED = documents.document(
    documents.finding("wgf-1", "HIGH"),
    documents.finding("wgf-2", "LOW"),
    documents.finding("wgf-3", "MEDIUM", rule="S3", path="b.pkl"),
)
OTHER = EMPTY.replace("{}\n", trees.EXCEPTION) + "# The end.\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    trees.copy(tmp_path)
    documents.store(tmp_path, MIXED)
    return tmp_path


def add(root: Path, *words: str, **changes: str | None) -> int:
    options: dict[str, str | None] = {
        "env": "prod",
        "finding": "wgf-3",
        "findings": str(root / "findings.json"),
        "id": "EXC-2",
        "owner": "alice@example.org",
        "approver": "bob@example.org",
        "reason": "A false positive.",
        "ticket": "SEC-2",
        "days": "10",
        "at": documents.AT,
        "policy": str(root),
        **changes,
    }
    given = [f"--{key}={value}" for key, value in options.items() if value is not None]
    return main(["exceptions", "add", *given, *words])


def listed(root: Path, capsys: pytest.CaptureFixture[str], *words: str, at: str = documents.AT) -> dict[str, Any]:
    capsys.readouterr()
    given = ["exceptions", "list", "--env", "prod", "--policy", str(root), "--at", at, "--format", "json", *words]
    assert main(given) == 0
    rows = json.loads(capsys.readouterr().out)["exceptions"]
    return {row["id"]: row for row in rows}


def entry(id_: str, expires: str = "2026-12-20", created: str = "2026-11-01", scope: str = "{finding: wgf-1}") -> str:
    block = trees.EXCEPTION.replace("EXC-1", id_).replace("{finding: wgf-1}", scope)
    return block.replace('"2026-12-01"', f'"{expires}"').replace('"2026-11-01"', f'"{created}"')


# --- list ---


def test_list_tells_the_state_the_people_and_what_is_hidden(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trees.write(
        root,
        FILE,
        entry("EXC-force")
        + entry("EXC-soon", "2026-11-24T09:59:59Z")
        + entry("EXC-over", "2026-11-23T10:00:00Z")
        + entry("EXC-self").replace("bob@", "alice@")
        + entry("EXC-unused", scope="{finding: wgf-404}"),
    )
    found = listed(root, capsys, "--corpus", str(root / "findings.json"))
    states = {id_: (row["state"], row["days_left"], row["remarks"]) for id_, row in found.items()}
    assert states == {
        "EXC-force": ("in_force", 26, []),
        "EXC-soon": ("expiring", 0, ["shadowed by EXC-force"]),
        "EXC-over": ("expired", None, []),
        "EXC-self": ("rejected", None, []),
        "EXC-unused": ("in_force", 26, ["unused"]),
    }
    assert found["EXC-self"]["reason_rejected"] == "the owner cannot be the approver"
    hides = {"findings": [{"model": "models/tiny", "finding": "wgf-1"}], "models": ["models/tiny"]}
    assert found["EXC-force"]["hides"] == hides
    assert found["EXC-over"]["hides"] == {"findings": [], "models": []}
    assert [found["EXC-force"][key] for key in ("owner", "approver", "ticket")] == [
        "alice@example.org",
        "bob@example.org",
        "SEC-1",
    ]


def test_list_changes_in_the_second_of_expiry(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trees.write(root, FILE, entry("EXC-1", "2026-12-20T00:00:00Z"))
    assert listed(root, capsys, at="2026-12-19T23:59:59Z")["EXC-1"]["state"] == "expiring"
    assert listed(root, capsys, at="2026-12-20T00:00:00Z")["EXC-1"]["state"] == "expired"


def test_list_without_a_corpus_says_that_it_does_not_know(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trees.write(root, FILE, entry("EXC-1", "2026-11-25T10:00:00Z"))
    row = listed(root, capsys)["EXC-1"]
    assert (row["hides"], row["remarks"]) == (None, [])
    assert main(["exceptions", "list", "--all", "--policy", str(root), "--at", documents.AT]) == 0
    out, err = capsys.readouterr()
    assert "prod EXC-1: expires in 2 days" in out
    assert "hides: not known without --corpus" in out
    assert "no --corpus" in err


def test_list_marks_what_hides_too_much(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scope = '{rule: S201, model: "models/*"}'
    trees.write(root, FILE, entry("EXC-wide", scope=scope))
    (root / "corpus").mkdir()
    for name in ("a", "b"):
        value = documents.document(documents.finding(f"wgf-{name}"), model=documents.model(uri=f"models/{name}"))
        documents.store(root / "corpus", value, f"{name}.json")
    corpus = ("--corpus", str(root / "corpus"))
    assert listed(root, capsys, *corpus, "--broad", "1")["EXC-wide"]["remarks"] == ["over-broad"]
    row = listed(root, capsys, *corpus, "--broad", "2")["EXC-wide"]
    assert (row["remarks"], row["hides"]["models"]) == ([], ["models/a", "models/b"])


def test_a_broken_exceptions_file_is_an_error_with_file_and_line(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trees.write(root, FILE, entry("EXC-1").replace("ticket", "tiket"))
    assert main(["exceptions", "list", "--all", "--policy", str(root)]) == 3
    assert f"{FILE}:6: /EXC-1/tiket: unknown key" in capsys.readouterr().err


# --- add ---


def test_add_keeps_comments_and_order_and_opens_no_gate(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trees.write(root, FILE, OTHER)
    assert add(root) == 0
    out, err = capsys.readouterr()
    written = (root / FILE).read_text("utf-8")
    assert written.startswith(OTHER + "EXC-2:\n")
    assert list(yamlfile.load(written.encode(), FILE).value) == ["EXC-1", "EXC-2"]
    assert "EXC-2 excuses 1 finding (MEDIUM) until 2026-12-03T10:00:00Z" in out
    assert "opens no gate by itself" in err
    assert "has no counterpart in staging" in err
    assert listed(root, capsys)["EXC-2"]["scope"] == {"finding": "wgf-3"}
    assert not list((root / FILE).parent.glob(".data-*"))


BEFORE = {
    "placeholder": EMPTY,
    "only comments": "# nothing\n",
    "placeholder with a remark": "{} # none yet\n# end\n",
    "no newline at the end": OTHER.rstrip("\n"),
    "windows": OTHER.replace("\n", "\r\n"),
    "windows placeholder": EMPTY.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_every_other_byte_stays(before: str) -> None:
    value = yamlfile.load(trees.EXCEPTION.encode(), "x").value["EXC-1"]
    new = text.appended(before.encode(), "EXC-2", value, "HIGH: title", FILE).decode()
    for line in before.replace("{}", "").splitlines():
        assert line.strip() in new
    assert new.count("\r\n") in (0, new.count("\n"))
    old = yamlfile.load(before.encode(), "x").value or {}
    assert yamlfile.load(new.encode(), "x").value == {**old, "EXC-2": value}


def test_a_file_that_is_not_there_is_made() -> None:
    new = text.appended(None, "EXC-2", {"ticket": "T"}, "r", FILE)
    assert new.decode() == EMPTY.replace("{}\n", 'EXC-2:\n  # r\n  ticket: "T"\n')


@pytest.mark.parametrize("before", ["{EXC-1: {ticket: T}}\n", "EXC-1: {ticket: T}\n...\n", "--- {}\n", "  EXC-1: {}\n"])
def test_a_file_that_cannot_be_extended_is_refused(before: str) -> None:
    with pytest.raises(PolicyError, match="an entry cannot be added"):
        text.appended(before.encode(), "EXC-2", {"ticket": "T"}, "r", FILE)


@given(st.text(), st.text())
def test_no_text_breaks_out_of_its_place(said: str, title: str) -> None:
    wanted = {"scope": {"finding": said}, "reason": said}
    new = text.appended(b"EXC-1: {ticket: T}\n", "EXC-2", wanted, title, FILE)
    assert yamlfile.load(new, FILE).value == {"EXC-1": {"ticket": "T"}, "EXC-2": wanted}


HOSTILE = 'x"\nEXC-9:\n  reason: "& *a !!python/name:os.system \x85\u2028\u202e {}'


def test_hostile_words_of_a_model_stay_words(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = documents.document(documents.finding(title=HOSTILE))
    documents.store(root, value)
    assert add(root, finding="wgf-1", reason=HOSTILE) == 0
    found = listed(root, capsys)
    assert {id_: row["reason"] for id_, row in found.items()} == {"EXC-2": HOSTILE}


REFUSED: dict[str, tuple[dict[str, str | None], str]] = {
    "the id is taken": ({"id": "EXC-1"}, "has an exception of this id"),
    "the id is a number": ({"id": "2026"}, "expected letters, a -"),
    "the id is two lines": ({"id": "EXC-2:\nx"}, "expected letters, a -"),
    "no such finding": ({"finding": "wgf-33"}, "no such finding"),
    "owner is approver": ({"approver": "ALICE@example.org"}, "--approver ALICE@example.org: the owner cannot"),
    "two names of one person": ({"approver": "alice@example.org "}, "expected an address or account"),
    "no reason": ({"reason": " "}, "expected words"),
    "too long": ({"days": "91"}, "may last 90 days in prod, until 2027-02-21T10:00:00Z"),
    "one second too long": ({"days": None, "expires": "2027-02-21T10:00:01Z"}, "may last 90 days in prod"),
    "over before it begins": ({"days": None, "expires": "2026-11-23"}, "not after"),
    "no days": ({"days": "0"}, "expected 1 to"),
    "no date": ({"days": None, "expires": "2027-02-30"}, "--expires"),
    "unknown environment": ({"env": "prd"}, "did you mean"),
}


@pytest.mark.parametrize(("changes", "words"), REFUSED.values(), ids=REFUSED)
def test_add_refuses(
    changes: dict[str, str | None], words: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trees.write(root, FILE, OTHER)
    assert add(root, **changes) == 2
    assert words in capsys.readouterr().err
    assert (root / FILE).read_text("utf-8") == OTHER


LIMITS = {
    "severity": ("never: []", "never: [MEDIUM]", "MEDIUM, which can never be excused in prod"),
    "rule": ("never: []", "never: []\n    never_rules: [S3]", "S3, which can never be excused in prod"),
    "days": ("MEDIUM: 90", "MEDIUM: 9", "for MEDIUM may last 9 days"),
    "approvers": ("approvers: []", "approvers: [carol@example.org]", "expected one of carol@example.org in prod"),
}


@pytest.mark.parametrize(("old", "new", "words"), LIMITS.values(), ids=LIMITS)
def test_add_keeps_the_limits_of_the_environment(
    old: str, new: str, words: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trees.edit(root, PROD, old, new)
    assert add(root) == 2
    assert words in capsys.readouterr().err
    assert (root / FILE).read_text("utf-8") == EMPTY


def test_a_severity_that_the_scanner_does_not_state_is_the_one_of_the_policy(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    documents.store(root, documents.document(documents.finding(severity="UNKNOWN")))
    trees.edit(root, PROD, "CRITICAL: 90", "CRITICAL: 9")
    assert add(root, finding="wgf-1") == 2
    assert "for CRITICAL may last 9 days" in capsys.readouterr().err


def test_a_tolerated_finding_can_be_excused_for_the_order_of_the_environments(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("dev", "staging", "prod"):
        assert add(root, env=name) == 0
    out, err = capsys.readouterr()
    assert "EXC-2 excuses nothing now (MEDIUM)" in out
    assert "dev does not refuse this finding anyway" in err
    assert "counterpart in staging" not in err


def test_the_scope_by_rule_and_the_digest(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add(root, "--rule-scope", "--bind-digest") == 0
    scope = {"rule": "S3", "model": "models/tiny", "path": "b.pkl", "digest": "sha256:" + "3b" * 32}
    assert listed(root, capsys)["EXC-2"]["scope"] == scope


@pytest.mark.parametrize(
    ("option", "model"), [("--rule-scope", {"uri": "models/*"}), ("--bind-digest", {"digest": None})]
)
def test_a_scope_that_would_be_wider_than_asked_is_refused(
    option: str, model: dict[str, Any], root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    documents.store(root, {**MIXED, "model": documents.model(**model)})
    assert add(root, option) == 2
    assert f"weightgate: {option}: " in capsys.readouterr().err
    assert (root / FILE).read_text("utf-8") == EMPTY


def test_the_tree_that_ships_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    documents.store(tmp_path, MIXED)
    monkeypatch.chdir(tmp_path)
    assert add(tmp_path, policy=None) == 2
    assert "not written to" in capsys.readouterr().err


class Spoiling(PolicyTree):
    """A tree in which somebody else breaks a file while the exception is written."""

    def load(self, names: list[str]) -> Any:
        if "EXC-2" in (self.root / FILE).read_text("utf-8"):
            trees.write(self.root, "environments/dev/exceptions/data.yaml", "EXC-1: {}\n")
        return super().load(names)


def test_what_cannot_be_read_back_is_taken_back(root: Path) -> None:
    trees.write(root, FILE, OTHER)
    os.chmod(root / FILE, 0o640)
    wish = adding.Wish(
        ("prod",), "EXC-2", "wgf-3", "a@x", "b@x", "A reason.", "T-1", documents.AT, "2026-12-01", False, False
    )
    with pytest.raises(PolicyError, match="EXC-1"):
        adding.add(Spoiling(root, "--policy"), Evidence.of(documents.typed(MIXED)), wish)
    assert (root / FILE).read_text("utf-8") == OTHER
    assert (root / FILE).stat().st_mode & 0o777 == 0o640


def test_one_command_adds_it_to_several_environments(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / FILE.replace("prod", "dev")).unlink()
    assert add(root) == 0
    assert "with --env dev --env staging adds it there too" in capsys.readouterr().err
    (root / FILE).write_text(EMPTY, "utf-8")
    assert add(root, "--env=staging", "--env=dev", "--env=staging") == 0
    out, err = capsys.readouterr()
    assert [line.split(":")[0].split("/")[-3] for line in out.splitlines()] == ["prod", "staging", "dev"]
    assert "adds it there too" not in err
    assert "staging, dev do not refuse this finding anyway" in err
    loaded, _ = PolicyTree(root, "--policy").load(["dev", "staging", "prod"])
    assert len({repr(each.exceptions) for each in loaded.values()}) == 1


def test_no_command_is_proposed_for_another_exception_or_one_that_is_there(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trees.write(root, FILE, entry("EXC-22"))
    assert add(root, "--env=staging", "--env=dev") == 0
    assert "counterpart" not in capsys.readouterr().err
    for name in ("staging", "dev"):
        trees.write(root, FILE.replace("prod", name), entry("EXC-3", "2026-11-24", scope="{finding: wgf-3}"))
    assert add(root, id="EXC-3") == 0
    err = capsys.readouterr().err
    assert "EXC-3 has no counterpart in staging that lasts as long" in err
    assert "adds it there too" not in err


def test_what_one_environment_would_not_accept_is_added_to_none(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in root.rglob("exceptions/data.yaml")}
    trees.edit(root, "environments/staging/data.yaml", "    approvers: []", "    approvers: [carol@example.org]")
    assert add(root, "--env=staging") == 2
    assert "carol@example.org in staging" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in root.rglob("exceptions/data.yaml")} == before


def test_what_was_written_first_is_taken_back_when_a_later_file_cannot_be(root: Path) -> None:
    (root / FILE.replace("prod", "dev")).unlink()
    wish = adding.Wish(("dev", "prod"), "EXC-2", "wgf-3", "a@x", "b@x", "A reason.", "T-1", documents.AT, "2026-12-01")
    with pytest.raises(PolicyError, match="EXC-1"):
        adding.add(SpoilingLater(root, "--policy"), Evidence.of(documents.typed(MIXED)), wish)
    assert not (root / FILE.replace("prod", "dev")).exists()
    assert (root / FILE).read_text("utf-8") == EMPTY


class SpoilingLater(PolicyTree):
    """A tree in which somebody else breaks a third file while the second is written."""

    def load(self, names: list[str]) -> Any:
        if "EXC-2" in (self.root / FILE).read_text("utf-8"):
            trees.write(self.root, FILE.replace("prod", "staging"), "EXC-1: {}\n")
        return super().load(names)


SEVERITIES = st.sampled_from(["CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN"])
SCOPES = st.sampled_from(
    [{"finding": "wgf-0"}, {"finding": "wgf-9"}, {"rule": "S201", "path": "w*"}, {"rule": "S201", "model": "models/**"}]
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(SEVERITIES, max_size=4), SCOPES, st.sampled_from(["2026-11-22", "2026-12-01", "2029-01-01"]))
def test_adding_an_exception_never_refuses_more(words: list[str], scope: dict[str, str], expires: str) -> None:
    findings = [documents.finding(f"wgf-{number}", word) for number, word in enumerate(words)]
    evidence = Evidence.of(documents.typed(documents.document(*findings)))
    added = {**trial.exception("x", "2026-11-01", expires, "bob@x"), "scope": scope}
    tree = PolicyTree(trees.ROOT, "--policy")
    with trial.with_exceptions(tree, {"prod": {"EXC-1": added}}) as copy:
        before, after = (many.decide(each, [evidence], ["prod"], documents.AT)[0] for each in (tree, copy))
    refused = [{(v.rule, v.finding, v.path) for v in decision.violations} for decision in (before, after)]
    assert refused[1] <= refused[0]
    assert after.allow or not before.allow


# --- forecast ---


def forecast(root: Path, capsys: pytest.CaptureFixture[str], days: int, *words: str) -> tuple[int, list[Any]]:
    capsys.readouterr()
    given = ["exceptions", "forecast", "--env", "prod", "--policy", str(root), "--at", documents.AT]
    given += ["--days", str(days), "--corpus", str(root / "findings.json"), "--format", "json", *words]
    code = main(given)
    return code, json.loads(capsys.readouterr().out)["failures"]


def test_forecast_names_the_model_the_second_and_the_reason(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents.store(root, documents.document(documents.finding()))
    trees.write(root, FILE, entry("EXC-1", "2026-12-02T12:00:00+02:00") + entry("EXC-0", "2026-11-30"))
    code, failures = forecast(root, capsys, 30)
    (failure,) = failures
    assert (code, failure["model"], failure["verdict"]) == (1, "models/tiny", "deny")
    assert failure["at"] == "2026-12-02T10:00:00Z"
    assert failure["exceptions"] == ["EXC-1"]
    assert "exception EXC-1 expired at" in failure["violations"][0]["msg"]
    assert forecast(root, capsys, 9)[0] == 1
    assert forecast(root, capsys, 8) == (0, [])


def test_forecast_sees_a_rule_that_takes_effect(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents.store(root, documents.document())
    told = 'model.formats: {level: deny, effective_on: "2026-12-01", allowed: [json]}'
    trees.edit(root, PROD, 'model.formats: {level: "off"}', told)
    code, failures = forecast(root, capsys, 30)
    assert (code, failures[0]["at"], failures[0]["exceptions"]) == (1, "2026-12-01T00:00:00Z", [])
    assert failures[0]["violations"][0]["rule"] == "model.formats"


def test_forecast_leaves_out_what_is_refused_today(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trees.write(root, FILE, entry("EXC-1", "2026-12-02"))
    assert forecast(root, capsys, 30) == (0, [])


def test_forecast_reads_as_sentences(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents.store(root, documents.document(*(documents.finding(f"wgf-{number}") for number in range(4))))
    ends = ["2026-12-02", "2026-12-02", "2026-12-05", "2027-01-05"]
    entries = [entry(f"EXC-{number}", end, scope=f"{{finding: wgf-{number}}}") for number, end in enumerate(ends)]
    for name in ("prod", "staging"):
        trees.write(root, FILE.replace("prod", name), "".join(entries))
    words = ["exceptions", "forecast", "--policy", str(root), "--at", documents.AT]
    words += ["--corpus", str(root / "findings.json")]
    assert main([*words, "--all"]) == 1
    out, err = capsys.readouterr()
    violation = (
        "  severity.threshold: HIGH: os.system is called when the file is loaded; exception EXC-{} expired at {}"
    )
    assert out.splitlines() == [
        line
        for name in ("staging", "prod")
        for line in (
            f"from 2026-12-02T00:00:00Z on {name} refuses models/tiny (deny)",
            "  because EXC-0 and EXC-1 end",
            violation.format(0, "2026-12-02"),
            violation.format(1, "2026-12-02"),
            "  renew EXC-2 too: it ends at 2026-12-05",
        )
    ]
    assert "1 model in staging, prod would start to fail by 2026-12-23T10:00:00Z; 1 findings document " in err
    assert main([*words, "--env", "dev"]) == 0
    said = "no model would start to fail by 2026-12-23T10:00:00Z; 1 findings document decided as of 1 moment to come\n"
    assert capsys.readouterr().err.endswith(said)
