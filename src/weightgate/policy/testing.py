"""Run a policy tree's own tests, and say what they leave out: `opa test` passes when there is nothing to run."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any

from weightgate.errors import EngineError
from weightgate.policy import cases, opa, syntax
from weightgate.policy.cases import Gap
from weightgate.policy.tree import PolicyTree

TEST = ("test", "--format", "json", "--timeout", "110s")
"""The words of `opa test`. Its own limit of 5 s for each test fails sound tests on a busy machine."""
_RULE = re.compile(r"^([a-z]+)_\w+(\s+if\b|\s*:=|\s*\{|\s*$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run of the tests gave."""

    tests: int
    cases: int
    coverage: float | None
    """Lines of the tree (tests left out) that the tests run, in percent; `None` while a test fails or there is none."""
    gaps: tuple[Gap, ...]
    """Empty when everything holds."""


def run(tree: PolicyTree, folder: Path | None = None) -> Report:
    """Run the tree's Rego tests, the acceptance cases below `folder` (default: `tests/acceptance` beside the tree, when
    it is there), and the proof that the environments are ordered.

    Raises `PolicyCompileError` when the tree does not compile and `EngineError` when OPA cannot be run.
    """
    tests, covered, gaps = run_rego(tree.root)
    known, wrong = cases.find(tree, folder)
    wrong += cases.gaps(tree, known)
    if not wrong:
        wrong = _order(tree, known)
    return Report(tests, len(known), covered, tuple(sorted([*gaps, *wrong])))


def run_rego(root: Path) -> tuple[int, float | None, list[Gap]]:
    """Run the Rego tests of the tree below `root`; return how many there are, the coverage in percent (`None` while a
    test fails or there is none), and the gaps.

    Raises `PolicyCompileError` when the tree does not compile and `EngineError` when OPA cannot be run.
    """
    with ThreadPoolExecutor(2) as pool:
        measured = pool.submit(_coverage, root)
        tests = _tests(root)
        covered, uncovered = measured.result() if tests else (None, [])
    return len(tests), covered, [*_failures(tests), *_left_out(root, tests), *uncovered]


def _tests(root: Path) -> list[dict[str, Any]]:
    done = opa.run(root, *TEST, "policies", "environments")
    found = read_tests(done)
    if found is None:
        from weightgate.errors import PolicyCompileError

        raise PolicyCompileError(f"opa test: {(done.stderr or done.stdout).strip()}")
    return found


def read_tests(done: opa.Done) -> list[dict[str, Any]] | None:
    """Return the results of `opa test --format json`; `None` when the tree does not compile."""
    try:
        found = json.loads(done.stdout) if done.stdout.strip() else []
        if done.code in (0, 2) and isinstance(found, list):
            return found
    except ValueError as exc:
        raise EngineError(f"opa test: its output is no JSON: {done.stdout[:200]!r}") from exc
    return None


def _failures(tests: list[dict[str, Any]]) -> list[Gap]:
    gaps = []
    for test in tests:
        where = f"{test['location']['file']}:{test['location']['row']}"
        name = f"{test['package']}.{test['name']}"
        if test.get("skip"):
            gaps.append(Gap("skipped", where, f"{name} is skipped; a test that does not run proves nothing"))
        elif test.get("error"):
            gaps.append(Gap("failed", where, f"{name} ended with an error: {test['error'].get('message', '')}"))
        elif test.get("fail"):
            gaps.append(Gap("failed", where, f"{name} failed"))
    return gaps


def _left_out(root: Path, tests: list[dict[str, Any]]) -> list[Gap]:
    """Find files without tests beside them, and test files without tests."""
    if not tests:
        return [
            Gap("no-tests", "policies, environments", "there is no test; expected rules named test_… in *_test.rego")
        ]
    texts = {path: (root / path).read_text("utf-8", "replace") for path in syntax.rego_files(root)}
    with_tests = {test["location"]["file"] for test in tests}
    gaps = []
    for path, text in texts.items():
        if syntax.is_test(path):
            gaps += [
                Gap("misnamed-test", path, f"the rule {match[0].split()[0]} is not run; did you mean test_…?")
                for match in _RULE.finditer(text)
                if match[1] not in ("test", "todo") and get_close_matches(match[1], ["test"], 1, 0.7)
            ]
            if path not in with_tests and not _is_shared(path, texts):
                gaps.append(
                    Gap("no-test-in-file", path, "the file has no rule named test_…, and no other test imports it")
                )
        elif not _has_tests(path, list(texts)):
            stem = PurePosixPath(path).stem
            gaps.append(Gap("untested-file", path, f"there is no {stem}_test.rego beside it"))
    return gaps


def _is_shared(path: str, texts: dict[str, str]) -> bool:
    """Say whether the file holds what other tests start from: one of them imports its package."""
    package = re.search(r"^package[ \t]+(\S+)", texts[path], re.MULTILINE)
    wanted = re.compile(rf"^import[ \t]+data\.{re.escape(package[1])}\b", re.MULTILINE) if package else None
    return wanted is not None and any(
        wanted.search(text) for other, text in texts.items() if other != path and syntax.is_test(other)
    )


def _has_tests(path: str, paths: list[str]) -> bool:
    stem = path.removesuffix(".rego")
    return any(
        other == f"{stem}_test.rego" or re.fullmatch(f"{re.escape(stem)}_.*_test.rego", other) for other in paths
    )


def _coverage(root: Path) -> tuple[float | None, list[Gap]]:
    done = opa.run(root, *TEST, "--coverage", "policies", "environments")
    try:
        found = json.loads(done.stdout)
        files = {path: file for path, file in found["files"].items() if not syntax.is_test(path)}
    except (ValueError, KeyError, TypeError, AttributeError):
        # NOTE: a failing test leaves no coverage, and is named as what it is.
        return None, []
    gaps = []
    missed = {
        path: sorted({part["start"]["row"] for part in file.get("not_covered") or []}) for path, file in files.items()
    }
    for path, rows in sorted(missed.items()):
        if rows:
            said = f"not run by any test: line{'s' * (len(rows) != 1)} {', '.join(map(str, rows))}"
            gaps.append(Gap("coverage", f"{path}:{rows[0]}", said))
    good = sum(file.get("covered_lines", 0) for file in files.values())
    bad = sum(file.get("not_covered_lines", 0) for file in files.values())
    return (100.0 * good / (good + bad) if good else 0.0), gaps


def _order(tree: PolicyTree, known: list[cases.Case]) -> list[Gap]:
    from weightgate.policy import order

    corpus = [case.evidence() for case in known]
    return [Gap("order", problem.where, problem.message) for problem in order.problems(tree, corpus, cases.AT)]
