"""Run `weightgate gate` or `weightgate check` with the action's inputs, and tell the runner what came of it.

Runs in weightgate's own environment, isolated (`python -I`), so that nothing of the checkout is imported. Inputs come
from the variables `INPUT_…`; the exit code is weightgate's, and 3 when that says allow without proving it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

VERDICTS = {0: "allow", 1: "deny", 4: "indeterminate"}
"""What an exit code of weightgate says on the whole; any other code says that there is no decision."""
WORST = ("deny", "error", "indeterminate", "allow")


class InputError(Exception):
    """An input of the action is wrong; nothing was decided."""


def value(name: str) -> str:
    """Return the input `name` without white space around it."""
    return os.environ.get(f"INPUT_{name}", "").strip()


def lines(name: str) -> list[str]:
    """Return the lines of the input `name` that hold something."""
    return [line.strip() for line in value(name).splitlines() if line.strip()]


def models() -> list[str]:
    """Return the models to gate, each once: named, listed and changed ones. Raises `InputError`, also for none."""
    found = [*lines("MODEL"), *_listed(value("MODELS_FILE")), *_changed(value("CHANGED_SINCE"))]
    if not found:
        raise InputError("no model to gate; give model, or models-file, or changed-since")
    return list(dict.fromkeys(found))


def _listed(file: str) -> list[str]:
    if not file:
        return []
    import yaml

    try:
        listed = yaml.safe_load(Path(file).read_bytes())
    except (OSError, yaml.YAMLError) as exc:
        raise InputError(f"{file}: cannot be read: {exc}") from exc
    # NOTE: a list has no keys, so none can be misspelt or stand twice and take models away in silence.
    if not isinstance(listed, list) or not listed:
        raise InputError(f"{file}: expected a list of models, one `- MODEL` a line, and at least one")
    for item in listed:
        if not isinstance(item, str) or not item.strip() or item != "".join(item.splitlines()):
            raise InputError(f"{file}: found {item!r}; expected a directory, a file or an https address")
    return [item.strip() for item in listed]


def _changed(commit: str) -> list[str]:
    if not commit:
        return []
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise InputError(f"changed-since: found {commit!r}; expected a full commit, 40 hexadecimal digits")
    top = value("MODELS_DIRECTORY").strip("/")
    if not top or top.startswith((".", ":", "-")):
        raise InputError(f"models-directory: found {top!r}; expected a directory of the checkout, such as models")
    command = ["git", "diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", f"{commit}...HEAD", "--"]
    done = subprocess.run([*command, f":(literal){top}"], capture_output=True, check=False)
    if done.returncode != 0:
        said = os.fsdecode(done.stderr).strip()
        raise InputError(f"changed-since: git cannot compare: {said}; check out with fetch-depth: 0")
    depth = top.count("/") + 2
    paths = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    entries = sorted({"/".join(path.split("/")[:depth]) for path in paths})
    return [entry for entry in entries if os.path.lexists(entry)]


def arguments(out: Path) -> list[str]:
    """Return weightgate's arguments; each value is one word, and models and files stand after `--`."""
    stored = lines("FINDINGS")
    environments = value("ENVIRONMENTS").split()
    if not environments:
        raise InputError("environments is empty; name environments, or all")
    words = [f"--env={name}" for name in environments] if environments != ["all"] else ["--all"]
    words += [f"--format={name}" for name in dict.fromkeys(["github", *value("FORMATS").split()])]
    words += [f"--out={out}", f"--policy={value('POLICY') or _shipped()}"]
    if stored:
        if value("MODEL") or value("MODELS_FILE") or value("CHANGED_SINCE"):
            raise InputError("findings are decided as they are; give either models or findings")
        _check_digest(stored)
        return ["check", *words, "--", *stored]
    if value("FINDINGS_DIGEST"):
        raise InputError("findings-digest is for findings")
    words += [f"--scanner={name}" for name in value("SCANNERS").split()]
    words += [f"--timeout={value('TIMEOUT')}"]
    if value("SECURITY_GROUP_ID"):
        words.append(f"--security-group-id={value('SECURITY_GROUP_ID')}")
    return ["gate", *words, "--", *models()]


def _shipped() -> str:
    # NOTE: a checkout that holds policies/ and environments/ must not decide about itself.
    from weightgate.policy.tree import shipped

    return str(shipped())


def _check_digest(stored: list[str]) -> None:
    expected = value("FINDINGS_DIGEST")
    if not expected:
        return
    if len(stored) != 1:
        raise InputError(f"findings-digest is for one document; found {len(stored)}")
    found = _digest(Path(stored[0]))
    if found != expected:
        raise InputError(f"{stored[0]}: found the digest {found}; expected {expected}: this is another document")


def _digest(file: Path) -> str:
    try:
        return "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as exc:
        raise InputError(f"{file}: cannot be read: {exc.strerror}") from exc


