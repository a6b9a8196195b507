"""The shipped Rego tree, as plain OPA and conftest see it, and the checks that its authors run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support import documents, trees
from weightgate.engine import binary
from weightgate.policy import rules
from weightgate.policy.tree import PolicyTree

ROOT = trees.ROOT
TOPS = ["policies", "environments"]
SCHEMA = "src/weightgate/schemas/input.schema.json"


def opa(*words: str | Path, cwd: Path = ROOT, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [binary.find(), *words], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=300, check=False
    )


def packages() -> list[Path]:
    return sorted(path for top in TOPS for path in (ROOT / top).rglob("*.rego") if not path.name.endswith("_test.rego"))


def test_the_rego_tests_pass_and_cover_every_line() -> None:
    done = opa("test", "--fail-on-empty", *TOPS)
    assert done.returncode == 0, done.stdout
    covered = opa("test", "--coverage", "--threshold", "100", "--fail-on-empty", *TOPS)
    assert covered.returncode == 0, covered.stdout[-2000:]


def test_an_uncovered_line_fails(tmp_path: Path) -> None:
    for top in TOPS:
        shutil.copytree(ROOT / top, tmp_path / top)
    trees.write(tmp_path, "policies/weightgate/lib/spare/spare.rego", "package weightgate.lib.spare\n\nx if input.y\n")
    done = opa("test", "--coverage", "--threshold", "100", "--fail-on-empty", *TOPS, cwd=tmp_path)
    assert done.returncode != 0


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["fmt", "--fail", "--list"], id="fmt"),
        pytest.param(["check", "--strict"], id="strict"),
        pytest.param(["check", "--strict", "--schema", SCHEMA], id="schema"),
    ],
)
def test_opa_finds_no_fault(words: list[str]) -> None:
    done = opa(*words, *TOPS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_schema_finds_a_field_that_does_not_exist(tmp_path: Path) -> None:
    root = trees.copy(tmp_path)
    trees.edit(
        root,
        "policies/weightgate/rules/revision/revision.rego",
        "is_string(_revision)",
        "is_string(input.model.revison)",
    )
    done = opa("check", "--strict", "--schema", ROOT / SCHEMA, *TOPS, cwd=root)
    assert done.returncode != 0
    assert "revison" in done.stderr


@pytest.mark.parametrize("path", packages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_package_has_its_tests_beside_it_in_the_package_of_that_name(path: Path) -> None:
    tests = path.with_name(f"{path.stem}_test.rego")
    package = next(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("package "))
    lines = tests.read_text(encoding="utf-8").splitlines()
    assert f"{package}_test" in lines
    assert any(line.startswith("test_") for line in lines)


def annotations() -> list[dict[str, Any]]:
    done = opa("inspect", "--annotations", "--format", "json", "policies")
    return [entry["annotations"] for entry in json.loads(done.stdout)["annotations"]]


def test_each_rule_says_what_it_is_and_has_an_id_of_its_own() -> None:
    folders = sorted(path.parent.name for path in packages() if path.is_relative_to(ROOT / "policies/weightgate/rules"))
    notes = [note for note in annotations() if note["scope"] == "package" and "rule_id" in note.get("custom", {})]
    assert len(notes) == len(folders)
    for note in notes:
        assert note["title"].strip()
        assert note["description"].strip()
        assert note["custom"]["remediation"].strip()
    ids = [note["custom"]["rule_id"] for note in notes]
    assert len(set(ids)) == len(ids)
    known = json.loads(opa("eval", "-d", "policies", "--format", "raw", "data.weightgate.gate.rule_ids").stdout)
    assert sorted(ids) == sorted(known)
    assert sorted(rules.annotated(PolicyTree(ROOT, "test"))) == sorted(known)


DATA = ["-d", "policies", "-d", "environments"]
HIGH = json.dumps(documents.document(documents.finding(severity="HIGH")))


@pytest.mark.parametrize(
    ("environment", "verdict"),
    [("dev", "allow"), ("staging", "deny"), ("prod", "deny")],
    ids=["dev", "staging", "prod"],
)
def test_plain_opa_decides(environment: str, verdict: str, tmp_path: Path) -> None:
    (tmp_path / "findings.json").write_text(HIGH, encoding="utf-8")
    done = opa("eval", *DATA, "-i", tmp_path / "findings.json", f"data.environments.{environment}.decision")
    decision = json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
    assert (decision["environment"], decision["verdict"]) == (environment, verdict)


@pytest.mark.parametrize(
    ("environment", "code"), [("dev", 0), ("staging", 1), ("prod", 1)], ids=["dev", "staging", "prod"]
)
def test_conftest_decides(environment: str, code: int, tmp_path: Path) -> None:
    program = os.environ.get("WEIGHTGATE_CONFTEST") or shutil.which("conftest")
    if program is None or not Path(program).exists():
        pytest.skip("conftest is not installed; python tests/support/tools.py FOLDER builds it with Go")
    (tmp_path / "findings.json").write_text(HIGH, encoding="utf-8")
    command = [program, "test", "-p", "policies", "-p", "environments", *DATA, "-n", f"environments.{environment}"]
    done = subprocess.run(
        [*command, tmp_path / "findings.json"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert ("os.system is called" in done.stdout) is (code == 1)


STRICT = ["eval", "--strict-builtin-errors", *DATA, "--stdin-input", "--format", "raw"]


@pytest.mark.parametrize(
    "changes",
    [
        {"owner": None},
        {"reason": 7},
        {"approver": "alice@example.org"},
        {"scope": None},
        {"scope": {"rule": None, "path": "a"}},
        {"scope": {"rule": "S201", "path": "**"}},
        {"created": None},
        {"expires": "soon"},
        {"expires": "2027-11-01"},
        {"created": "2026-11-30"},
        {"expires": "2026-11-01"},
        {"more": 1},
    ],
    ids=repr,
)
def test_an_exception_that_is_rejected_breaks_no_decision(changes: dict[str, Any]) -> None:
    sound = {
        "scope": {"finding": "wgf-1"},
        "reason": "A false positive.",
        "owner": "alice@example.org",
        "approver": "bob@example.org",
        "ticket": "SEC-1",
        "created": "2026-11-01",
        "expires": "2026-12-01",
    }
    entries = json.dumps({"EXC-1": sound, "EXC-2": {**sound, **changes}})
    document = {**documents.document(documents.finding()), "context": {"evaluated_at": documents.AT}}
    query = f"data.environments.prod.decision with data.prod.exceptions as {entries}"
    done = opa(*STRICT, query, stdin=json.dumps(document))
    decision = json.loads(done.stdout)
    assert decision["verdict"] == "allow"
    assert [item["id"] for item in decision["exceptions"]["applied"]] == ["EXC-1"]
    assert {item["id"] for item in decision["exceptions"]["rejected"]} == {"EXC-2"}
