"""Acceptance cases: stored findings documents, and what an environment must say of them.

A case is a folder `<environment>/<allow|deny|indeterminate>/<case>/` with `findings.json`, and where it needs them
`expected.json` (`{"rules": […]}`, the ids of the violated rules), `at.txt` (the time of the decision), and
`exceptions.yaml` and `break_glass.yaml` (to stand in place of the environment's own exceptions and grants).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from weightgate import strict
from weightgate.errors import InvalidDocument, PolicyError, UsageError
from weightgate.policy import trial
from weightgate.policy.tree import PolicyTree

if TYPE_CHECKING:
    from weightgate.decision import Decision
    from weightgate.engine.evaluate import Evidence

VERDICTS = ("allow", "deny", "indeterminate")
AT = "2026-11-23T10:00:00Z"
"""The time that a case without `at.txt` is decided at."""

FOLDER = Path("tests") / "acceptance"
"""Where the cases are, below the root of a tree that has some."""


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """One thing that the tests do not prove, or that they disprove."""

    kind: str
    """`no-tests`, `untested-file`, `no-test-in-file`, `misnamed-test`, `skipped`, `failed`, `coverage`, `case` or
    `order`."""
    where: str
    """File with line, file, or name of the test or case."""
    message: str


Permissions = tuple[str, str]
"""Exceptions and break-glass grants as YAML; an empty text for those of the tree."""


@dataclass(frozen=True, slots=True)
class Case:
    """One folder."""

    environment: str
    verdict: str
    folder: Path

    @property
    def name(self) -> str:
        """Return how messages name it."""
        return f"{self.environment}/{self.verdict}/{self.folder.name}"

    @property
    def at(self) -> str:
        """Return the time that it is decided at."""
        return self._text("at.txt").strip() or AT

    @property
    def permissions(self) -> Permissions:
        """Return the exceptions and the grants that it needs."""
        return self._text("exceptions.yaml"), self._text("break_glass.yaml")

    def rules(self) -> frozenset[str] | None:
        """Return the ids of the rules that it must violate, `None` when it does not say; raises `UsageError`."""
        path = self.folder / "expected.json"
        if not path.is_file():
            return None
        try:
            return _EXPECTED(strict.loads(path.read_bytes(), str(path)), "")
        except InvalidDocument as exc:
            raise UsageError(f"{path}: {exc.pointer or '/'}: {exc.problem}") from exc

    def evidence(self) -> Evidence:
        """Return its findings document; raises `InvalidDocument`."""
        from weightgate.engine.evaluate import Evidence
        from weightgate.findings import read

        path = self.folder / "findings.json"
        return Evidence.of(read(path.read_bytes(), str(path)))

    def _text(self, name: str) -> str:
        path = self.folder / name
        return path.read_text("utf-8") if path.is_file() else ""


def _rules(rules: tuple[str, ...]) -> frozenset[str]:
    return frozenset(rules)


_EXPECTED = strict.record(_rules, {"rules": strict.array(strict.text)})


def find(tree: PolicyTree, folder: Path | None) -> tuple[list[Case], list[Gap]]:
    """Return the cases below `folder` (default: `FOLDER` of the tree), sorted, and what is wrong with their layout."""
    base = folder if folder is not None else tree.root / FOLDER
    if not base.is_dir():
        return [], ([] if folder is None else [Gap("case", str(base), "there is no such directory")])
    found, gaps = [], []
    environments = tree.environments()
    for path in sorted(path for path in base.glob("*/*/*") if path.is_dir() and "__pycache__" not in path.parts):
        environment, verdict, _ = path.relative_to(base).parts
        if environment not in environments:
            gaps.append(Gap("case", str(path), f"there is no environment {environment}"))
        elif verdict not in VERDICTS:
            gaps.append(Gap("case", str(path), f"{verdict} is no verdict; expected one of {', '.join(VERDICTS)}"))
        elif not (path / "findings.json").is_file():
            gaps.append(Gap("case", str(path), "findings.json is missing"))
        else:
            found.append(Case(environment, verdict, path))
    if not found and not gaps:
        said = "there is no case; expected <environment>/<verdict>/<case>/findings.json"
        gaps.append(Gap("case", str(base), said))
    return found, gaps


def gaps(tree: PolicyTree, known: list[Case]) -> Iterator[Gap]:
    """Yield each case of `known` that is decided in another way, by the engine that decides models.

    Raises `UsageError` for a case that cannot be read, and `EngineError` when OPA cannot be run.
    """
    from weightgate.engine.evaluate import evaluate
    from weightgate.engine.exec import ExecEngine

    groups: dict[tuple[Permissions, str], list[Case]] = {}
    for case in known:
        groups.setdefault((case.permissions, case.at), []).append(case)
    for (permissions, at), group in sorted(groups.items()):
        names = sorted({case.environment for case in group})
        evidence = [case.evidence() for case in group]
        try:
            with _with_permissions(tree, permissions) as used, ExecEngine(used) as engine:
                decisions = evaluate(engine, evidence, names, at)
        except PolicyError as exc:
            yield Gap("case", group[0].name, str(exc))
            continue
        for number, case in enumerate(group):
            yield from _differences(case, decisions[number * len(names) + names.index(case.environment)])


def _differences(case: Case, decision: Decision) -> Iterator[Gap]:
    said = "; ".join(violation.msg for violation in decision.violations[:3]) or "no violation"
    violated = {violation.rule for violation in decision.violations}
    rules = case.rules()
    if decision.verdict != case.verdict:
        yield Gap("case", case.name, f"the verdict is {decision.verdict}, not {case.verdict} ({said})")
    elif rules is not None and violated != rules:
        wanted, found = (", ".join(sorted(names)) or "none" for names in (rules, violated))
        yield Gap("case", case.name, f"the violated rules are {found}; expected {wanted}")


@contextmanager
def _with_permissions(tree: PolicyTree, permissions: Permissions) -> Iterator[PolicyTree]:
    """Give the tree, or a copy of it in which every environment has these permissions."""
    if not any(permissions):
        yield tree
        return
    with trial.copied(tree) as copy:
        for name, (kind, text) in itertools.product(
            tree.environments(), zip(("exceptions", "break_glass"), permissions, strict=True)
        ):
            if text:
                path = copy.root / "environments" / name / kind / "data.yaml"
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
        yield copy
