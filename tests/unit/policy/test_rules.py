"""What the rules say of themselves, read from their annotations."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import trees
from weightgate.errors import PolicyCompileError
from weightgate.policy import rules


def test_a_rule_is_read_from_the_annotations_of_its_package(tmp_path: Path) -> None:
    found = rules.annotated(trees.tree(tmp_path))["coverage.complete"]
    assert found.title == "Complete coverage"
    assert found.description.startswith("Every file of the model was looked at to its end by a scanner that the")
    assert "\n" not in found.description
    assert found.remediation.startswith("Add a scanner")
    assert found.file.endswith("policies/weightgate/rules/coverage/coverage.rego")


def test_a_rule_of_one_environment_is_found_too(tmp_path: Path) -> None:
    tree = trees.tree(tmp_path)
    notes = "# METADATA\n# title: Small models\n# custom:\n#   rule_id: local.small\npackage environments.prod.small\n"
    trees.write(tmp_path, "environments/prod/small.rego", notes + "\nx := 1\n")
    found = rules.annotated(tree)["local.small"]
    assert (found.title, found.description, found.remediation) == ("Small models", "", "")


def test_other_packages_are_no_rules(tmp_path: Path) -> None:
    assert all("." in name for name in rules.annotated(trees.tree(tmp_path)))


def test_rego_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    tree = trees.tree(tmp_path)
    trees.write(tmp_path, "policies/weightgate/gate/gate.rego", "package\n")
    with pytest.raises(PolicyCompileError, match="opa inspect"):
        rules.annotated(tree)
