"""What `policies/README.md` teaches works: its entries are read, its rule decides, its comment is real."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from support import documents, trees
from weightgate.cli import main
from weightgate.engine import binary, many
from weightgate.engine.evaluate import Evidence
from weightgate.policy import permissions, yamlfile
from weightgate.policy.lint import check
from weightgate.policy.tree import PolicyTree

PAGE = (trees.ROOT / "policies/README.md").read_text("utf-8")


def block(language: str, heading: str) -> str:
    """Return the first code block of a language below a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2]
    found = re.search(rf"^```{language}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    assert found is not None, heading
    return found[1]


def test_the_entries_are_read() -> None:
    exception = yamlfile.load(block("yaml", "Add an exception").encode(), "page")
    assert list(permissions.read_exceptions(exception)) == ["EXC-2026-001"]
    grant = yamlfile.load(block("yaml", "Break the glass").encode(), "page")
    assert list(permissions.read_grants(grant)) == ["BG-2026-001"]


def test_the_commands_that_write_entries_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trees.copy(tmp_path)
    finding = documents.finding("wgf-0a1b2c3d4e5f60718293a4b5")
    documents.store(tmp_path, documents.document(finding, model=documents.model(digest=trees.GRANTED)))
    monkeypatch.chdir(tmp_path)
    commands = [shlex.split(text) for text in re.findall(r"`(weightgate exceptions [^`]*\n[^`]*)`", PAGE)]
    assert [words[2] for words in commands] == ["add", "break-glass"]
    for words in reversed(commands):
        assert main(words[1:]) == 0
    written = {
        path.relative_to(tmp_path).as_posix()
        for path in tmp_path.rglob("data.yaml")
        if b"-2026-001:" in path.read_bytes()
    }
    exceptions = {f"environments/{name}/exceptions/data.yaml" for name in ("dev", "staging", "prod")}
    assert written == exceptions | {"environments/prod/break_glass/data.yaml"}


def test_the_rule_of_an_environment_decides_and_is_clean(tmp_path: Path) -> None:
    trees.copy(tmp_path)
    path = tmp_path / "environments/prod/policy.rego"
    text = path.read_text("utf-8")
    old = text[
        text.index("# METADATA\n# description: The decision about") : text.index("# METADATA\n# description: Why")
    ]
    path.write_text(text.replace(old, block("rego", "Write a rule") + "\n"), encoding="utf-8")
    large = documents.document(model=documents.model(files=[{**documents.file(), "size": 2_000_000_000}]))
    tree = PolicyTree(tmp_path, "--policy")
    answers = many.decide(
        tree, [Evidence.of(documents.typed(each)) for each in (large, documents.document())], ["prod"], documents.AT
    )
    assert [(each.verdict, [violation.rule for violation in each.violations]) for each in answers] == [
        ("deny", ["local.small_models"]),
        ("allow", []),
    ]
    assert check(tree) == []


def test_the_comment_is_what_the_command_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trees.copy(tmp_path)
    for name, case in (("a", "staging"), ("b", "prod")):
        text = (trees.ROOT / f"tests/acceptance/{case}/deny/at-the-threshold/findings.json").read_text("utf-8")
        trees.write(tmp_path, f"findings/{name}.json", text)
    monkeypatch.chdir(tmp_path)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for words in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-qm", "base")):
        subprocess.run(["git", *words], check=True)
    trees.edit(tmp_path, "environments/staging/data.yaml", "[CRITICAL, HIGH]", "[CRITICAL]")
    budget = "severity.budget: {level: deny, at_most: {MEDIUM: 0}}"
    trees.edit(tmp_path, "environments/prod/data.yaml", 'severity.budget: {level: "off"}', budget)
    assert main(["policy", "diff", "HEAD", "--corpus", "findings", "--format", "markdown"]) == 1
    assert capsys.readouterr().out == block("markdown", "Read the diff comment")


@pytest.mark.parametrize("line", [line for line in block("", "Test it").splitlines() if line], ids=str)
def test_the_commands_of_plain_opa_work(line: str) -> None:
    words = line.split()
    done = subprocess.run([str(binary.find()), *words[1:]], cwd=trees.ROOT, capture_output=True, timeout=120)
    assert (words[0], done.returncode) == ("opa", 0), done.stdout[-2000:]
