"""The rule reference in `policies/README.md` is what the rules say of themselves."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from support import trees
from weightgate.engine import binary
from weightgate.errors import PolicyError
from weightgate.policy import reference
from weightgate.policy.tree import PolicyTree


def test_the_page_is_up_to_date() -> None:
    text = (trees.ROOT / reference.PAGE).read_text(encoding="utf-8")
    assert reference.page(text, reference.render(PolicyTree(trees.ROOT, "test"))) == text, (
        "run python -m weightgate.policy.reference"
    )


def test_a_changed_annotation_shows(tmp_path: Path) -> None:
    tree = trees.tree(tmp_path)
    before = reference.render(tree)
    trees.edit(
        tmp_path, "policies/weightgate/rules/digest/digest.rego", "# title: Digest of a local model", "# title: X"
    )
    after = reference.render(tree)
    assert "**X.**" in after
    assert before != after


def test_a_changed_level_shows(tmp_path: Path) -> None:
    tree = trees.tree(tmp_path)
    old = "model.digest: {level: deny}"
    trees.edit(tmp_path, "environments/prod/data.yaml", old, 'model.digest: {level: deny, effective_on: "2027-01-01"}')
    assert "| off | warn | deny from 2027-01-01 |" in reference.render(tree)


def test_writing_it_twice_changes_nothing(tmp_path: Path) -> None:
    trees.copy(tmp_path)
    path = tmp_path / reference.PAGE
    path.write_text(f"before\n{reference.BEGIN}stale words\n{reference.END}after\n", encoding="utf-8")
    assert reference.main(tmp_path) == 0
    once = path.read_text(encoding="utf-8")
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert "stale words" not in once
    reference.main(tmp_path)
    assert path.read_text(encoding="utf-8") == once


@pytest.mark.parametrize(
    "text",
    ["", reference.BEGIN, reference.END, reference.END + reference.BEGIN, 2 * (reference.BEGIN + reference.END)],
    ids=["none", "no end", "no begin", "turned round", "twice"],
)
def test_a_page_without_its_marks_is_an_error(text: str) -> None:
    with pytest.raises(PolicyError, match="each once and in this order"):
        reference.page(text, "x")


def test_the_floors_are_those_of_the_library() -> None:
    command = [binary.find(), "eval", "-d", "policies", "--format", "raw", "data.weightgate.lib.levels.floors"]
    done = subprocess.run(command, cwd=trees.ROOT, capture_output=True, timeout=60, check=True)
    assert set(json.loads(done.stdout)) == reference.FLOORS
