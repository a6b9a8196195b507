"""Everything about a policy tree that can be said without evaluating it. `check` finds the problems."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from weightgate.policy import syntax
from weightgate.policy.lint import (
    data,
    entries,
    environments,
    opachecks,
    permissions,
    rego,
    structure,
    testfiles,
    topics,
)
from weightgate.policy.lint.problem import Problem
from weightgate.policy.lint.program import Program
from weightgate.policy.lint.shapes import (
    ANY,
    Shape,
    exceptions_shape,
    grants_shape,
    input_shape,
    library_shape,
    settings_shape,
)
from weightgate.policy.lint.words import Words, words
from weightgate.policy.tree import PolicyTree

__all__ = ["Problem", "check"]

_REPEATED = re.compile(r"undefined ref|undefined function data\.|import data\..* unused")
"""What `opa check` says of a path that leads nowhere."""


def check(tree: PolicyTree) -> list[Problem]:
    """Return every problem of the tree, sorted by place; empty for a sound one.

    Raises `EngineError` when OPA cannot be run, and `PolicyError` when the tree has no environment.
    """
    names = tree.environments()
    with ThreadPoolExecutor(3) as pool:
        checks = (opachecks.compiled, opachecks.unformatted, opachecks.regal)
        elsewhere = [pool.submit(run, tree.root) for run in checks]
        every = syntax.rego_files(tree.root)
        paths = [path for path in every if not syntax.is_test(path)]
        modules = list(syntax.parse(tree.root, paths).values())
        files = data.read(tree)
        found = {*files.problems, *entries.problems(files)}
        # NOTE: what a file that is no Rego holds is not known; `opa check` names the file.
        if len(modules) == len(paths):
            found.update(_of_rego(tree.root, files, names, modules, sorted({*every} - {*paths})))
        for answer in elsewhere:
            found.update(answer.result())
    return sorted(_without_repeats(found))


def _of_rego(
    root: Path, files: data.DataFiles, names: list[str], modules: list[syntax.Module], tests: list[str]
) -> Iterator[Problem]:
    """Yield what is wrong between the Rego files of a tree, and between them and its data."""
    rules = structure.rule_ids(modules)
    known = words(names, rules, data.keys(files.library.get("threat_kinds")))
    program = Program(modules, input_shape(), _data(files, names, modules, known))
    yield from data.unknown_words(files, known)
    yield from rego.problems(program, known)
    yield from testfiles.problems(program, root, tests)
    yield from structure.problems(modules, names, data.takes_grants(files))
    yield from topics.problems(files.library.keys(), modules)
    yield from permissions.problems(files, modules)
    yield from environments.problems(files, rules, modules)


def _data(
    files: data.DataFiles, names: list[str], modules: list[syntax.Module], known: Words
) -> dict[syntax.Path_, Shape]:
    values = [file.value.get("settings") for file in files.settings.values() if isinstance(file.value, dict)]
    settings = settings_shape(known, structure.parameters(modules), values)
    exceptions, grants = exceptions_shape(), grants_shape()
    shapes: dict[syntax.Path_, Shape] = {
        ("weightgate", "environment"): Shape(word="environment"),
        ("weightgate", "settings"): settings,
        ("weightgate", "exceptions"): exceptions,
        ("weightgate", "break_glass"): grants,
        ("weightgate", "own"): ANY,
    }
    for topic, file in files.library.items():
        shapes["weightgate", topic] = library_shape(topic, file.value, known)
    for name in names:
        shapes[name,] = Shape(fields={"settings": settings, "exceptions": exceptions, "break_glass": grants})
    return shapes


def _without_repeats(found: set[Problem]) -> list[Problem]:
    """Leave out what `opa check` says of a line where the linter itself names the nearest right word."""
    ours = {(problem.file, problem.line) for problem in found if problem.rule in ("unknown-field", "dead-path")}
    return [
        problem
        for problem in found
        if problem.rule != "opa-check"
        or (problem.file, problem.line) not in ours
        or not _REPEATED.match(problem.message)
    ]
