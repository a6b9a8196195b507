"""Everything about a policy tree that can be said without evaluating it. `check` finds the problems."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from weightgate.policy import syntax
from weightgate.policy.lint import data, environments, opachecks, permissions, rego, structure, testfiles, topics
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


def check(tree: PolicyTree) -> list[Problem]:
    """Return every problem of the tree, sorted by place; empty for a sound one.

    Raises `EngineError` when OPA cannot be run, and `PolicyError` when the tree has no environment.
    """
    names = tree.environments()
    with ThreadPoolExecutor(3) as pool:
        checks = (opachecks.compiled, opachecks.unformatted, opachecks.regal)
        elsewhere = [pool.submit(run, tree.root) for run in checks]
        paths = syntax.rego_files(tree.root)
        modules = list(syntax.parse(tree.root, [path for path in paths if not syntax.is_test(path)]).values())
        files = data.read(tree)
        rules = structure.rule_ids(modules)
        known = words(names, rules, data.keys(files.library.get("threat_kinds")))
        found = set(files.problems)
        found.update(data.unknown_words(files, known))
        program = Program(modules, input_shape(), _data(files, names, modules, known))
        found.update(rego.problems(program, known))
        found.update(testfiles.problems(program, tree.root, [path for path in paths if syntax.is_test(path)]))
        found.update(structure.problems(modules, names, data.takes_grants(files)))
        found.update(topics.problems(files.library.keys(), modules))
        found.update(permissions.problems(files, modules))
        found.update(environments.problems(files, rules, modules))
        for answer in elsewhere:
            found.update(answer.result())
    return sorted(_without_repeats(found))


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
        or "undefined ref" not in problem.message
        or (problem.file, problem.line) not in ours
    ]
