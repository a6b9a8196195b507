"""The words in an environment's own Rego are tried too, so that a rule about one of them cannot turn the order."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import documents, trees
from weightgate.policy import literals
from weightgate.policy.order import problems
from weightgate.policy.tree import PolicyTree

OWN = """
own contains {"rule": "local.seen", "msg": "seen"} if {
	%s
}

_seen := {"S997", "S998"}

_is_bad(finding) if finding.rule == "S996"
"""


def with_own(root: Path, environment: str, body: str) -> None:
    path = f"environments/{environment}/policy.rego"
    binding = f'with data.weightgate.break_glass as object.get(data.{environment}, "break_glass", {{}})'
    trees.edit(root, path, binding, f"{binding}\n\t\twith data.weightgate.own as own")
    trees.write(root, path, (root / path).read_text("utf-8") + OWN % body)


BODIES = {
    "field of a finding": 'input.findings[_].rule == "S999"',
    "field of a variable": 'some finding in input.findings\n\tfinding.category == "odd"',
    "turned round": '"s3" == input.model.source',
    "one of a set": 'some file in input.model.files\n\tfile.format in {"gguf", "onnx"}',
    "one of a named set": "some finding in input.findings\n\tfinding.rule in _seen",
    "read with a default": 'some finding in input.findings\n\tobject.get(finding, "threat", "") == "T-1"',
    "beginning": 'startswith(input.model.uri, "s3://old/")',
    "end, in another case": 'some file in input.model.files\n\tendswith(lower(file.path), ".bin")',
    "in a function": "some finding in input.findings\n\t_is_bad(finding)",
    "two fields": 'input.model.source == "gcs"\n\tinput.findings[_].rule == "S999"',
    "one field without the other": 'not input.model.source == "gcs"\n\tinput.findings[_].rule == "S999"',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_rule_about_a_word_cannot_turn_the_order_unseen(body: str, tmp_path: Path) -> None:
    root = trees.copy(tmp_path)
    with_own(root, "staging", body)
    with_own(root, "prod", "false")
    [problem] = problems(PolicyTree(root, "--policy"), evaluated_at=documents.AT)
    assert problem.message.startswith("prod allows a generated document")
    assert "staging refuses by local.seen (" in problem.message


def test_words_of_each_rule_stand_by_their_field(tmp_path: Path) -> None:
    root = trees.copy(tmp_path)
    with_own(root, "staging", "\n\t".join(BODIES[name] for name in ("two fields", "one of a named set")))
    trees.write(root, "environments/staging/policy_test.rego", 'package t\n\ntest_it if input.model.name == "no"\n')
    assert literals.compared(root, "staging") == [
        {"rule": ["S997", "S998", "S999"], "source": ["gcs"]},
        {"rule": ["S996"]},
    ]
    assert literals.compared(root, "prod") == []


def test_a_word_that_no_document_can_hold_is_left_out(tmp_path: Path) -> None:
    root = trees.copy(tmp_path)
    with_own(root, "staging", 'input.model.source == "floppy"')
    tree = PolicyTree(root, "--policy")
    made = literals.documents(tree, ["staging"], documents.AT)
    assert made
    assert {each.document.model.source.value for each in made} == {"local"}
