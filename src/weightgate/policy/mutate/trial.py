"""Try mutants: put each into a copy of the tree, and see whether the tests notice."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path

from weightgate.errors import EngineError, WeightgateError
from weightgate.policy import cases, opa, testing
from weightgate.policy.mutate.mutant import Mutant
from weightgate.policy.tree import PolicyTree


class Fate(Enum):
    """What became of a mutant."""

    KILLED = "a test failed"
    SURVIVED = "every test passed"
    BROKEN = "the tree does not compile, or its data breaks its schema"
    NOT_RUN = "the time was up"


TIMEOUT_S = 300.0
"""A mutant whose tests do not end within this time, in seconds, is found. Rego always ends, so this is for memory."""


def try_all(tree: PolicyTree, known: Path | None, mutants: Sequence[Mutant], budget: float | None) -> list[Fate]:
    """Return the fate of each mutant, in their order, by the tests and the acceptance cases below `known`.

    With `budget`, none is begun after so many seconds."""
    ends = None if budget is None else time.monotonic() + budget
    with tempfile.TemporaryDirectory(prefix="weightgate-mutants-") as folder:
        bench = _Bench(tree, known, Path(folder))
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            return list(pool.map(lambda mutant: bench.fate(mutant, ends), mutants))


class _Bench:
    """Copies of the tree, one for each thread."""

    def __init__(self, tree: PolicyTree, known: Path | None, folder: Path) -> None:
        self._tree = tree
        self._cases = cases.find(tree, known)[0]
        self._folder = folder
        self._own = threading.local()
        self._packages = _packages(tree)

    def fate(self, mutant: Mutant, ends: float | None) -> Fate:
        if ends is not None and time.monotonic() > ends:
            return Fate.NOT_RUN
        copy = self._copy()
        file = copy.root / mutant.path
        file.write_text(mutant.after, encoding="utf-8")
        try:
            return self._tested(copy, mutant)
        finally:
            file.write_text(mutant.before, encoding="utf-8")

    def _tested(self, copy: PolicyTree, mutant: Mutant) -> Fate:
        if not mutant.path.endswith(".rego"):
            try:
                copy.load([])
            except WeightgateError:
                return Fate.BROKEN
        # NOTE: the tests beside the file find most mistakes, in a fraction of the time that all tests take.
        for only in self._stages(mutant):
            try:
                done = opa.run(copy.root, *_command(only), timeout=TIMEOUT_S)
            except EngineError:
                return Fate.KILLED
            tests = testing.read_tests(done)
            if tests is None:
                return Fate.BROKEN
            if not tests or any(test.get("fail") or test.get("error") for test in tests):
                return Fate.KILLED
        return self._decided(copy)

    def _stages(self, mutant: Mutant) -> list[str]:
        """Return patterns of test names: those of the tests beside the file, then those of all others."""
        near = self._packages.get(mutant.path.rpartition("/")[0], set())
        far = set().union(*self._packages.values()) - near
        return [_pattern(names) for names in (near, far) if names]

    def _decided(self, copy: PolicyTree) -> Fate:
        """Ask the acceptance cases about a mutant that every test let pass."""
        try:
            wrong = next(cases.gaps(copy, self._cases), None)
        except WeightgateError:
            return Fate.KILLED
        return Fate.KILLED if wrong else Fate.SURVIVED

    def _copy(self) -> PolicyTree:
        if not hasattr(self._own, "tree"):
            root = Path(tempfile.mkdtemp(dir=self._folder))
            for top in ("policies", "environments"):
                shutil.copytree(self._tree.root / top, root / top)
            self._own.tree = PolicyTree(root, self._tree.origin)
        tree: PolicyTree = self._own.tree
        return tree


def _command(*only: str) -> list[str]:
    return [*testing.TEST, *(word for pattern in only for word in ("--run", pattern)), "policies", "environments"]


def _pattern(packages: set[str]) -> str:
    return rf"^({'|'.join(map(re.escape, sorted(packages)))})\."


def _packages(tree: PolicyTree) -> dict[str, set[str]]:
    """Return folder → the packages of the tests in its files."""
    packages: dict[str, set[str]] = {}
    for test in testing.read_tests(opa.run(tree.root, *_command())) or []:
        packages.setdefault(test["location"]["file"].rpartition("/")[0], set()).add(test["package"])
    return packages
