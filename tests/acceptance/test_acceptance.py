"""Every case folder through `weightgate check`, plain `opa eval`, conftest, and an OPA server; all must agree.

A case is `<environment>/<allow|deny|indeterminate>/<case>/` with `findings.json`, and where it needs them:
`expected.json` (`{"rules": […]}`, the ids of the violated rules), `at.txt` (the time of the decision), and
`exceptions.yaml` and `break_glass.yaml` (the exceptions and the grants of every environment). Adding a folder adds its
tests.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support import documents, opa_server, trees
from weightgate import strict
from weightgate.cli import main
from weightgate.decision import read
from weightgate.engine import binary
from weightgate.engine.evaluate import Evidence, evaluate
from weightgate.policy.yamlfile import load
from weightgate.verdict import exit_code, worst

HERE = Path(__file__).parent
ENVIRONMENTS = ("dev", "staging", "prod")
"""From the most tolerant to the strictest."""

CODES = {"allow": 0, "deny": 1, "indeterminate": 4}


Permissions = tuple[str, str]
"""The texts of `exceptions.yaml` and of `break_glass.yaml`."""
KINDS = ("exceptions", "break_glass")


@dataclass(frozen=True, slots=True)
class Case:
    """One folder."""

    name: str
    """Its path, as `prod/deny/outcome-blocked`."""

    @property
    def folder(self) -> Path:
        return HERE / self.name

    @property
    def environment(self) -> str:
        return self.name.split("/")[0]

    @property
    def verdict(self) -> str:
        return self.name.split("/")[1]

    @property
    def at(self) -> str:
        return self._text("at.txt").strip() or documents.AT

    @property
    def permissions(self) -> Permissions:
        return self._text("exceptions.yaml"), self._text("break_glass.yaml")

    @property
    def rules(self) -> set[str] | None:
        text = self._text("expected.json")
        return set(json.loads(text)["rules"]) if text else None

    @property
    def document(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.folder / "findings.json").read_bytes())
        return value

    @property
    def input(self) -> dict[str, Any]:
        """What plain OPA is given: the document, at the time of the case."""
        return {"context": {"evaluated_at": self.at}, **self.document}

    def _text(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else ""


CASES = [
    Case(str(path.parent.relative_to(HERE)))
    for path in sorted(HERE.glob("*/*/*/findings.json"))
    if path.parts[-4] in ENVIRONMENTS
]

each_case = pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[Permissions, Path]:
    """The tree for each permissions of a case."""
    found = {}
    for number, texts in enumerate(sorted({case.permissions for case in CASES})):
        found[texts] = trees.copy(tmp_path_factory.mktemp(f"tree-{number}"))
        for environment, (kind, text) in itertools.product(ENVIRONMENTS, zip(KINDS, texts, strict=True)):
            if text:
                trees.write(found[texts], f"environments/{environment}/{kind}/data.yaml", text)
    return found


def _groups() -> dict[tuple[Permissions, str], list[Case]]:
    """The cases that one evaluation can answer together: of the same permissions and time."""
    groups: dict[tuple[Permissions, str], list[Case]] = {}
    for case in CASES:
        groups.setdefault((case.permissions, case.at), []).append(case)
    return groups


@pytest.fixture(scope="module")
def checked(roots: dict[Permissions, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Any]:
    """(case, environment) → the decision that `weightgate check` prints."""
    decisions = {}
    for (permissions, at), cases in _groups().items():
        folder = tmp_path_factory.mktemp("documents")
        # NOTE: environments share some documents; one answer is enough for both cases.
        files = {
            _digest(case): str(documents.store(folder, case.document, f"{n}.json")) for n, case in enumerate(cases)
        }
        out = io.StringIO()
        words = ["--all", "--format", "json", "--at", at, "--policy", str(roots[permissions])]
        with contextlib.redirect_stdout(out):
            code = main(["check", *files.values(), *words])
        found = json.loads(out.getvalue())["decisions"]
        assert code == worst(exit_code([read(strict.canonical(value))]) for value in found)
        answers = {(value["input_digest"], value["environment"]): value for value in found}
        for case in cases:
            for environment in ENVIRONMENTS:
                decisions[case.name, environment] = answers[_digest(case), environment]
    return decisions


def _digest(case: Case) -> str:
    return strict.digest(strict.canonical(case.document))


@pytest.fixture(scope="module")
def evaluated(roots: dict[Permissions, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Case → the decision that the plain OPA command of the contract prints."""
    folder = tmp_path_factory.mktemp("inputs")
    opa = str(binary.find())

    def run(numbered: tuple[int, Case]) -> Any:
        number, case = numbered
        path = documents.store(folder, case.input, f"{number}.json")
        command = [opa, "eval", "-d", "policies", "-d", "environments", "-i", str(path)]
        command.append(f"data.environments.{case.environment}.decision")
        done = subprocess.run(command, cwd=roots[case.permissions], capture_output=True, check=True, timeout=120)
        return json.loads(done.stdout)["result"][0]["expressions"][0]["value"]

    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return dict(zip([case.name for case in CASES], pool.map(run, enumerate(CASES)), strict=True))


