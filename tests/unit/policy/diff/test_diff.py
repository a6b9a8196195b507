"""What a change of the policy does: which documents flip, what was edited, and whether anything is loosened."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support import documents, trees
from weightgate.cli import main
from weightgate.policy.compare import Effect
from weightgate.policy.diff import exceptions, rego
from weightgate.policy.yamlfile import load

STAGING = "environments/staging/data.yaml"
EXCEPTIONS = "environments/staging/exceptions/data.yaml"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "base").mkdir()
    return trees.copy(tmp_path / "base")


@pytest.fixture
def head(tmp_path: Path) -> Path:
    (tmp_path / "head").mkdir()
    return trees.copy(tmp_path / "head")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """One document for each severity, and one without findings; `big` has CRITICAL and HIGH."""
    folder = tmp_path / "corpus"
    (folder / "deep").mkdir(parents=True)
    for word in ("HIGH", "MEDIUM", "LOW"):
        documents.store(folder, documents.document(documents.finding(severity=word)), f"{word}.json")
    both = [documents.finding(severity="CRITICAL"), documents.finding("wgf-2", severity="HIGH")]
    documents.store(folder / "deep", documents.document(*both), "findings-big.json")
    documents.store(folder / "deep", documents.document(), "clean.json")
    (folder / "model-scan-report.json").write_text('{"summary": {}}', encoding="utf-8")
    return folder


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    code = main(["policy", "diff", *map(str, words), "--at", documents.AT])
    return code, capsys.readouterr().out


def impact(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any]]:
    code, out = run(capsys, *words, "--format", "json")
    return code, json.loads(out)


def flips(value: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [
        (Path(each["document"]).name, each["environment"], f"{each['before']} → {each['after']}", each["kind"])
        for each in value["flips"]
    ]


def test_a_tree_against_itself_is_empty(base: Path, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, value = impact(capsys, base, base, "--corpus", corpus)
    assert (code, value["loosens"], value["changes"], value["flips"]) == (0, False, [], [])


def test_a_copy_of_a_tree_is_empty_too(
    base: Path, head: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (head / STAGING).open("a", encoding="utf-8") as out:
        out.write("# A comment changes the digest and nothing else.\n")
    code, value = impact(capsys, base, head, "--corpus", corpus)
    assert (code, value["documents"], value["changes"], value["flips"]) == (0, 5, [], [])


def test_every_flip_is_told(base: Path, head: Path, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = trees.edit(head, STAGING, "fail_on: [CRITICAL, HIGH]", "fail_on: [CRITICAL]")
    code, value = impact(capsys, base, head, "--corpus", corpus)
    assert (code, value["loosens"]) == (1, True)
    assert sorted(flips(value)) == [
        ("HIGH.json", "staging", "deny → allow", "newly allowed"),
        ("findings-big.json", "staging", "deny → deny", "refused for other reasons"),
    ]
    assert value["changes"] == [
        {
            "environment": "staging",
            "kind": "setting",
            "effect": "loosened",
            "where": f"{STAGING}:{line}",
            "words": "fail_on: [CRITICAL, HIGH] → [CRITICAL]",
        }
    ]
    code, value = impact(capsys, head, base, "--corpus", corpus)
    assert (code, value["loosens"]) == (0, False), "the other way it tightens"
    assert ("HIGH.json", "staging", "allow → deny", "newly refused") in flips(value)


def test_missing_evidence_is_no_denial(
    base: Path, head: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = [{"path": "weights.pkl", "reason": "skipped"}]
    path = documents.store(tmp_path, documents.document(scans=[documents.scan(status="partial", unscanned=left)]))
    trees.edit(head, STAGING, "coverage.complete: {level: deny}", "coverage.complete: {level: warn}")
    code, value = impact(capsys, base, head, "--corpus", path)
    assert flips(value) == [("findings.json", "staging", "indeterminate → allow", "newly allowed")]
    assert code == 1


def test_loosening_can_be_allowed(base: Path, head: Path, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trees.write(head, EXCEPTIONS, trees.EXCEPTION)
    code, out = run(capsys, base, head, "--corpus", corpus, "--allow-loosening")
    assert code == 0
    assert "staging: newly allowed (1)" in out
    assert "exception EXC-1 is new: it excuses finding wgf-1 from 2026-11-01 until 2026-12-01" in out


def test_without_a_corpus_what_was_edited_decides(base: Path, head: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trees.edit(head, STAGING, "max_days: {CRITICAL: 90", "max_days: {CRITICAL: 91")
    assert run(capsys, base, head)[0] == 1
    assert run(capsys, head, base)[0] == 0


HOSTILE = "models/[x](https://evil.example.org)|<img src=x>`@team`\n::error::x"


def test_hostile_names_are_inert(base: Path, head: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = documents.model(uri=HOSTILE)
    path = documents.store(tmp_path, documents.document(documents.finding(), model=model))
    trees.edit(head, STAGING, "fail_on: [CRITICAL, HIGH]", "fail_on: [CRITICAL]")
    _, out = run(capsys, base, head, "--corpus", path, "--format", "markdown")
    (line,) = [line for line in out.splitlines() if "evil" in line]
    assert line.startswith("- ``models/[x](https://evil.example.org)\\x7c<img src=x>`@team`\\x0a::error::x`` (")
    _, out = run(capsys, base, head, "--corpus", path)
    assert "\n::error::" not in out


BROKEN_CORPUS = {
    "missing": (None, 2),
    "no document": ("{}", 2),
    "invalid document": ('{"schema": "weightgate.findings/v1"}', 2),
}


@pytest.mark.parametrize(("text", "code"), BROKEN_CORPUS.values(), ids=BROKEN_CORPUS)
def test_a_corpus_that_cannot_be_used_is_an_error(
    base: Path, head: Path, tmp_path: Path, text: str | None, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    trees.edit(head, STAGING, "warn_days: 14", "warn_days: 15")
    folder = tmp_path / "broken"
    if text is not None:
        folder.mkdir()
        (folder / "x.json").write_text(text, encoding="utf-8")
    assert run(capsys, base, head, "--corpus", folder)[0] == code


def test_a_tree_that_cannot_be_used_is_an_error(base: Path, head: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trees.edit(head, STAGING, "fail_on:", "fial_on:")
    assert run(capsys, base, head)[0] == 3
    assert run(capsys, head, base)[0] == 3


def test_a_rego_change_is_judged_by_generated_documents(
    base: Path, head: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trees.drop(head, "dev", 'v.rule == "outcome.safe"\n\tinput.scans[_].outcome == "FAILURE"')
    code, value = impact(capsys, base, head)
    assert code == 1
    assert {flip["environment"] for flip in value["generated"]} == {"dev"}
    assert {change["effect"] for change in value["changes"]} == {"changed"}


def rules(base: Path, head: Path) -> list[tuple[str, Effect]]:
    return [(words, effect) for _, effect, words in rego.compare(base, head)]


OUTCOME = "policies/weightgate/rules/outcome/outcome.rego"


def test_rego_changes_are_told_by_rule(base: Path, head: Path) -> None:
    trees.edit(head, OUTCOME, '_safe := {"PASS", ', "# A comment.\n_safe := {")
    assert rules(base, head) == [
        ("rule _safe says something else; what that does shows in the documents only", Effect.CHANGED)
    ]
    text = (base / OUTCOME).read_text(encoding="utf-8")
    trees.write(head, OUTCOME, text + "\n# The end.\n")
    assert rules(base, head) == [], "comments and layout are no change"
    trees.write(head, OUTCOME, text + '\nundecided contains _violation("never") if false\n')
    assert rules(base, head) == [("rule undecided has 1 bodies more", Effect.TIGHTENED)]
    assert rules(head, base) == [("rule undecided has 1 bodies less", Effect.LOOSENED)]
    (head / OUTCOME).unlink()
    assert rules(base, head) == [(f"the file {OUTCOME} is gone, with every rule in it", Effect.LOOSENED)]


def changes(old: str, new: str, at: str = documents.AT) -> list[tuple[Effect, str]]:
    values = [load(text.encode(), "data.yaml").value or {} for text in (old, new)]
    return [(effect, words) for _, effect, words in exceptions.compare(values[0], values[1], at)]


ONE = trees.EXCEPTION
WIDE = ONE.replace("{finding: wgf-1}", '{rule: S201, model: "models/*"}')
NARROW = WIDE.replace("}", ", path: weights.pkl}")

EDITS = {
    "longer": (ONE, ONE.replace("2026-12-01", "2026-12-11"), Effect.LOOSENED, "lasts 10 days longer"),
    "shorter": (ONE, ONE.replace("2026-12-01", "2026-11-30"), Effect.TIGHTENED, "lasts 1 days less"),
    "written in another way": (ONE, ONE.replace("2026-12-01", "2026-12-01T00:00:00Z"), Effect.CHANGED, "another way"),
    "wider": (NARROW, WIDE, Effect.LOOSENED, "is wider"),
    "narrower": (WIDE, NARROW, Effect.TIGHTENED, "is narrower"),
    "another scope": (ONE, ONE.replace("wgf-1", "wgf-2"), Effect.UNKNOWN, "excuses something else"),
    "created later": (ONE, ONE.replace("2026-11-01", "2026-11-02"), Effect.UNKNOWN, "counts its days"),
    "another reason": (ONE, ONE.replace("positive", "alarm"), Effect.CHANGED, "has another reason"),
    "removed": (ONE, "{}", Effect.TIGHTENED, "is removed"),
    "new": ("{}", ONE, Effect.LOOSENED, "owner alice@example.org, approver bob@example.org, SEC-1"),
    "new and ended": ("{}", ONE.replace("2026-12-01", "2026-11-23T10:00:00Z"), Effect.CHANGED, "has ended already"),
    "new and about to end": ("{}", ONE.replace("2026-12-01", "2026-11-23T10:00:01Z"), Effect.LOOSENED, "is new"),
    "ended one brought back": (ONE.replace("2026-12-01", "2026-11-20"), ONE, Effect.LOOSENED, "longer"),
    "ended ones edited": (
        ONE.replace("2026-12-01", "2026-11-20"),
        ONE.replace("2026-12-01", "2026-11-21"),
        Effect.CHANGED,
        "longer",
    ),
}


@pytest.mark.parametrize(("old", "new", "effect", "words"), EDITS.values(), ids=EDITS)
def test_exceptions_are_compared_in_words(old: str, new: str, effect: Effect, words: str) -> None:
    ((found, said),) = changes(old, new)
    assert found is effect
    assert words in said


def git(root: Path, *words: str) -> str:
    environ = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *words], cwd=root, env=environ, capture_output=True, check=True, text=True)
    return done.stdout


@pytest.fixture
def repository(base: Path) -> Path:
    git(base, "init", "-q")
    git(base, "add", ".")
    git(base, "commit", "-qm", "one")
    return base


def test_revisions_are_compared_and_the_work_tree_is_left_alone(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trees.edit(repository, STAGING, "fail_on: [CRITICAL, HIGH]", "fail_on: [CRITICAL]")
    assert run(capsys, "HEAD", "--policy", repository)[0] == 1, "the work tree is what is compared by default"
    git(repository, "commit", "-qam", "two")
    (repository / "notes").write_text("mine", encoding="utf-8")
    before = git(repository, "status", "--porcelain", "--branch")
    assert run(capsys, "HEAD", "--policy", repository)[0] == 0
    assert run(capsys, "HEAD~1", "HEAD", "--policy", repository)[0] == 1
    assert run(capsys, "HEAD", "HEAD~1", "--policy", repository)[0] == 0
    assert git(repository, "status", "--porcelain", "--branch") == before


def test_attributes_of_a_revision_hide_nothing(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / ".gitattributes").write_text("environments/staging/exceptions export-ignore\n", encoding="utf-8")
    trees.write(repository, EXCEPTIONS, trees.EXCEPTION)
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "two")
    code, out = run(capsys, "HEAD~1", "HEAD", "--policy", repository)
    assert code == 1
    assert "exception EXC-1 is new" in out


def test_a_revision_with_a_link_is_refused(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "policies" / "more.rego").symlink_to("/etc/passwd")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "two")
    assert main(["policy", "diff", "HEAD~1", "HEAD", "--policy", str(repository)]) == 3
    assert "policies/more.rego: expected a plain file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["no-such-branch", "--output=x", "HEAD:policies"])
def test_what_is_no_revision_is_a_usage_error(repository: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "diff", "--policy", str(repository), "--", name]) == 2
