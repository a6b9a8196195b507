"""Evaluate with an OPA server that a team already runs, through `opa-python-client` (extra `[remote]`).

The server needs the policy tree (environments, library and data) and must answer `GET /v1/policies`, `GET /v1/data`,
`POST /v1/data` and `POST /v1/query`. What it says is checked like the answers of our own OPA, with the same canaries.
"""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from weightgate import strict
from weightgate.decision import EngineIdentity, PolicyIdentity
from weightgate.engine import binary
from weightgate.engine.download import url_problem
from weightgate.engine.interface import PolicyEngine, RawAnswers
from weightgate.errors import EngineError, PolicyError, UsageError
from weightgate.policy.permissions import read_exceptions, read_grants
from weightgate.policy.settings import read_settings
from weightgate.policy.yamlfile import YamlFile

if TYPE_CHECKING:
    from weightgate.engine.server import Client

T = TypeVar("T")

TIMEOUT_S = 300.0
"""How long one evaluation may take, with every request it needs, in seconds."""

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""The largest answer to one request that is read, in bytes; 10,000 violations have about 4 MB."""

_STRICT = {"strict-builtin-errors": "true", "provenance": "true"}


@dataclass(frozen=True, slots=True)
class _State:
    """What decides on the server, apart from the input."""

    policies: tuple[tuple[str, str], ...]
    """(id, raw text) of each policy, sorted."""
    environments: dict[str, Any]
    """Environment → `data.<environment>`, for every package `environments.<environment>`."""
    library: Any
    """`data.weightgate` where no package lies, such as the severity map."""

    def digest(self) -> str:
        parts = {"policies": self.policies, "environments": self.environments, "library": self.library}
        return strict.digest(strict.canonical(parts))


class RemoteEngine(PolicyEngine):
    """An OPA server. Use as a context manager: the connection ends with it.

    The policy's identity is the SHA-256 of the canonical JSON `{"environments": …, "library": …, "policies": …}`: the
    sorted `[id, raw text]` of every policy the server lists, `data.<environment>` of every environment it has a package
    for, and the part of `data.weightgate` in which no package lies. It is not comparable with the digest of a tree on
    disk. It is asked before and after the decisions, and a difference is an error.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT_S, answer_bytes: int = MAX_ANSWER_BYTES) -> None:
        """Prepare to ask the server at `url` (`https://host[:port]`; http for a loopback host); nothing is sent yet.

        `WEIGHTGATE_OPA_TOKEN` is sent as a bearer token. `timeout` is in seconds and for the whole evaluation,
        `answer_bytes` bounds one answer. Raises `UsageError` for another URL or a token that is none, `EngineError`
        without the extra.
        """
        problem = url_problem(url)
        if problem:
            raise UsageError(f"--opa-url cannot be used: {problem}")
        try:
            from weightgate.engine.server import Client
        except ImportError as exc:
            raise EngineError(
                f"--engine remote needs the package {exc.name}; install it with: pip install 'weightgate[remote]'"
            ) from exc
        self._client: Client = Client.of(url, _token(), timeout, answer_bytes)
        self._url = url
        self._timeout = timeout
        self._deadline = 0.0

    def __enter__(self) -> RemoteEngine:
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.close_connection()

    def evaluate(self, environments: list[str], inputs: list[bytes]) -> RawAnswers:
        """See `PolicyEngine.evaluate`. One request for each environment and input, none of them repeated."""
        self._deadline = time.monotonic() + self._timeout
        return self._in_time(lambda: self._evaluate(environments, inputs))

    def _in_time(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, or raise `EngineError` at the deadline.

        A server that sends a byte now and then never trips a socket's time limit, so the work has a thread of its own.
        """
        done: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

        def run() -> None:
            try:
                done.put((work(), None))
            except BaseException as exc:  # NOTE: raised again by the caller's thread.
                done.put((None, exc))

        threading.Thread(target=run, name="weightgate-remote", daemon=True).start()
        try:
            result, error = done.get(timeout=self._timeout)
        except queue.Empty:
            raise self._late() from None
        if error is not None:
            raise error
        return result  # type: ignore[return-value]

    def _late(self) -> EngineError:
        return EngineError(f"{self._url}: the OPA server did not answer within {self._timeout:g} s")

    def _evaluate(self, environments: list[str], inputs: list[bytes]) -> RawAnswers:
        before = self._state()
        fail_on = {name: self._fail_on(name, before) for name in environments}
        answers: dict[tuple[str, int], Any] = {}
        versions = set()
        for number, raw in enumerate(inputs):
            document = json.loads(raw)
            for name in environments:
                answer, version = self._ask(f"data.environments.{name}.decision", self._decision, name, document)
                versions.add(version)
                if "result" in answer:
                    answers[name, number] = answer["result"]
        if self._state() != before or len(versions) != 1:
            raise PolicyError(f"{self._url}: the server's policy changed while it was being evaluated; run again")
        opa, revision = versions.pop()
        return RawAnswers(answers, fail_on, PolicyIdentity(before.digest(), revision), EngineIdentity(opa, "server"))

    def _decision(self, name: str, document: Any) -> tuple[dict[str, Any], tuple[str, str | None]]:
        """Return the server's answer, with OPA's version and the revision of its only bundle."""
        answer = self._client.query_rule(document, f"environments.{name}", "decision", _STRICT)
        opa = strict.text(answer["provenance"]["version"], "/provenance/version")
        if not binary.is_supported(opa):
            raise EngineError(f"{self._url}: the server is OPA {opa}; expected {binary.SUPPORTED_TEXT}")
        revisions = [bundle.get("revision") for bundle in answer["provenance"].get("bundles", {}).values()]
        only = revisions[0] if len(revisions) == 1 and revisions[0] else None
        return answer, (opa, strict.nullable(strict.text)(only, "/provenance/bundles"))

    def _state(self) -> _State:
        policies = self._ask("its policies", self._policies)
        packages = [package for _, _, package in policies]
        return _State(
            tuple(sorted((id, raw) for id, raw, _ in policies)),
            {name: self._ask(f"data.{name}", self._data, name) for name in sorted(_below(packages, "environments"))},
            self._ask("the library's data", self._library, sorted(_below(packages, "weightgate"))),
        )

    def _policies(self) -> list[tuple[str, str, list[str]]]:
        """Return each policy's id, text, and package path, `data` first."""
        # NOTE: the empty name is the list of all; the client's own function for that keeps nothing but the ids.
        listed = self._client.get_policy("")["result"]
        found = []
        for policy in listed:
            steps = [strict.text(step["value"], "/ast") for step in policy["ast"]["package"]["path"]]
            found.append((strict.text(policy["id"], "/id"), strict.text(policy["raw"], "/raw"), steps))
        return found

    def _data(self, name: str) -> Any:
        return self._client.get_data(quote(name, safe=""))["result"]

    def _library(self, packages: list[str]) -> Any:
        query = f"x := {{k: v | some k, v in data.weightgate; not k in {json.dumps(packages)}}}"
        return self._client.ad_hoc_query(query)["result"][0]["x"]

    def _fail_on(self, name: str, state: _State) -> frozenset[str]:
        """Return what the server's settings of the environment refuse, once these keep the schema of our own files."""
        data = state.environments.get(name)
        if not isinstance(data, dict):
            raise PolicyError(
                f"{self._url}: the server has no environment {name!r} (package environments.{name} and data.{name}); "
                f"it has {', '.join(state.environments) or 'none'}; load the policy tree into it"
            )
        where = f"{self._url}: data.{name}"
        settings = {key: value for key, value in data.items() if key not in ("exceptions", "break_glass")}
        read_exceptions(YamlFile(f"{where}.exceptions", data.get("exceptions", {}), {}))
        read_grants(YamlFile(f"{where}.break_glass", data.get("break_glass", {}), {}))
        return frozenset(read_settings(YamlFile(where, settings, {})).fail_on)

    def _ask(self, what: str, call: Callable[..., Any], *args: Any) -> Any:
        """Return what one request gives. Raises `EngineError` for an answer that the call or the client trips over."""
        if time.monotonic() > self._deadline:
            raise self._late()
        try:
            return call(*args)
        except (EngineError, PolicyError):
            raise
        except Exception as exc:  # NOTE: the client lets through whatever an unexpected shape makes of its code.
            raise EngineError(f"{self._url}: no usable answer about {what}: {type(exc).__name__}: {exc}"[:600]) from exc


def _below(packages: list[list[str]], top: str) -> set[str]:
    return {path[2] for path in packages if len(path) > 2 and path[1] == top}


def _token() -> str | None:
    """Return `WEIGHTGATE_OPA_TOKEN` without the blanks around it, or None; an error never repeats it."""
    token = os.environ.get("WEIGHTGATE_OPA_TOKEN", "").strip()
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise UsageError("WEIGHTGATE_OPA_TOKEN holds blanks or characters that no token has; set it again")
    return token or None