def _conftest() -> str | None:
    named = os.environ.get("WEIGHTGATE_CONFTEST")
    return named if named and Path(named).is_file() else shutil.which("conftest")


@pytest.fixture(scope="module")
def tested(roots: dict[Permissions, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Case → what conftest says of it: whether it fails, and the rules in its failures."""
    program = _conftest()
    if program is None:
        pytest.skip("conftest is not installed: name it with WEIGHTGATE_CONFTEST, or see tests/support/tools.py")
    groups: dict[tuple[Permissions, str], list[Case]] = {}
    for case in CASES:
        groups.setdefault((case.permissions, case.environment), []).append(case)

    def run(group: tuple[tuple[Permissions, str], list[Case]]) -> dict[str, Any]:
        (permissions, environment), cases = group
        folder = tmp_path_factory.mktemp("inputs", numbered=True)
        files = {str(documents.store(folder, case.input, f"{n}.json")): case.name for n, case in enumerate(cases)}
        command = [program, "test", "-p", "policies", "-p", "environments", "-d", "policies", "-d", "environments"]
        command += ["-n", f"environments.{environment}", "--output", "json", *files]
        done = subprocess.run(command, cwd=roots[permissions], capture_output=True, timeout=120)
        found = {}
        for result in json.loads(done.stdout):
            failures = result.get("failures", [])
            rules = {failure["metadata"]["rule"] for failure in failures}
            found[files[result["filename"]]] = (1 if failures else 0, rules)
        assert done.returncode == (1 if any(code for code, _ in found.values()) else 0), done.stderr
        return found

    answers: dict[str, Any] = {}
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for found in pool.map(run, groups.items()):
            answers.update(found)
    return answers


@pytest.fixture(scope="module")
def server(roots: dict[Permissions, Path]) -> Iterator[str]:
    with opa_server.running(roots["", ""]) as url:
        yield url


@pytest.fixture(scope="module")
def asked(server: str) -> dict[str, Any]:
    """Case → the decision of the remote engine; the server's permissions are replaced between the groups."""
    pytest.importorskip("opa_client", reason="the remote engine needs the extra [remote]")
    from weightgate.engine.remote import RemoteEngine

    found = {}
    for (permissions, at), cases in _groups().items():
        for environment, (kind, text) in itertools.product(ENVIRONMENTS, zip(KINDS, permissions, strict=True)):
            value = load(text.encode(), kind).value if text else {}
            _put(f"{server}/v1/data/{environment}/{kind}", value)
        evidence = [Evidence.of(documents.typed(case.document)) for case in cases]
        names = sorted({case.environment for case in cases})
        with RemoteEngine(server) as engine:
            decisions = evaluate(engine, evidence, names, at)
        for number, case in enumerate(cases):
            found[case.name] = decisions[number * len(names) + names.index(case.environment)]
    return found


def _put(url: str, value: Any) -> None:
    body = json.dumps(value).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="PUT")
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status == 204


@each_case
def test_check(case: Case, checked: dict[tuple[str, str], Any]) -> None:
    value = checked[case.name, case.environment]
    assert value["verdict"] == case.verdict, value["violations"]
    assert exit_code([read(strict.canonical(value))]) == CODES[case.verdict]
    violated = {violation["rule"] for violation in value["violations"]}
    assert violated == (case.rules or set())


@each_case
def test_plain_opa_agrees(case: Case, checked: dict[tuple[str, str], Any], evaluated: dict[str, Any]) -> None:
    plain, value = evaluated[case.name], checked[case.name, case.environment]
    assert plain["verdict"] == case.verdict
    for key in ("allow", "violations", "warnings", "counts", "exceptions", "evaluated_at", "environment"):
        assert plain[key] == value[key], key


@each_case
def test_conftest_agrees(case: Case, tested: dict[str, Any]) -> None:
    assert tested[case.name] == (0 if case.verdict == "allow" else 1, case.rules or set())


@each_case
def test_an_opa_server_agrees(case: Case, checked: dict[tuple[str, str], Any], asked: dict[str, Any]) -> None:
    remote, value = asked[case.name], checked[case.name, case.environment]
    assert (remote.verdict, remote.allow) == (case.verdict, value["allow"])
    assert [violation.msg for violation in remote.violations] == [item["msg"] for item in value["violations"]]
    assert remote.engine.mode == "server"


@each_case
def test_what_is_allowed_is_allowed_in_every_more_tolerant_environment(
    case: Case, checked: dict[tuple[str, str], Any]
) -> None:
    allowed = [checked[case.name, environment]["allow"] for environment in ENVIRONMENTS]
    assert allowed == sorted(allowed, reverse=True), dict(zip(ENVIRONMENTS, allowed, strict=True))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_environment_has_cases_of_every_verdict(environment: str) -> None:
    mine = [case for case in CASES if case.environment == environment]
    assert len(mine) >= 8
    assert {case.verdict for case in mine} == set(CODES)


@each_case
def test_a_refusal_names_its_rules(case: Case) -> None:
    assert (case.rules is None) == (case.verdict == "allow"), "a refusal has expected.json, an allow has none"
