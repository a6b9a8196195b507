"""Break-glass grants: read strictly, found by the linter, against the order, and told by every command that lists."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from support import documents, trees
from weightgate.cli import main
from weightgate.engine import many
from weightgate.engine.canary import CANARIES
from weightgate.engine.evaluate import Evidence
from weightgate.errors import CanaryPassed, PolicyError
from weightgate.explain import exceptions as considered
from weightgate.policy import compare, order, syntax
from weightgate.policy.compare import Effect
from weightgate.policy.diff import changes
from weightgate.policy.ledger.forecast import forecast
from weightgate.policy.lint import check
from weightgate.policy.order import grants
from weightgate.policy.syntax import members
from weightgate.policy.tree import PolicyTree

FILE = "environments/prod/break_glass/data.yaml"
PROD = "environments/prod/data.yaml"
AT = documents.AT


def refused(**model: Any) -> dict[str, Any]:
    """Return a document about the granted model, which prod refuses."""
    made = documents.document(documents.finding("wgf-1", "HIGH"))
    return {**made, "model": {**made["model"], "digest": trees.GRANTED, **model}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    trees.copy(tmp_path)
    documents.store(tmp_path, refused())
    trees.write(tmp_path, FILE, trees.GRANT)
    return tmp_path


def decide(root: Path, at: str = AT, environment: str = "prod", document: dict[str, Any] | None = None) -> Any:
    evidence = Evidence.of(documents.typed(document or refused()))
    return many.decide(PolicyTree(root, "--policy"), [evidence], [environment], at)[0]


# --- what it opens ---


def test_it_opens_one_environment_for_one_model_until_its_last_second(root: Path) -> None:
    assert decide(root).verdict == "allow"
    assert decide(root, "2026-11-23T12:59:59Z").verdict == "allow"
    assert decide(root, "2026-11-23T13:00:00Z").verdict == "deny"
    assert decide(root, "2026-11-23T08:59:59Z").verdict == "deny"
    assert decide(root, environment="staging").verdict == "deny"
    assert decide(root, document=refused(digest="sha256:" + "5d" * 32)).verdict == "deny"


@pytest.mark.parametrize("zone", ["2026-11-23T14:00:00+01:00", "2026-11-23T07:30:00-05:30"])
def test_zones_mean_the_same_second(root: Path, zone: str) -> None:
    trees.edit(root, FILE, '"2026-11-23T13:00:00Z"', f'"{zone}"')
    assert decide(root, "2026-11-23T12:59:59Z").verdict == "allow"
    assert decide(root, "2026-11-23T13:00:00Z").verdict == "deny"


def test_it_lasts_over_a_leap_day_as_many_hours_as_anywhere(root: Path) -> None:
    for created, expires, verdict in (
        ("2028-02-28T20:00:00Z", "2028-02-29T04:00:00Z", "allow"),
        ("2028-02-28T20:00:00Z", "2028-02-29T04:00:01Z", "deny"),
        ("2028-02-29T20:00:00Z", "2028-03-01T04:00:00Z", "allow"),
    ):
        text = trees.GRANT.replace("2026-11-23T09:00:00Z", created).replace("2026-11-23T13:00:00Z", expires)
        trees.write(root, FILE, text)
        assert decide(root, created).verdict == verdict


def test_a_policy_that_does_not_pass_the_grants_on_ignores_them_and_the_linter_says_so(root: Path) -> None:
    binding = '\n\t\twith data.weightgate.break_glass as object.get(data.prod, "break_glass", {})'
    trees.edit(root, "environments/prod/policy.rego", binding, "")
    assert decide(root).verdict == "deny"
    assert [(each.file, each.rule) for each in check(PolicyTree(root, "--policy"))] == [
        ("environments/prod/policy.rego", "binding")
    ]


def test_a_grant_for_the_canaries_is_an_error(root: Path) -> None:
    digest = CANARIES[0].document["model"]["digest"]
    trees.write(root, FILE, trees.GRANT.replace(trees.GRANTED, digest))
    with pytest.raises(CanaryPassed):
        decide(root)


# --- how it is read ---

MISTAKES = [
    pytest.param("digest: sha256:", "digest: sha256:5c", 2, id="digest"),
    pytest.param("rules: [severity.threshold]", "rules: []", 3, id="no rule"),
    pytest.param("rules: [severity.threshold]", "rules: severity.threshold", 3, id="rules no list"),
    pytest.param("expires:", "expire:", 9, id="misspelt key"),
    pytest.param('"2026-11-23T13:00:00Z"', '"2026-11-24"', 9, id="a date"),
    pytest.param('"2026-11-23T13:00:00Z"', '"2026-11-23T13:00:00"', 9, id="no zone"),
    pytest.param("  ticket: SEC-1\n", "", 1, id="no ticket"),
]


@pytest.mark.parametrize(("old", "new", "line"), MISTAKES)
def test_a_mistake_is_an_error_with_its_line(root: Path, old: str, new: str, line: int) -> None:
    trees.edit(root, FILE, old, new)
    with pytest.raises(PolicyError, match=rf"{FILE}:{line}: "):
        decide(root)
    assert (FILE, line, "data") in [(each.file, each.line, each.rule) for each in check(PolicyTree(root, "--policy"))]


LIMITS = [
    pytest.param("max_hours: 8", "max_hours: 25", "at most 24", id="more than a day"),
    pytest.param("max_hours: 8", "max_hours: -1", "-1", id="below nothing"),
    pytest.param("max_hours: 8", "max_hour: 8", "max_hour", id="misspelt"),
    pytest.param("never_override: []", "never_override: x", "list", id="no list"),
]


@pytest.mark.parametrize(("old", "new", "said"), LIMITS)
def test_limits_have_a_closed_schema(root: Path, old: str, new: str, said: str) -> None:
    trees.edit(root, PROD, old, new)
    with pytest.raises(PolicyError, match=said):
        decide(root)


REJECTED = [
    pytest.param(FILE, "bob@", "Alice@", 6, "is the owner too", id="approved by the owner"),
    pytest.param(PROD, "approvers: []", "approvers: [carol@example.org]", 6, "is no approver", id="not an approver"),
    pytest.param(FILE, "T13:", "T18:", 9, "lasts longer than 8 hours", id="too long"),
    pytest.param(FILE, "T13:", "T09:", 9, "is not after", id="ends before it begins"),
    pytest.param(FILE, "severity.threshold", "severity.treshold", 3, "did you mean", id="misspelt rule"),
    pytest.param(FILE, "severity.threshold", "outcome.safe", 3, "no grant overrides", id="a floor"),
    pytest.param(FILE, "severity.threshold", "coverage.complete", 3, "no grant overrides", id="evidence"),
    pytest.param(
        PROD, "never_override: []", "never_override: [severity.threshold]", 3, "never be overridden", id="marked"
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "line", "said"), REJECTED)
def test_what_the_policy_rejects_the_linter_names(
    root: Path, file: str, old: str, new: str, line: int, said: str
) -> None:
    trees.edit(root, file, old, new)
    answer = decide(root)
    assert answer.verdict == "deny"
    assert {each.id for each in answer.exceptions.rejected} == {"BG-1"}
    found = [each for each in check(PolicyTree(root, "--policy")) if each.rule == "rejected"]
    assert [(each.file, each.line) for each in found] == [(FILE, line)]
    assert said in found[0].message


EXCEPTIONS = "environments/prod/exceptions/data.yaml"
HOPELESS = [
    pytest.param(EXCEPTIONS, "bob@", "ALICE@", 5, "is the owner too", id="approved by the owner"),
    pytest.param(PROD, "approvers: []", "approvers: [carol@example.org]", 5, "is no approver", id="not an approver"),
    pytest.param(EXCEPTIONS, "2026-12-01", "2027-11-01", 8, "lasts longer than 90 days", id="too long"),
    pytest.param(EXCEPTIONS, "2026-12-01", "2026-11-01", 8, "is not after", id="ends before it begins"),
]


@pytest.mark.parametrize(("file", "old", "new", "line", "said"), HOPELESS)
def test_an_exception_that_can_never_excuse_is_named_too(
    root: Path, file: str, old: str, new: str, line: int, said: str
) -> None:
    trees.write(root, FILE, "{}\n")
    trees.write(root, EXCEPTIONS, trees.EXCEPTION)
    trees.edit(root, file, old, new)
    found = check(PolicyTree(root, "--policy"))
    assert [(each.file, each.line, each.rule) for each in found] == [(EXCEPTIONS, line, "rejected")]
    assert said in found[0].message


def test_an_exception_for_a_rule_that_is_never_excused_is_named(root: Path) -> None:
    trees.write(root, EXCEPTIONS, trees.EXCEPTION.replace("{finding: wgf-1}", "{rule: S201, path: a.pkl}"))
    trees.edit(root, PROD, "    never: []", "    never: []\n    never_rules: [S201]")
    found = check(PolicyTree(root, "--policy"))
    assert [(each.file, each.line) for each in found] == [(EXCEPTIONS, 2)]


def test_an_id_is_of_an_exception_or_a_grant(root: Path) -> None:
    trees.write(root, "environments/prod/exceptions/data.yaml", trees.EXCEPTION.replace("EXC-1", "BG-1"))
    answer = decide(root, document=refused(digest=trees.GRANTED))
    assert {each.id for each in answer.exceptions.rejected} == {"BG-1"}
    assert "an exception has the same id" in {each.reason for each in answer.exceptions.rejected}
    assert [(each.file, each.line) for each in check(PolicyTree(root, "--policy"))] == [(FILE, 1)]


# --- what the other commands make of it ---


def test_the_order_is_proven_without_grants_and_says_which_there_are(root: Path) -> None:
    tree = PolicyTree(root, "--policy")
    evidence = Evidence.of(documents.typed(refused()))
    assert order.problems(tree, [evidence], AT) == []
    loaded, _ = tree.load(tree.select([], True))
    assert len(grants(loaded, AT)) == 1
    assert f"{FILE}:1: grant BG-1 " in grants(loaded, AT)[0]
    assert grants(loaded, "2026-11-23T13:00:00Z") == []


def test_list_and_forecast_tell_of_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = str(root / "findings.json")
    words = ["exceptions", "list", "--env", "prod", "--policy", str(root), "--at", AT, "--corpus", corpus]
    assert main([*words, "--format", "json"]) == 0
    row = json.loads(capsys.readouterr().out)["exceptions"][0]
    assert (row["kind"], row["state"], row["hours_left"], row["rules"]) == (
        "break-glass",
        "in_force",
        3,
        ["severity.threshold"],
    )
    assert row["hides"] == {
        "rules": [{"model": "models/tiny", "rule": "severity.threshold"}],
        "models": ["models/tiny"],
    }
    assert main(words) == 0
    assert capsys.readouterr().out.startswith(
        "prod BREAK-GLASS BG-1: in force, 3 hours left, until 2026-11-23T13:00:00Z\n"
    )
    evidence = [Evidence.of(documents.typed(refused()))]
    found = forecast(PolicyTree(root, "--policy"), ["prod"], evidence, AT, 1).failures
    assert [(each.at, each.exceptions) for each in found] == [("2026-11-23T13:00:00Z", ("BG-1",))]


def test_explain_tells_what_it_does_or_why_not(root: Path) -> None:
    here = PolicyTree(root, "--policy").load(["prod"])[0]["prod"]
    document = documents.typed(refused())

    def why(at: str, about: dict[str, Any] | None = None) -> str:
        return next(
            considered.considered(here, documents.typed(about) if about else document, decide(root, at, document=about))
        ).why

    assert why(AT).startswith("BREAK-GLASS: overrides severity.threshold until ")
    assert why("2026-11-23T13:00:00Z") == "the grant expired at 2026-11-23T13:00:00Z"
    assert why("2026-11-23T08:00:00Z") == "rejected: it is created in the future"
    assert "for another model" in why(AT, refused(digest="sha256:" + "5d" * 32))
    assert "nothing that it may override" in why(AT, {**refused(), "findings": []})


def test_a_policy_change_names_it(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    base = PolicyTree(trees.copy(tmp_path_factory.mktemp("base")), "base")
    head = PolicyTree(root, "head")

    def told(first: PolicyTree, second: PolicyTree, at: str = AT) -> list[tuple[Effect, str]]:
        before, after = (tree.load(tree.select([], True))[0] for tree in (first, second))
        return [(each.effect, each.words) for each in changes.changes(first, before, second, after, at)]

    [(effect, words)] = told(base, head)
    assert effect is Effect.LOOSENED
    assert words.startswith(
        f"break-glass grant BG-1 is new: it excuses severity.threshold for the model {trees.GRANTED} from"
    )
    assert told(base, head, "2026-11-23T13:00:00Z")[0][0] is Effect.CHANGED
    assert told(head, base)[0][0] is Effect.TIGHTENED
    longer = PolicyTree(trees.copy(tmp_path_factory.mktemp("longer")), "longer")
    trees.write(
        longer.root,
        FILE,
        trees.GRANT.replace("T13:", "T15:").replace("[severity.threshold]", "[severity.threshold, model.source]"),
    )
    assert told(head, longer) == [
        (
            Effect.UNKNOWN,
            "break-glass grant BG-1 has another rules: severity.threshold → severity.threshold, model.source",
        ),
        (Effect.LOOSENED, "break-glass grant BG-1 lasts 2 hours longer: 2026-11-23T13:00:00Z → 2026-11-23T15:00:00Z"),
    ]


def test_limits_have_a_direction() -> None:
    def effect(before: Any, after: Any) -> Effect:
        values = [{"settings": {} if value is None else {"break_glass": value}} for value in (before, after)]
        return next(each.effect for each in compare.compare(values[0], values[1]))

    some = {"max_hours": 8, "never_override": []}
    assert effect(None, some) is Effect.LOOSENED
    assert effect(some, None) is Effect.TIGHTENED
    assert effect(some, {**some, "max_hours": 9}) is Effect.LOOSENED
    assert effect(some, {**some, "never_override": ["model.source"]}) is Effect.TIGHTENED


# --- the command ---


def grant(root: Path, **changes: str) -> int:
    options = {
        "env": "prod",
        "findings": str(root / "findings.json"),
        "id": "BG-2",
        "owner": "alice@example.org",
        "approver": "bob@example.org",
        "reason": "The shop is down.",
        "ticket": "SEC-2",
        "hours": "8",
        "at": AT,
        "policy": str(root),
        **changes,
    }
    return main(["exceptions", "break-glass", *(f"--{key}={value}" for key, value in options.items())])


def test_the_command_writes_a_grant_that_works(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remote = refused(source="huggingface", uri="https://huggingface.co/org/tiny", revision="main")
    documents.store(root, remote)
    trees.edit(root, FILE, trees.GRANTED, "sha256:" + "5d" * 32)
    before = (root / FILE).read_text()
    assert grant(root) == 0
    out, err = capsys.readouterr()
    assert out == (
        f"{root / FILE}:10: BREAK-GLASS BG-2 lets https://huggingface.co/org/tiny into prod "
        "until 2026-11-23T18:00:00Z, against model.pinned_revision, severity.threshold\n"
    )
    assert "opens no gate by itself" in err
    assert (root / FILE).read_text().startswith(before)
    assert decide(root, document=remote).verdict == "allow"
    assert decide(root, "2026-11-23T18:00:00Z", document=remote).verdict == "deny"


REFUSED = [
    pytest.param({"approver": "ALICE@example.org"}, "the owner cannot be the approver", id="one person"),
    pytest.param({"hours": "9"}, "expected 1 to 8 in prod", id="too long"),
    pytest.param({"hours": "0"}, "expected 1 to 8 in prod", id="no time"),
    pytest.param({"id": "BG-1"}, "has a break-glass grant of this id", id="same id"),
    pytest.param({"id": "7"}, "expected letters", id="bad id"),
    pytest.param({"reason": " "}, "expected words", id="no reason"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED)
def test_the_command_refuses_what_the_environment_would_not_take(
    root: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], said: str
) -> None:
    trees.edit(root, FILE, trees.GRANTED, "sha256:" + "5d" * 32)
    before = (root / FILE).read_bytes()
    assert grant(root, **changes) == 2
    assert said in capsys.readouterr().err
    assert (root / FILE).read_bytes() == before
    assert os.listdir(root / "environments/prod/break_glass") == ["data.yaml"]


def test_the_command_refuses_a_grant_that_would_not_help(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refusal(document: dict[str, Any]) -> str:
        documents.store(root, document)
        trees.write(root, FILE, "{}\n")
        assert grant(root) == 2
        assert (root / FILE).read_text() == "{}\n"
        return capsys.readouterr().err

    blocked = {**refused(), "scans": [documents.scan(outcome="BLOCKED")]}
    assert "outcome.safe can never be overridden here" in refusal(blocked)
    unscanned = {**refused(), "scans": [documents.scan(status="failed", outcome=None)]}
    assert "can never be overridden here" in refusal(unscanned)
    assert "no grant is needed" in refusal({**refused(), "findings": []})
    assert "does not know the model's digest" in refusal(refused(digest=None))
    trees.edit(root, PROD, "    never: []", "    never: [HIGH]")
    assert "would refuse the model all the same" in refusal(refused())
    trees.edit(root, PROD, "max_hours: 8", "max_hours: 0")
    assert "takes no break-glass grants" in refusal(refused())


def test_the_shipped_tree_is_not_written_to(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root / "policies")
    monkeypatch.delenv("WEIGHTGATE_POLICY", raising=False)
    words = ["--env=prod", f"--findings={root / 'findings.json'}", "--id=BG-2", "--owner=a", "--approver=b"]
    assert main(["exceptions", "break-glass", *words, "--reason=x", "--ticket=T-1", "--hours=1"]) == 2
    assert "is not written to" in capsys.readouterr().err


def test_the_rules_that_say_so_are_those_that_no_grant_overrides() -> None:
    from weightgate.policy.rules import annotated

    known = annotated(PolicyTree(trees.ROOT, "test"))
    never = {rule.id for rule in known.values() if rule.never_override}
    path = "policies/weightgate/lib/break_glass/break_glass.rego"
    may = members(syntax.parse(trees.ROOT, [path]).values(), ("weightgate", "lib", "break_glass"), "overridable")
    assert len(may) == 7
    assert never | may == set(known)
    assert not never & may
