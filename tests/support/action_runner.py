"""Run a composite action's steps as GitHub's runner does: its environment files, expressions and shell.

Steps with `uses:` are not run; what they were given is kept in `Run.used`.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|(&&|\|\||==|!=|!|\(|\))|([a-z_][\w.-]*))", re.IGNORECASE)
_WORDS = {"&&": " and ", "||": " or ", "!": " not "}
FILES = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH", "GITHUB_ENV")


@dataclass
class Run:
    """What became of one run of the action."""

    ok: bool = True
    codes: dict[str, int] = field(default_factory=dict)
    """Step name → exit code, of the steps with `run:` that were run."""
    used: dict[str, dict[str, str]] = field(default_factory=dict)
    """Step name → its `with:`, of the steps with `uses:` that would have run."""
    outputs: dict[str, str] = field(default_factory=dict)
    """The action's own outputs."""
    log: str = ""
    summary: str = ""


class ActionRunner:
    """A runner's machine: a workspace, and a directory for its own files."""

    def __init__(self, action: Path, workspace: Path, temporary: Path, environ: Mapping[str, str]) -> None:
        self.action = action
        self.workspace = workspace
        self.temporary = temporary
        self.environ = dict(environ)
        self.start: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run

    def run(self, inputs: Mapping[str, str], done: Mapping[str, Mapping[str, str]]) -> Run:
        """Run the action with `inputs`. `done` gives the outputs of steps that are not to be run, by their id."""
        described = yaml.safe_load((self.action / "action.yml").read_bytes())
        unknown = set(inputs) - set(described["inputs"])
        assert not unknown, unknown
        values = {name: inputs.get(name, spec.get("default", "")) for name, spec in described["inputs"].items()}
        steps: dict[str, Mapping[str, str]] = dict(done)
        run = Run()

        def looked(name: str) -> str | bool:
            kind, _, rest = name.partition(".")
            if kind == "inputs":
                return str(values[rest])
            if kind == "github":
                return {"action_repository": "your-org/weightgate", "action_ref": "0" * 40}[rest]
            assert kind == "steps", name
            step, _, output = rest.partition(".outputs.")
            return steps.get(step, {}).get(output, "")

        for step in described["runs"]["steps"]:
            if not _condition(step.get("if"), looked, run.ok):
                continue
            if "uses" in step:
                run.used[step["name"]] = {key: _text(str(text), looked) for key, text in step.get("with", {}).items()}
            elif step.get("id") not in done:
                outputs = self._step(step, {key: _text(text, looked) for key, text in step.get("env", {}).items()}, run)
                if "id" in step:
                    steps[step["id"]] = outputs
        for name, spec in described.get("outputs", {}).items():
            run.outputs[name] = _text(spec["value"], looked)
        return run

    def _step(self, step: Mapping[str, Any], environ: Mapping[str, str], run: Run) -> dict[str, str]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "an expression in a script is code that an input can write"
        script = self.temporary / "step.sh"
        script.write_text(step["run"])
        files = {name: self.temporary / f"_{name}" for name in FILES}
        for file in files.values():
            file.write_text("")
        whole = {
            **self.environ,
            **{name: str(file) for name, file in files.items()},
            **environ,
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(self.action),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temporary),
        }
        done = self.start(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.workspace,
            env=whole,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=280,
        )
        run.codes[step["name"]] = done.returncode
        run.ok = run.ok and done.returncode == 0
        run.log += done.stdout
        run.summary += files["GITHUB_STEP_SUMMARY"].read_text("utf-8")
        assert not files["GITHUB_ENV"].read_text(), "the action changes no variable of the job"
        assert not files["GITHUB_PATH"].read_text(), "the action changes no path of the job"
        return parse_outputs(files["GITHUB_OUTPUT"].read_text("utf-8"))


def parse_outputs(text: str) -> dict[str, str]:
    """Read a file of outputs as the runner does; what it would refuse is an `AssertionError`."""
    values: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        name, several, delimiter = line.partition("<<")
        if several and "=" not in name:
            read: list[str] = []
            for following in lines:
                if following == delimiter:
                    break
                read.append(following)
            else:
                raise AssertionError(f"no line ends the output {name}")
            values[name] = "\n".join(read)
        else:
            name, single, rest = line.partition("=")
            assert single, f"not an output: {line!r}"
            values[name] = rest
    return values


def runner_environment(**more: str) -> dict[str, str]:
    """Return the variables that a step has from its machine."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "WEIGHTGATE_OPA", "XDG_CACHE_HOME") if name in os.environ
    }
    return {**kept, **more}


def _text(text: str, looked: Callable[[str], str | bool]) -> str:
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(_value(found[1], looked)), text)


def _condition(text: str | None, looked: Callable[[str], str | bool], ok: bool) -> bool:
    if text is None:
        return ok
    return bool(_value(text, looked)) and (ok or "always()" in text)


def _value(text: str, looked: Callable[[str], str | bool]) -> Any:
    """Evaluate an expression of literals, names, `always()` and operators."""
    python, at = "", 0
    names: list[str | bool] = []
    text = text.replace("always()", "''==''").strip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        assert token is not None, text[at:]
        at = token.end()
        if token[2]:
            python += _WORDS.get(token[2], token[2])
        else:
            names.append(token[1] if token[1] is not None else looked(token[3]))
            python += f" names[{len(names) - 1}] "
    return eval(python, {"__builtins__": {}}, {"names": names})  # noqa: S307