def run(words: list[str]) -> int:
    """Run weightgate and return its exit code; a signal to end is passed on, and its reports are waited for."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("INPUT_")}
    # NOTE: only this program writes the step's outputs.
    environ.pop("GITHUB_OUTPUT", None)
    for name in ("MODEL_SECURITY_CLIENT_ID", "MODEL_SECURITY_CLIENT_SECRET", "TSG_ID"):
        if not environ.get(name):
            environ.pop(name, None)
    process = subprocess.Popen([sys.executable, "-I", "-m", "weightgate", *words], env=environ)

    def end(signum: int, frame: FrameType | None) -> None:
        process.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    code = process.wait()
    return code if code in (0, 1, 2, 3, 4) else 3


def verdicts(file: Path) -> dict[str, str]:
    """Return the worst verdict of each environment in `decision.json`; empty when there is no readable decision."""
    try:
        stored = json.loads(file.read_bytes())
        decisions = stored["decisions"] if stored["schema"] == "weightgate.decisions/v1" else [stored]
        found: dict[str, str] = {}
        for decision in decisions:
            word = decision["verdict"] if decision["verdict"] in WORST else "error"
            if word == "allow" and (decision["allow"] is not True or decision["violations"] != []):
                word = "error"
            name = str(decision["environment"])
            found[name] = min(word, found.get(name, "allow"), key=WORST.index)
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found


def broken_glass(file: Path) -> bool:
    """Say whether a decision in `decision.json` used a break-glass grant."""
    try:
        stored = json.loads(file.read_bytes())
        decisions = stored["decisions"] if stored["schema"] == "weightgate.decisions/v1" else [stored]
        return any(warning["rule"] == "break_glass.used" for each in decisions for warning in each["warnings"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def outcome(code: int, found: dict[str, str], asked: list[str]) -> tuple[int, str, dict[str, str]]:
    """Return exit code, verdict and verdicts: allow only when the exit code and every asked decision say so."""
    verdict = VERDICTS.get(code, "error")
    every = dict.fromkeys(asked, "error") | found
    if verdict == "allow" and set(every.values()) != {"allow"}:
        return 3, "error", dict.fromkeys(every, "error")
    if verdict == "error":
        every = {name: word if word == "deny" else "error" for name, word in every.items()}
    return code, verdict, every


def tell(code: int, out: Path, stored: list[str]) -> int:
    """Write the step's outputs and return the exit code."""
    decision = out / "decision.json"
    asked = [name for name in value("ENVIRONMENTS").split() if name != "all"]
    code, verdict, found = outcome(code, verdicts(decision), asked)
    document = Path(stored[0]) if len(stored) == 1 else out / "findings.json"
    findings = document.is_file() and len(stored) < 2
    sarif = out / "report.sarif"
    _output("exit-code", str(code))
    _output("verdict", verdict)
    _output("verdicts", json.dumps(found, sort_keys=True))
    _output("break-glass", "true" if broken_glass(decision) else "false")
    _output("decision", str(decision) if decision.is_file() else "")
    _output("decisions", json.dumps({name: str(decision) for name in sorted(found) if decision.is_file()}))
    _output("findings", str(document) if findings else "")
    _output("findings-digest", _digest(document) if findings else "")
    _output("sarif", str(sarif) if sarif.is_file() else "")
    if verdict == "error":
        said = f"### weightgate made no decision (exit code {code})\n\nThe log says why, and what each message means:"
        _append("GITHUB_STEP_SUMMARY", f"{said} {_page('docs/troubleshooting.md')}\n")
    elif verdict != "allow":
        _append("GITHUB_STEP_SUMMARY", f"\nWhat to do about a refusal: {_page('docs/incident-response.md')}\n")
    return code


def _page(path: str) -> str:
    """Return a link to a page of weightgate's repository at the commit of this action, as far as it is known."""
    place = [os.environ.get(name, "") for name in ("GITHUB_SERVER_URL", "HELP_REPOSITORY", "HELP_REF")]
    return f"[{path}]({place[0]}/{place[1]}/blob/{place[2]}/{path})" if all(place) else f"{path} of weightgate"


def _output(name: str, text: str) -> None:
    delimiter = f"weightgate-{secrets.token_hex(16)}"
    _append("GITHUB_OUTPUT", f"{name}<<{delimiter}\n{text}\n{delimiter}\n")


def _append(variable: str, text: str) -> None:
    with open(os.environ[variable], "a", encoding="utf-8", newline="\n") as file:
        file.write(text)


def main() -> int:
    """Do what the inputs say and return the exit code."""
    out = Path(tempfile.mkdtemp(prefix="weightgate-", dir=os.environ["RUNNER_TEMP"]))
    # NOTE: first of all, so that what there is of the reports is kept however this ends.
    _output("reports", str(out))
    try:
        code = run(arguments(out))
    except InputError as exc:
        said = str(exc).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        print(f"::error::{said}", flush=True)
        code = 2
    return tell(code, out, lines("FINDINGS"))


if __name__ == "__main__":
    sys.exit(main())
