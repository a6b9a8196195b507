"""Evaluate with an OPA process of our own: one process for all environments, documents and canaries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from weightgate.engine import binary
from weightgate.engine.interface import PolicyEngine, RawAnswers
from weightgate.errors import EngineError, PolicyCompileError, PolicyError
from weightgate.policy.revision import Revision
from weightgate.policy.tree import PolicyTree

TIMEOUT_S = 300.0
"""How long one evaluation may take, in seconds."""

# NOTE: plain variables: in a comprehension of OPA 1.22, `with data.x as v.y` makes nothing of everything, in silence.
_OF_AN_ENVIRONMENT = (
    "some environment in input.environments; settings := data[environment].settings; "
    'exceptions := object.get(data[environment], "exceptions", {}); now := {"context": input.inputs[0].context}'
)
_WITH = "with input as now with data.weightgate.settings as settings with data.weightgate.exceptions as exceptions"


def _prepared(package: str, rule: str) -> str:
    """Return Rego for what `rule` says in each environment, by the package's `key` to it."""
    key, value = (f"data.weightgate.{package}.{name} {_WITH}" for name in ("key", rule))
    return f"{{key: value | {_OF_AN_ENVIRONMENT}; key := {key}; value := {value}}}"


PREPARED = (
    f'{{"settings": {_prepared("rules.settings", "faults")}, "exceptions": {_prepared("lib.register", "worked_out")}}}'
)
"""Rego for what is the same for every document, so that it is asked once for the process.

A policy that looks it up for other settings or exceptions than these, or that has no such rule, works it out there.
"""

_QUERY = (
    f'{{"answers": [[environment, number, decision] | prepared := {PREPARED}; '
    "some environment in input.environments; some number, document in input.inputs; "
    "decision := data.environments[environment].decision with input as document "
    'with data.weightgate.lib.prepared.values as prepared], "opa": opa.runtime().version}'
)


