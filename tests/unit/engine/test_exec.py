"""OPA as a child process: one process, its crashes, and what changes under it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support import documents, trees
from weightgate.cli import main
from weightgate.decision import Decision
from weightgate.engine import binary
from weightgate.engine.evaluate import Evidence, evaluate
from weightgate.engine.exec import PREPARED, ExecEngine
from weightgate.errors import EngineError, PolicyCompileError, PolicyError, UsageError
from weightgate.policy.tree import PolicyTree

CLEAN = documents.document()
REFUSED = documents.document(documents.finding(severity="CRITICAL"))


@pytest.fixture
def tree(tmp_path: Path) -> PolicyTree:
    return trees.tree(tmp_path / "tree")


def decide(
    tree: PolicyTree, *given: dict[str, Any], timeout: float = 60, env: tuple[str, ...] = ("dev",)
) -> list[Decision]:
    with ExecEngine(tree, timeout) as engine:
        return list(evaluate(engine, [Evidence.of(documents.typed(item)) for item in given], list(env), documents.AT))


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make `WEIGHTGATE_OPA` a shell script; `$OPA` in it is the real one."""
    opa = binary.find()

    def make(script: str) -> Path:
        path = tmp_path / "opa"
        path.write_text(f"#!/bin/sh\nOPA='{opa}'\nLOG='{tmp_path}/log'\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("WEIGHTGATE_OPA", str(path))
        return tmp_path / "log"

    return make


def test_allow_and_deny(tree: PolicyTree) -> None:
    found = decide(tree, CLEAN, REFUSED)
    assert [item.verdict for item in found] == ["allow", "deny"]
    assert found[0].engine.mode == "exec"
    assert found[0].policy.digest == tree.digest()


def test_two_documents_and_three_environments_take_one_opa_process(
    tree: PolicyTree, tmp_path: Path, program: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    log = program('echo "$1" >> "$LOG"\nexec "$OPA" "$@"')
    names = [str(documents.store(tmp_path, CLEAN, "a.json")), str(documents.store(tmp_path, REFUSED, "b.json"))]
    assert main(["check", *names, "--all", "--policy", str(tree.root), "--format", "json"]) == 1
    assert log.read_text() == "eval\n"
    assert capsys.readouterr().out.count('"environment"') == 6


def test_the_order_of_the_files_changes_no_byte(
    tree: PolicyTree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [str(documents.store(tmp_path, CLEAN, "a.json")), str(documents.store(tmp_path, REFUSED, "b.json"))]
    command = ["--all", "--policy", str(tree.root), "--format", "json", "--at", documents.AT]
    outputs = set()
    for order in (names, names[::-1], names):
        main(["check", *order, *command])
        outputs.add(capsys.readouterr().out)
    assert len(outputs) == 1
    assert '"deny"' in outputs.pop()


CRASHES = {
    "ended by a signal": ("kill -KILL $$", EngineError, "signal 9"),
    "nothing said": ("cat > /dev/null; exit 0", EngineError, "not the answer"),
    "nothing said, with an exit code": ("cat > /dev/null; exit 7", PolicyCompileError, "exit code 7"),
    "words on stderr": ("cat > /dev/null; echo boom >&2; exit 2", PolicyCompileError, "boom"),
    "does not read": ("exit 1", PolicyCompileError, "exit code 1"),
    "garbage": ("cat > /dev/null; echo 'allow: true'", EngineError, "no JSON"),
    "cut": ("""cat > /dev/null; echo '{"result": [{"expr'""", EngineError, "no JSON"),
    "half of an answer, then an exit code": ('"$OPA" "$@"; exit 3', PolicyCompileError, "exit code 3"),
    "another shape": ("""cat > /dev/null; echo '{"result": true}'""", EngineError, "not the answer"),
    "a list": ("cat > /dev/null; echo '[]'", EngineError, "not the answer"),
    "no result": ("cat > /dev/null; echo '{}'", EngineError, "not the answer"),
    "rows of another shape": (
        "cat > /dev/null; "
        'echo \'{"result": [{"expressions": [{"value": {"answers": [["dev", "0", {}]], "opa": "1"}}]}]}\'',
        EngineError,
        "not the answer",
    ),
    "errors beside a result": (
        'cat > /dev/null; echo \'{"errors": [{"message": "odd"}], "result": []}\'',
        PolicyCompileError,
        "odd",
    ),
    "two results": (
        "cat > /dev/null; "
        'row=\'{"expressions": [{"value": {"answers": [], "opa": "1"}}]}\'; echo "{\\"result\\": [$row, $row]}"',
        EngineError,
        "not the answer",
    ),
}


@pytest.mark.parametrize(("script", "error", "words"), CRASHES.values(), ids=CRASHES)
def test_a_crash_is_no_decision(
    tree: PolicyTree, program: Any, script: str, error: type[Exception], words: str
) -> None:
    program(script)
    with pytest.raises(error, match=words) as caught:
        decide(tree, CLEAN)
    assert getattr(caught.value, "exit_code", None) == 3


def test_a_program_that_hangs_is_ended(tree: PolicyTree, program: Any) -> None:
    log = program('echo $$ > "$LOG"; exec sleep 600')
    with pytest.raises(EngineError, match=r"did not answer within 0\.2 s"):
        decide(tree, CLEAN, timeout=0.2)
    if log.exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int(log.read_text()), 0)


@pytest.mark.parametrize("path", ["environments/dev/exceptions/data.yaml", "policies/weightgate/gate/gate.rego"])
def test_a_tree_that_changes_during_the_evaluation_is_an_error(tree: PolicyTree, program: Any, path: str) -> None:
    program(f'"$OPA" "$@"; echo "# more" >> "{tree.root}/{path}"')
    with pytest.raises(PolicyError, match="changed while it was being evaluated"):
        decide(tree, CLEAN)


def test_a_tree_that_changes_after_opa_read_it_is_an_error(tree: PolicyTree) -> None:
    with ExecEngine(tree) as engine:
        trees.write(tree.root, "environments/dev/exceptions/data.yaml", trees.EXCEPTION)
        with pytest.raises(PolicyError, match="changed while it was being evaluated"):
            evaluate(engine, [Evidence.of(documents.typed(CLEAN))], ["dev"], documents.AT)


def test_a_program_that_cannot_be_started(tree: PolicyTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "opa"
    path.write_bytes(b"\x7fELF no program")
    path.chmod(0o755)
    monkeypatch.setenv("WEIGHTGATE_OPA", str(path))
    with pytest.raises(EngineError, match="cannot be started"):
        ExecEngine(tree)


def test_opa_sees_nothing_of_our_environment(tree: PolicyTree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_SECURITY_CLIENT_SECRET", "s3cret")
    trees.edit(
        tree.root,
        "environments/dev/policy.rego",
        "\tanswer := gate.decision with",
        '\tobject.keys(opa.runtime().env) == {"GOGC", "GOMEMLIMIT"}\n\tanswer := gate.decision with',
    )
    assert [item.verdict for item in decide(tree, CLEAN)] == ["allow"]


def test_strict_built_in_errors_are_on(tree: PolicyTree) -> None:
    trees.edit(
        tree.root,
        "environments/dev/policy.rego",
        "\tanswer := gate.decision with",
        '\tnot to_number("CRITICAL")\n\tanswer := gate.decision with',
    )
    with pytest.raises(PolicyCompileError, match=r"environments/dev/policy.rego:\d+: to_number"):
        decide(tree, CLEAN)


def test_a_path_with_a_colon_and_a_blank_is_a_path(tmp_path: Path) -> None:
    assert [item.verdict for item in decide(trees.tree(tmp_path / "a:b c"), CLEAN, REFUSED)] == ["allow", "deny"]


def test_ten_thousand_findings(tree: PolicyTree) -> None:
    many = documents.document(
        *[documents.finding(f"wgf-{n}", "CRITICAL" if n == 9999 else "LOW") for n in range(10_000)]
    )
    (found,) = decide(tree, many)
    assert [item.finding for item in found.violations] == ["wgf-9999"]
    assert (found.counts["LOW"], found.counts["CRITICAL"]) == (9999, 1)


def test_hostile_text_reaches_the_policy_as_it_is(tree: PolicyTree) -> None:
    title = '"}]} \u2028 <script> \x00 \U0001f600 ' + "\\" * 9
    sent = documents.document(documents.finding(severity="CRITICAL", title=title))
    (found,) = decide(tree, sent)
    assert title in found.violations[0].msg


def test_an_environment_that_opa_does_not_have_is_an_error(tree: PolicyTree) -> None:
    with pytest.raises(UsageError, match="unknown environment 'prdo'"):
        tree.select(["prdo"], every=False)


def test_a_finished_engine_leaves_no_process(tree: PolicyTree) -> None:
    engine = ExecEngine(tree)
    with engine:
        process = engine._process
    assert process.poll() is not None


DEV = "environments/dev/policy.rego"


def test_other_settings_than_an_environments_own_are_checked_too(tree: PolicyTree) -> None:
    trees.edit(
        tree.root, DEV, "with data.weightgate.settings as data.dev.settings", "with data.weightgate.settings as changed"
    )
    changed = '\tchanged := object.union(data.dev.settings, {"fail_onn": []})\n\tanswer := gate.decision with'
    trees.edit(tree.root, DEV, "\tanswer := gate.decision with", changed)
    dev, prod = decide(tree, CLEAN, env=("dev", "prod"))
    assert [violation.msg for violation in dev.violations] == ["unknown setting fail_onn"]
    assert prod.allow


def test_a_severity_map_of_its_own_is_checked_too(tree: PolicyTree) -> None:
    odd = 'gate.decision with data.weightgate.severity_map as {"series": {"1": {"severity": "LWO"}}}\n\t\twith'
    trees.edit(tree.root, DEV, "gate.decision with", odd)
    (found,) = decide(tree, CLEAN)
    assert [violation.rule for violation in found.violations] == ["settings.valid"]


def test_other_exceptions_than_an_environments_own_count_too(tree: PolicyTree) -> None:
    trees.write(tree.root, "environments/dev/exceptions/data.yaml", trees.EXCEPTION)
    sent = documents.document(documents.finding(severity="CRITICAL"))
    assert decide(tree, sent)[0].allow
    trees.edit(tree.root, DEV, 'object.get(data.dev, "exceptions", {})', "data.staging.exceptions")
    assert not decide(tree, sent)[0].allow


def test_a_tree_in_which_nothing_can_be_prepared_decides_alike(tree: PolicyTree) -> None:
    for name in ("dev", "prod"):
        trees.write(tree.root, f"environments/{name}/exceptions/data.yaml", trees.EXCEPTION)
    sent = (CLEAN, REFUSED, documents.document(documents.finding(), documents.finding("wgf-2")))
    expected = [said(each) for each in decide(tree, *sent, env=("dev", "prod"))]
    for path in ("policies/weightgate/rules/settings/settings.rego", "policies/weightgate/lib/register/register.rego"):
        text = (tree.root / path).read_text(encoding="utf-8")
        trees.write(tree.root, path, text.replace("\nkey := ", "\nother := ").replace(", key]", ", other]"))
    assert [said(each) for each in decide(tree, *sent, env=("dev", "prod"))] == expected


def test_settings_and_exceptions_are_prepared_once_an_environment(tree: PolicyTree) -> None:
    trees.write(tree.root, "environments/dev/exceptions/data.yaml", trees.EXCEPTION)
    asked = {"environments": ["dev", "prod"], "inputs": [{**CLEAN, "context": {"evaluated_at": documents.AT}}]}
    command = [str(binary.find()), "eval", "--format", "raw", "--stdin-input", "-d", "policies", "-d", "environments"]
    done = subprocess.run(
        [*command, f"[array.concat([], [v | some v in each]) | some each in {PREPARED}]"],
        cwd=tree.root,
        input=json.dumps(asked).encode(),
        capture_output=True,
        check=True,
    )
    exceptions, faults = json.loads(done.stdout)
    assert faults == [[], []]
    assert sorted(each["in_force"] for each in exceptions) == [[], ["EXC-1"]]


def said(decision: Decision) -> tuple[object, ...]:
    return decision.verdict, decision.violations, decision.warnings, decision.counts, decision.exceptions


if sys.platform == "win32":
    pytest.skip("the scripts that stand in for OPA are shell scripts", allow_module_level=True)
