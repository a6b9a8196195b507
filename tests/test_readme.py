"""What the README shows is what happens: its commands exist and run, and its outputs are those of today."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from weightgate import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^\$ (.+)$", README, re.MULTILINE)
INLINE = re.findall(r"`(weightgate [^`]+)`", README.replace("\n", " "))


def words(command: str) -> list[str]:
    return shlex.split(command, comments=True)


def steady(text: str) -> str:
    """Return the output without its last paragraph, which names digests, commit and time."""
    body, footer = text.strip().rsplit("\n\n", 1)
    assert footer.startswith("policy ")
    assert "decided" in footer
    return "\n".join(line.rstrip() for line in body.splitlines())


def run(command: list[str], cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", *command] if command[0] == "weightgate" else command
    return subprocess.run(program, capture_output=True, text=True, cwd=cwd, env={**os.environ, **environ}, timeout=300)


@pytest.mark.parametrize("command", [*COMMANDS, *INLINE])
def test_every_command_and_option_exists(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, *rest = words(re.sub(r"[…·]", "", command))
    if name in ("make", "pip", "opa", "conftest"):
        return
    assert name == "weightgate"
    grouped = rest[0] in ("exceptions", "opa", "policy", "prisma", "scanners")
    assert cli.main([*rest[: 1 + grouped], "--help"]) == 0
    text = capsys.readouterr().out
    for option in (word for word in rest if word.startswith("--")):
        assert option in text, f"{option} is no option of weightgate {rest[0]}"


@pytest.mark.scanners
@pytest.mark.parametrize(
    ("block", "command", "code"), [("gate-allow", "sentiment-tiny", 0), ("gate-deny", "sentiment-poisoned", 1)]
)
def test_the_shown_runs_are_real(block: str, command: str, code: int) -> None:
    shown = re.search(rf"<!-- output: {block} -->\n```text\n(.*?)```\n<!-- /output -->", README, re.DOTALL)
    assert shown is not None
    done = run(["weightgate", "gate", f"samples/{command}", "--all"])
    assert done.returncode == code
    assert steady(done.stdout) == steady(shown[1])


@pytest.mark.scanners
def test_the_library_example_runs() -> None:
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code is not None
    done = subprocess.run([sys.executable, "-c", code[1]], capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['dev: allow', 'staging: allow', 'prod: allow']\n"


def test_the_exception_example_is_taken(tmp_path: Path) -> None:
    from weightgate.policy import permissions, yamlfile

    example = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert example is not None
    read = permissions.read_exceptions(yamlfile.load(example[1].encode(), "README.md"))
    assert list(read) == ["EXC-2026-001"]


def test_the_thresholds_in_the_table_are_the_shipped_ones() -> None:
    from weightgate.policy.tree import PolicyTree

    row = re.search(r"^\| refuses findings of \|(.+)\|$", README, re.MULTILINE)
    assert row is not None
    shown = [tuple(cell.strip().split(", ")) for cell in row[1].split("|")]
    loaded, _ = PolicyTree(ROOT, "test").load(["dev", "staging", "prod"])
    assert shown == [loaded[name].settings.fail_on for name in ("dev", "staging", "prod")]
