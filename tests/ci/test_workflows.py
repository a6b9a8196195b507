"""Workflows, action, component and hooks: clean by the usual checkers, and safe by the project's own rules."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from weightgate.formats import registry

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTION = ROOT / ".github/actions/gate/action.yml"
COMPONENT = ROOT / "templates/model-gate.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/ci.md").read_text("utf-8"), re.DOTALL)
GITHUB_EXAMPLES = [text for text in EXAMPLES if text.startswith("name: ")]
PIN = re.compile(r"^\s*(?:- )?uses: (\S+)(.*)$", re.MULTILINE)
GITLAB_REPORTS = {"junit": "junit", "codequality": "codequality"}


def tool(name: str) -> str:
    """Return a checker that is a Python package, installed beside the running interpreter."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    assert found is not None, f"{name} is missing: install requirements/dev.txt"
    return found


def actionlint() -> str:
    named = os.environ.get("WEIGHTGATE_ACTIONLINT")
    if not named or not Path(named).exists():
        pytest.skip("actionlint is not here; tests/support/tools.py installs it where Go is")
    return named


def checked(*command: str, cwd: Path = ROOT) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def jobs(workflow: Path) -> dict[str, Any]:
    found = yaml.safe_load(workflow.read_bytes())["jobs"]
    assert isinstance(found, dict)
    return found


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A repository that holds the examples of the documentation."""
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    assert len(GITHUB_EXAMPLES) == 3
    for number, text in enumerate(GITHUB_EXAMPLES):
        (folder / f"{number}.yml").write_text(text)
    return tmp_path


def test_actionlint_is_content() -> None:
    checked(actionlint(), "-shellcheck=", "-pyflakes=")


def test_actionlint_is_content_with_the_examples(examples: Path) -> None:
    subprocess.run(["git", "init", "-q", examples], check=True)
    checked(actionlint(), "-shellcheck=", "-pyflakes=", cwd=examples)


def test_zizmor_is_content() -> None:
    checked(tool("zizmor"), "--offline", "--strict-collection", "--no-progress", ".github", HOOKS.name)


def test_zizmor_is_content_with_the_examples(examples: Path) -> None:
    checked(tool("zizmor"), "--offline", "--strict-collection", "--no-progress", str(examples))


def test_zizmor_would_complain(tmp_path: Path) -> None:
    (tmp_path / ".github/workflows").mkdir(parents=True)
    text = (
        ACTION.parents[2]
        .joinpath("workflows/ci.yml")
        .read_text()
        .replace('echo "$RESULTS"', "echo ${{ github.head_ref }}")
    )
    (tmp_path / ".github/workflows/ci.yml").write_text(text)
    with pytest.raises(AssertionError, match="template-injection"):
        checked(tool("zizmor"), "--offline", "--no-progress", str(tmp_path))


@pytest.mark.parametrize("file", [*WORKFLOWS, "examples"], ids=str)
def test_workflows_fit_githubs_schema(file: Path | str, examples: Path) -> None:
    files = (
        [str(file)] if isinstance(file, Path) else [str(path) for path in (examples / ".github/workflows").iterdir()]
    )
    checked(tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *files)


def test_the_action_fits_githubs_schema() -> None:
    checked(tool("check-jsonschema"), "--builtin-schema", "vendor.github-actions", str(ACTION))


def test_the_component_fits_gitlabs_schema(tmp_path: Path) -> None:
    header, body = yaml.safe_load_all(COMPONENT.read_bytes())
    known = {"description", "type", "default", "options", "regex"}
    for name, spec in header["spec"]["inputs"].items():
        assert set(spec) <= known, name
    used = set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", COMPONENT.read_text()))
    assert used == set(header["spec"]["inputs"])
    # What GitLab makes of it: the inputs' defaults in their places.
    text = COMPONENT.read_text().split("\n---\n", 1)[1]
    for name, spec in header["spec"]["inputs"].items():
        text = text.replace(f"$[[ inputs.{name} ]]", json.dumps(spec.get("default", "models/mine")))
    made = tmp_path / "made.yml"
    made.write_text(text)
    checked(tool("check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci", str(made))
    job = yaml.safe_load(text)["model-gate"]
    assert job["artifacts"]["when"] == "always"
    assert "allow_failure" not in body["model-gate"]
    for report, form in GITLAB_REPORTS.items():
        assert job["artifacts"]["reports"][report] == f"model-gate/{registry.FILES[form]}"
        assert f"--format {form}" in " ".join(job["script"])


@pytest.mark.parametrize("file", [*WORKFLOWS, ACTION], ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_with_their_version(file: Path) -> None:
    found = PIN.findall(file.read_text("utf-8"))
    assert found or file.name == "none"
    for name, comment in found:
        if not name.startswith("$/"):
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", name), name
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), name


def test_one_version_of_each_action_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for text in [*(file.read_text("utf-8") for file in (*WORKFLOWS, ACTION)), *GITHUB_EXAMPLES]:
        for name, comment in PIN.findall(text):
            pins.setdefault(name.partition("@")[0], set()).add(name + comment)
    assert {name: found for name, found in pins.items() if len(found) > 1} == {}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_safe(file: Path) -> None:
    whole = yaml.safe_load(file.read_bytes())
    # NOTE: YAML 1.1 reads the key `on` as true.
    triggers = whole[True] if isinstance(whole[True], dict) else dict.fromkeys(whole[True])
    assert whole["permissions"] == {}
    assert "concurrency" in whole
    assert "pull_request_target" not in triggers
    for name, job in whole["jobs"].items():
        assert "permissions" in job, name
        assert 0 < job["timeout-minutes"] <= 60, name
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), f"{name}: values reach a script by env:"
            if str(step.get("uses", "")).startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name
            if "secrets." in json.dumps(step):
                assert step["uses"] == "$/.github/actions/gate", f"{name}: only the gate gets secrets"
    if "workflow_run" in triggers:
        assert not [
            step for job in whole["jobs"].values() for step in job["steps"] if "checkout" in step.get("uses", "")
        ]


def test_the_gate_takes_half_an_hour_and_every_environment_its_turn() -> None:
    gate = jobs(ROOT / ".github/workflows/model-gate.yml")["gate"]
    assert gate["timeout-minutes"] == 30
    assert gate["strategy"]["fail-fast"] is False
    action = yaml.safe_load(ACTION.read_bytes())
    # weightgate's own limit ends before the job's, so that a decision is still written.
    assert int(action["inputs"]["timeout"]["default"]) < 30 * 60


def test_the_gate_passes_on_only_inputs_that_the_action_has() -> None:
    action = yaml.safe_load(ACTION.read_bytes())
    for workflow in WORKFLOWS:
        for job in jobs(workflow).values():
            for step in job["steps"]:
                if step.get("uses") == "$/.github/actions/gate":
                    assert set(step["with"]) <= set(action["inputs"])
    for text in GITHUB_EXAMPLES:
        called = yaml.safe_load((ROOT / ".github/workflows/model-gate.yml").read_bytes())[True]["workflow_call"][
            "inputs"
        ]
        for job in yaml.safe_load(text)["jobs"].values():
            assert set(job.get("with", {})) <= set(called)
            for step in job.get("steps", ()):
                if "/actions/gate@" in step.get("uses", ""):
                    assert set(step["with"]) <= set(action["inputs"])


def test_the_original_inputs_are_kept() -> None:
    triggers = yaml.safe_load((ROOT / ".github/workflows/model-gate.yml").read_bytes())[True]
    for trigger in ("workflow_call", "workflow_dispatch"):
        assert {"model_url", "security_profile_id"} <= set(triggers[trigger]["inputs"])
    assert "fail_on_severity" not in triggers["workflow_dispatch"]["inputs"]


def test_only_one_job_of_a_release_can_do_each_thing() -> None:
    found = jobs(ROOT / ".github/workflows/release.yml")
    assert {name: job["permissions"] for name, job in found.items()} == {
        "build": {"contents": "read"},
        "attest": {"id-token": "write", "attestations": "write"},
        "publish": {"id-token": "write"},
    }
    assert found["publish"]["needs"] == ["build", "attest"]
    assert "password" not in json.dumps(found)


def test_every_job_is_needed_by_the_one_that_sums_up() -> None:
    found = jobs(ROOT / ".github/workflows/ci.yml")
    assert set(found["all"]["needs"]) == set(found) - {"all"}
    assert found["all"]["if"] == "always()"
    success = " ".join(["success"] * len(found["all"]["needs"]))
    assert f'[ "$RESULTS" = "{success}" ]' in found["all"]["steps"][0]["run"]


def verdict(tmp_path: Path, result: str, environments: list[str], **decisions: object) -> tuple[int, dict[str, str]]:
    """Run the step that sums up the environments; `decisions` are what their artifacts hold."""
    step = jobs(ROOT / ".github/workflows/model-gate.yml")["verdict"]["steps"][-1]
    assert step["shell"] == "python3 -I {0}"
    for name, value in decisions.items():
        folder = tmp_path / f"reports/model-scan-report-{name}"
        folder.mkdir(parents=True)
        (folder / "decision.json").write_text(json.dumps(value))
    outputs = tmp_path / "outputs"
    done = subprocess.run(
        [sys.executable, "-I", "-c", step["run"]],
        cwd=tmp_path,
        env={"GITHUB_OUTPUT": str(outputs), "RESULT": result, "ENVIRONMENTS": json.dumps(environments)},
        capture_output=True,
        timeout=60,
    )
    return done.returncode, dict(line.split("=", 1) for line in outputs.read_text().splitlines())


def decided(environment: str, word: str) -> dict[str, str]:
    return {"schema": "weightgate.decision/v1", "environment": environment, "verdict": word}


@pytest.mark.parametrize(
    ("result", "environments", "decisions", "expected"),
    [
        ("success", ["dev", "prod"], {"dev": decided("dev", "allow"), "prod": decided("prod", "allow")}, "allow"),
        ("failure", ["dev", "prod"], {"dev": decided("dev", "allow"), "prod": decided("prod", "deny")}, "deny"),
        ("failure", ["dev"], {"dev": decided("dev", "indeterminate")}, "indeterminate"),
        ("success", ["dev", "prod"], {"dev": decided("dev", "allow")}, "error"),
        ("success", ["dev"], {"dev": decided("prod", "allow")}, "error"),
        ("success", ["dev"], {"dev": decided("dev", "fine")}, "error"),
        ("success", ["dev"], {"dev": {"schema": "weightgate.decisions/v1", "decisions": []}}, "error"),
        ("success", ["dev"], {"dev": []}, "error"),
        ("success", [], {}, "error"),
        ("cancelled", ["dev"], {"dev": decided("dev", "allow")}, "error"),
        ("skipped", ["dev"], {"dev": decided("dev", "allow")}, "error"),
        ("failure", ["dev"], {"dev": decided("dev", "allow")}, "error"),
    ],
)
def test_the_required_check_needs_every_environment(
    tmp_path: Path, result: str, environments: list[str], decisions: dict[str, object], expected: str
) -> None:
    code, outputs = verdict(tmp_path, result, environments, **decisions)
    assert outputs["verdict"] == expected
    assert (code == 0) == (expected == "allow")
    assert set(json.loads(outputs["verdicts"])) == set(environments)
    assert expected == "allow" or set(json.loads(outputs["verdicts"]).values()) != {"allow"} or not environments


def test_the_comment_takes_hostile_text_as_text(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not here; GitHub runs the script with it")
    script = jobs(ROOT / ".github/workflows/policy-comment.yml")["comment"]["steps"][-1]["with"]["script"]
    impact = tmp_path / "impact.md"
    impact.write_text(
        "### Loosened\n<img src=x onerror=1> @everyone [a](https://e.org) ![b](x) [c]: //e.org\n"
        "<!-- weightgate policy impact -->\n\x1b[31m\u202e\x00 `prod`: 3 → 2\n"
    )
    harness = tmp_path / "harness.js"
    harness.write_text(
        "const calls = [];"
        "const github = {rest: {pulls: {list: 'pulls'}, issues: {listComments: 'comments',"
        " createComment: async (c) => calls.push(['create', c]),"
        " updateComment: async (c) => calls.push(['update', c])}},"
        " paginate: async (what) => what === 'pulls' ? [{number: 7, head: {sha: 'good'}}] : COMMENTS};"
        "const core = {info: () => {}};"
        "const context = {repo: {owner: 'o', repo: 'r'}, payload: {workflow_run: {head_sha: SHA, head_branch: 'b',"
        " head_repository: {owner: {login: 'fork'}}}}};"
        f"(async () => {{ {script} }})().then(() => console.log(JSON.stringify(calls)));"
    )

    def called(sha: str, comments: list[dict[str, Any]]) -> Any:
        text = (
            harness.read_text().replace("SHA,", f"{json.dumps(sha)},", 1).replace("COMMENTS", json.dumps(comments), 1)
        )
        made = tmp_path / "made.js"
        made.write_text(text)
        done = subprocess.run([node, made], env={"IMPACT": str(impact)}, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    ((what, made),) = called("good", [])
    assert (what, made["issue_number"]) == ("create", 7)
    text = made["body"]
    assert text.startswith("<!-- weightgate policy impact -->")
    assert not re.search(r"<[a-z!]|@\w|\]\(|\]:|://|[\x00-\x09\x0b-\x1f\x7f\u202e]", text.split("-->", 1)[1])
    assert "`prod`: 3 → 2" in text

    human = {"id": 1, "user": {"type": "User"}, "body": "<!-- weightgate policy impact --> mine"}
    mine = {"id": 2, "user": {"type": "Bot"}, "body": "<!-- weightgate policy impact -->\nold"}
    ((what, made),) = called("good", [human, mine])
    assert (what, made["comment_id"]) == ("update", 2)
    assert called("other", []) == []


def test_the_hooks_name_commands_that_exist() -> None:
    from weightgate import cli
    from weightgate.cli import policy

    hooks = {hook["id"]: hook for hook in yaml.safe_load(HOOKS.read_bytes())}
    assert set(hooks) == {"weightgate-policy-lint", "weightgate-policy-test", "weightgate-scan"}
    for hook in hooks.values():
        name, command, *rest = hook["entry"].split()
        assert name == "weightgate"
        assert command in cli.COMMANDS
        assert not rest or rest[0] in policy.COMMANDS
    # File names come last, after `--`, so that one that begins with a dash is a name.
    assert hooks["weightgate-scan"]["args"][-1] == "--"


def test_whoever_changes_the_policy_is_reviewed() -> None:
    owned = {
        line.split()[0] for line in (ROOT / ".github/CODEOWNERS").read_text().splitlines() if line[:1] not in ("", "#")
    }
    assert {"/policies/", "/environments/", "/.github/"} <= owned
