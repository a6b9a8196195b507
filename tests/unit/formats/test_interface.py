"""The seam: reports that fit together, and formats that are imported only when they are asked for."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from support import reports
from weightgate.errors import UsageError
from weightgate.formats import registry
from weightgate.formats.interface import Report


@pytest.mark.parametrize("name", registry.HOMES)
def test_a_format_says_the_name_and_the_file_that_the_registry_has(name: str) -> None:
    made = registry.load(name)
    assert (made.name, made.file_name) == (name, registry.FILES[name])


def test_an_unknown_format_is_bad_usage() -> None:
    with pytest.raises(UsageError, match="did you mean"):
        registry.load("sarrif")


def test_the_registry_imports_no_format() -> None:
    code = (
        "import sys, weightgate.formats.registry as r; before = set(sys.modules); r.load('json'); "
        "print(sorted(n for n in set(sys.modules) - before if n in ('xml', 'textwrap', 'weightgate.formats.sarif')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


def test_decisions_must_belong_to_the_documents() -> None:
    about, other = reports.document(), reports.document(uri="models/other")
    decided = reports.decide(about)
    for decisions, documents in (
        ((), (about,)),
        ((decided,), ()),
        ((decided,), (about, other)),
        ((decided,), (other,)),
        ((decided, reports.decide(other, "dev")), (about, other)),
    ):
        with pytest.raises(ValueError):
            Report(decisions, documents, dict, "tree")


def test_the_verdict_on_the_whole_is_the_worst() -> None:
    report = reports.mixed()
    assert report.verdict == "deny"
    assert report.of_model(1).verdict == "indeterminate"
    assert reports.allowed().verdict == "allow"
    assert report.environments == ("dev", "prod")


@pytest.mark.parametrize("name", registry.HOMES)
def test_rules_without_annotations_do_not_break_a_format(name: str) -> None:
    assert registry.load(name).render(replace(reports.mixed(), rules=dict))