class ExecEngine(PolicyEngine):
    """OPA as a child process over a policy tree on disk.

    The process starts at once, so that it reads the policy while the caller reads the documents. Use as a context
    manager: the process ends with it.
    """

    def __init__(
        self, tree: PolicyTree, timeout: float = TIMEOUT_S, environ: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Start OPA over `tree`, with `environ` beside the little that it may see of ours.

        Raises `EngineError` when OPA cannot be found or started.
        """
        self._tree = tree
        self._timeout = timeout
        self._conversation: _Conversation | None = None
        program = binary.find(stderr=sys.stderr)
        command = [str(program), "eval", "--format", "json", "--strict-builtin-errors", "--stdin-input"]
        command += ["--ignore", "*_test.rego", "--ignore", ".*"]
        command += ["-d", "policies", "-d", "environments", _QUERY]
        # NOTE: before OPA reads the files; what it read is proven only when this is still the digest afterwards.
        self._digest = tree.digest()
        self._revision = Revision(tree.root)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # NOTE: OPA would take what stands before a colon in a path for a prefix, so it gets no path of ours.
                cwd=tree.root,
                env={**_environ(), **environ},
                start_new_session=True,
            )
        except OSError as exc:
            raise EngineError(f"{program}: OPA cannot be started: {exc.strerror}") from exc

    def __enter__(self) -> ExecEngine:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        if self._conversation is not None:
            self._conversation.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self._process.wait()
        self._revision.close()

    def submit(self, environments: list[str], inputs: list[bytes]) -> None:
        """See `PolicyEngine.submit`: OPA begins now."""
        self._asked(environments, inputs)

    def _asked(self, environments: list[str], inputs: list[bytes]) -> _Conversation:
        names = json.dumps(environments).encode()
        payload = b'{"environments":' + names + b',"inputs":[' + b",".join(inputs) + b"]}"
        if self._conversation is None:
            self._conversation = _Conversation(self._process, payload, self._timeout)
        if self._conversation.payload != payload:
            raise EngineError("OPA was asked one thing and then another; start an engine for each question")
        return self._conversation

    def evaluate(self, environments: list[str], inputs: list[bytes]) -> RawAnswers:
        """See `PolicyEngine.evaluate`. One call for each engine: the process answers once."""
        from weightgate.decision import EngineIdentity, PolicyIdentity

        conversation = self._asked(environments, inputs)
        loaded, digest = self._tree.load(environments)
        stdout, stderr = conversation.end()
        value = _value(stdout, stderr, self._process.returncode, self._tree.root)
        if not self._digest == digest == self._tree.digest():
            raise PolicyError(f"{self._tree.root}: the policy tree changed while it was being evaluated; run again")
        return RawAnswers(
            answers=_answers(value["answers"]),
            fail_on={name: frozenset(environment.settings.fail_on) for name, environment in loaded.items()},
            policy=PolicyIdentity(digest, self._revision.commit()),
            engine=EngineIdentity(value["opa"], "exec"),
        )


class _Conversation(threading.Thread):
    """Writes to OPA and reads from it while the main thread does other work."""

    def __init__(self, process: subprocess.Popen[bytes], payload: bytes, timeout: float) -> None:
        super().__init__(daemon=True)
        self.payload = payload
        self._process = process
        self._timeout = timeout
        self._output: tuple[bytes, bytes] | None = None
        self._error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self._output = self._process.communicate(self.payload, timeout=self._timeout)
        except (subprocess.TimeoutExpired, OSError, ValueError) as exc:
            self._error = exc

    def end(self) -> tuple[bytes, bytes]:
        """Wait for OPA to end; return what it wrote to standard output and standard error."""
        self.join()
        if self._output is None:
            raise EngineError(f"OPA did not answer within {self._timeout:g} s") from self._error
        return self._output


def _environ() -> dict[str, str]:
    """Return what OPA may see of the environment: nothing that a policy could leak."""
    seen = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
    # NOTE: OPA ends before collecting garbage would pay, unless it comes to hold this much.
    return {**seen, "GOGC": "off", "GOMEMLIMIT": "512MiB"}


def _answers(rows: list[Any]) -> dict[tuple[str, int], Any]:
    answers = {}
    for row in rows:
        if type(row) is not list or [type(item) for item in row[:2]] != [str, int] or len(row) != 3:
            raise EngineError(f"OPA's output is not the answer to the query: {str(row)[:200]}")
        answers[row[0], row[1]] = row[2]
    return answers


def _value(stdout: bytes, stderr: bytes, code: int, root: Path) -> dict[str, Any]:
    """Return the query's value.

    Raises `PolicyCompileError` with OPA's own words when it refuses the policy of `root`, and `EngineError` when it was
    ended from outside or its output is not the answer.
    """
    if code < 0:
        raise EngineError(f"OPA was ended by signal {-code} before it answered; out of memory?")
    try:
        output = json.loads(stdout) if stdout.strip() else {}
    except (ValueError, RecursionError) as exc:
        raise EngineError(f"OPA's output is no JSON (exit code {code}): {stdout[:200]!r}") from exc
    errors = output.get("errors") if isinstance(output, dict) else None
    if errors or code != 0:
        words = [_error(error, root) for error in errors] if isinstance(errors, list) else []
        said = "; ".join(words) or stderr.decode("utf-8", "replace").strip() or "no output"
        raise PolicyCompileError(f"OPA refuses the policy (exit code {code}): {said}")
    try:
        value = output["result"][0]["expressions"][0]["value"]
        if len(output["result"]) != 1 or not isinstance(value["answers"], list) or not isinstance(value["opa"], str):
            raise TypeError("another shape")
    except (KeyError, IndexError, TypeError) as exc:
        raise EngineError(f"OPA's output is not the answer to the query: {stdout[:200]!r}") from exc
    return value  # type: ignore[no-any-return]


def _error(error: Any, root: Path) -> str:
    if not isinstance(error, dict):
        return str(error)
    place = error.get("location") or {}
    where = f"{os.path.relpath(root / place['file'])}:{place.get('row')}: " if place.get("file") else ""
    return f"{where}{error.get('message', error)}"
