"""The pages for the day when the gate is red: each message is one that the code says, each command one that exists."""

from __future__ import annotations

import ast
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from weightgate import cli, links

ROOT = Path(__file__).parents[2]
PAGES = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
TROUBLESHOOTING = PAGES["troubleshooting.md"]
MESSAGES = re.findall(r"```text\n(.*?)\n```\n(.*?)(?=\n```text|\n## |\Z)", TROUBLESHOOTING, re.DOTALL)
MINE = ("ci.md", "incident-response.md", "troubleshooting.md")


@cache
def spoken() -> tuple[str, ...]:
    """Return every text that the program, the policy and the action can say, in the pieces between its variables."""
    found = []
    for file in [*ROOT.glob("src/**/*.py"), ROOT / ".github/actions/gate/gate.py"]:
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    found += [file.read_text("utf-8") for file in ROOT.glob("policies/**/*.rego")]
    found.append((ROOT / ".github/actions/gate/action.yml").read_text("utf-8"))
    return tuple(found)


def missing(message: str) -> list[str]:
    """Return the pieces of `message` between `…` that nothing says."""
    pieces = [piece for piece in message.split("…") if piece.strip()]
    return [piece for piece in pieces if not any(piece in text or piece.strip() in text for text in spoken())]


def commands(text: str) -> list[str]:
    fenced = re.findall(
        r"^\s*(?:\$ )?(weightgate .+)$",
        "\n".join(re.findall(r"```(?:console|sh)\n(.*?)```", text, re.DOTALL)),
        re.MULTILINE,
    )
    return [*fenced, *(" ".join(found.split()) for found in re.findall(r"`(weightgate [^`]+)`", text))]


COMMANDS = sorted({(name, command) for name in MINE for command in commands(PAGES[name])})


def test_there_is_something_to_check() -> None:
    assert len(MESSAGES) > 25
    assert len(COMMANDS) > 20


@pytest.mark.parametrize(("message", "rest"), MESSAGES, ids=[message[:40] for message, _ in MESSAGES])
def test_every_message_is_one_that_is_said(message: str, rest: str) -> None:
    assert "\n" not in message
    assert missing(message) == []


def test_a_message_that_nobody_says_is_found() -> None:
    assert missing("Failed to obtain SCM access token… this is said by nobody") == [" this is said by nobody"]


@pytest.mark.parametrize(("message", "rest"), MESSAGES, ids=[message[:40] for message, _ in MESSAGES])
def test_every_message_is_explained(message: str, rest: str) -> None:
    assert len(rest.split()) > 3


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=[f"{page}-{command[:50]}" for page, command in COMMANDS])
def test_every_command_and_its_options_exist(page: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(command.split(" || ")[0], comments=True)[1:]
    depth = 2 if words[0] in ("policy", "prisma", "scanners", "opa", "exceptions") else 1
    assert cli.main([*words[:depth], "--help"]) == 0
    told = capsys.readouterr().out
    for option in (word for word in words if re.match(r"--?\w", word)):
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", told), f"{option} is no option of {words[:depth]}"


@pytest.mark.parametrize("page", MINE)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)", PAGES[page]):
        assert target.startswith("https://") or (ROOT / "docs" / target).is_file(), target


def test_the_program_names_pages_that_exist() -> None:
    for page in (links.REFUSED, links.FAILED):
        assert (ROOT / page).is_file()


@pytest.mark.parametrize("word", ["model-scan-report.json", "true", "quarantine", "exception", "scan's id"], ids=str)
def test_incident_response_answers_the_questions_of_the_day(word: str) -> None:
    assert word in PAGES["incident-response.md"].lower()
