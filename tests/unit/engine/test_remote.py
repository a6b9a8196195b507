"""An OPA server: a real one gives what our own OPA gives; one that is down, empty, slow or lying gives no decision."""

from __future__ import annotations

import copy
import gzip
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from support import documents, opa_server, trees
from weightgate.cli import main
from weightgate.decision import Decision, PolicyIdentity
from weightgate.engine.evaluate import Evidence, evaluate
from weightgate.engine.exec import ExecEngine
from weightgate.engine.remote import RemoteEngine
from weightgate.errors import (
    CanaryPassed,
    EngineError,
    MalformedDecision,
    PolicyCompileError,
    PolicyError,
    UsageError,
    WeightgateError,
)
from weightgate.policy.tree import PolicyTree

pytest.importorskip("opa_client")

CLEAN = documents.document()
REFUSED = documents.document(documents.finding(severity="CRITICAL"))
ENVIRONMENTS = ["dev", "staging", "prod"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> PolicyTree:
    return trees.tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def real(tree: PolicyTree) -> Iterator[str]:
    with opa_server.running(tree.root) as url:
        yield url


@pytest.fixture
def server(real: str) -> Iterator[opa_server.LyingServer]:
    with opa_server.lying(real) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WEIGHTGATE_OPA_TOKEN", "WEIGHTGATE_OPA_URL", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


def decide(
    url: str, *given: dict[str, Any], env: list[str] | None = None, timeout: float = 60, **limits: int
) -> list[Decision]:
    evidence = [Evidence.of(documents.typed(value)) for value in given or (CLEAN,)]
    with RemoteEngine(url, timeout, **limits) as engine:
        return list(evaluate(engine, evidence, env or ["dev"], documents.AT))


# A real server -------------------------------------------------------------------------------------------------------


def test_it_decides_as_our_own_opa_does(tree: PolicyTree, real: str) -> None:
    evidence = [Evidence.of(documents.typed(value)) for value in (CLEAN, REFUSED)]
    with ExecEngine(tree) as engine:
        own = evaluate(engine, evidence, ENVIRONMENTS, documents.AT)
    remote = decide(real, CLEAN, REFUSED, env=ENVIRONMENTS)
    assert {item.engine.mode for item in remote} == {"server"}
    assert [replace(item, engine=own[0].engine, policy=own[0].policy) for item in remote] == list(own)
    assert [item.verdict for item in remote] == ["allow"] * 3 + ["deny"] * 3


def test_the_same_question_gets_the_same_answer(real: str) -> None:
    assert decide(real, CLEAN) == decide(real, CLEAN)


def test_the_identity_is_of_the_policy_and_not_of_what_is_asked(real: str) -> None:
    identities = {item.policy for item in decide(real, CLEAN, env=["prod"]) + decide(real, REFUSED, env=["dev"])}
    assert len(identities) == 1
    assert identities.pop().revision is None


EDITS = {
    "a rule's comment": ("policies/weightgate/gate/gate.rego", "# more\n"),
    "an exception": ("environments/staging/exceptions/data.yaml", None),
    "the severity map": ("policies/weightgate/severity_map/data.yaml", None),
}


@pytest.mark.parametrize("what", EDITS)
def test_the_identity_changes_with_whatever_decides(tmp_path: Path, real: str, what: str) -> None:
    root = trees.copy(tmp_path)
    path, more = EDITS[what]
    if what == "an exception":
        trees.write(root, path, trees.EXCEPTION)
    elif what == "the severity map":
        trees.write(root, path, "threats: {PAIT-PKL-100: {severity: CRITICAL, reason: Known.}}\n")
    else:
        trees.write(root, path, (root / path).read_text() + str(more))
    with opa_server.running(root) as url:
        (changed,) = decide(url)
    (before,) = decide(real)
    assert changed.policy.digest != before.policy.digest


def test_the_revision_of_a_bundle_is_the_revision(tmp_path: Path) -> None:
    root = trees.copy(tmp_path / "tree")
    for name in ENVIRONMENTS:
        for data in ("data.yaml", "exceptions/data.yaml"):
            trees.write(root, f"bundle/{name}/{data}", (root / "environments" / name / data).read_text())
        trees.write(root, f"bundle/{name}.rego", (root / "environments" / name / "policy.rego").read_text())
    (root / "policies" / "weightgate").rename(root / "bundle" / "weightgate")
    trees.write(root, "bundle/.manifest", '{"revision": "c0ffee"}')
    with opa_server.running(root, "--bundle", "bundle") as url:
        (found,) = decide(url, env=["prod"])
    assert (found.verdict, found.policy) == ("allow", PolicyIdentity(found.policy.digest, "c0ffee"))


def test_strict_built_in_errors_are_on(tmp_path: Path) -> None:
    root = trees.copy(tmp_path)
    path = "environments/dev/policy.rego"
    trees.edit(root, path, "\ndecision := ", "\nhonest := ")
    trees.write(root, path, (root / path).read_text() + '\ndecision := honest if not to_number("CRITICAL")\n')
    with opa_server.running(root) as url, pytest.raises(PolicyCompileError, match=r"policy.rego:\d+: to_number"):
        decide(url)


def test_an_edit_that_waives_too_much_is_an_error(tmp_path: Path) -> None:
    root = trees.copy(tmp_path)
    trees.drop(root, "dev", "true")
    with opa_server.running(root) as url, pytest.raises(CanaryPassed):
        decide(url)


def test_a_server_without_the_policy(tmp_path: Path) -> None:
    with opa_server.running(tmp_path) as url, pytest.raises(PolicyError, match="has no environment 'dev'.*it has none"):
        decide(url)


def test_a_server_without_the_environment(real: str) -> None:
    with pytest.raises(PolicyError, match="has no environment 'canary'.*it has dev, prod, staging"):
        decide(real, env=["canary"])


SETTINGS: dict[str, tuple[str | None, str, str]] = {
    "no fail_on": ("fail_on", "# ", 'the key "fail_on" is missing'),
    "fail_on empty": ("fail_on", "  fail_on: []", "CRITICAL is missing"),
    "fail_on without CRITICAL": ("fail_on", "  fail_on: [HIGH]", "CRITICAL is missing"),
    "fail_on misspelt": ("fail_on", "  fail_no: [CRITICAL]", 'did you mean "fail_on"'),
    "unknown severity": ("fail_on", "  fail_on: [CRITICAL, HIHG]", "HIHG"),
    "fail_on is a word": ("fail_on", "  fail_on: CRITICAL", "expected a list"),
}


@pytest.mark.parametrize(("key", "line", "words"), SETTINGS.values(), ids=SETTINGS)
def test_settings_on_the_server_keep_the_schema(tmp_path: Path, key: str, line: str, words: str) -> None:
    root = trees.copy(tmp_path)
    path = "environments/dev/data.yaml"
    trees.write(root, path, re.sub(rf"(?m)^  {key}:.*$", line, (root / path).read_text()))
    with opa_server.running(root) as url, pytest.raises(PolicyError, match=f"data.dev: .*{re.escape(words)}"):
        decide(url)


def test_exceptions_on_the_server_keep_the_schema(tmp_path: Path) -> None:
    root = trees.copy(tmp_path)
    trees.write(root, "environments/dev/exceptions/data.yaml", trees.EXCEPTION.replace("expires", "expire"))
    with opa_server.running(root) as url, pytest.raises(PolicyError, match="data.dev.exceptions: /EXC-1/expire"):
        decide(url)


# A server that is down, slow, or lies ---------------------------------------------------------------------------------


def test_the_proxy_of_these_tests_is_honest(server: opa_server.LyingServer) -> None:
    assert [item.verdict for item in decide(server.url, CLEAN, REFUSED)] == ["allow", "deny"]


def test_a_server_that_is_down() -> None:
    with pytest.raises(EngineError, match="cannot be reached: .*refused"):
        decide(f"http://127.0.0.1:{opa_server.free_port()}")


def _result(change: Callable[[dict[str, Any]], Any]) -> Callable[[str, int, bytes], tuple[int, bytes, dict[str, str]]]:
    """Lie about decisions alone, by changing the object of the answer."""

    def lie(path: str, status: int, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        if "/decision" not in path:
            return status, body, {}
        value = json.loads(body)
        changed = change(value)
        return status, json.dumps(value if changed is None else changed).encode(), {}

    return lie


def _allow(value: dict[str, Any]) -> None:
    value["result"].update(allow=True, verdict="allow", violations=[])


DECISIONS: dict[str, tuple[Callable[[dict[str, Any]], Any], type[WeightgateError]]] = {
    "undefined": (lambda value: value.pop("result") and None, MalformedDecision),
    "allow for everything": (_allow, CanaryPassed),
    "true": (lambda value: value.update(result=True), MalformedDecision),
    "null": (lambda value: value.update(result=None), MalformedDecision),
    "another environment": (lambda value: value["result"].update(environment="prod"), MalformedDecision),
    "another input": (lambda value: value["result"].update(input_digest="sha256:" + "0" * 64), MalformedDecision),
    "another time": (lambda value: value["result"].update(evaluated_at="2020-01-01T00:00:00Z"), MalformedDecision),
    "extra key": (lambda value: value["result"].update(force=True), MalformedDecision),
    "no provenance": (lambda value: value.pop("provenance") and None, EngineError),
    "an old OPA": (lambda value: value["provenance"].update(version="0.70.0"), EngineError),
    "provenance of another shape": (lambda value: value.update(provenance=["1.22.2"]), EngineError),
    "bundles of another shape": (lambda value: value["provenance"].update(bundles=["x"]), EngineError),
    "a list": (lambda value: [value], EngineError),
}


@pytest.mark.parametrize(("change", "error"), DECISIONS.values(), ids=DECISIONS)
def test_a_lying_decision(
    server: opa_server.LyingServer, change: Callable[[dict[str, Any]], Any], error: type[WeightgateError]
) -> None:
    server.lie = _result(change)
    with pytest.raises(error):
        decide(server.url)


def test_a_decision_that_is_played_again(server: opa_server.LyingServer) -> None:
    """The first honest allow, given as the answer to every later question, passes no canary."""
    first: list[dict[str, Any]] = []

    def replay(value: dict[str, Any]) -> Any:
        first.append(copy.deepcopy(value))
        return first[0]

    server.lie = _result(replay)
    with pytest.raises(MalformedDecision):
        decide(server.url)


def test_an_allow_that_lies_about_the_document_alone(server: opa_server.LyingServer) -> None:
    """Every canary is refused honestly; the allow still contradicts its own counts."""

    def lie(value: dict[str, Any]) -> None:
        if value["result"]["model"]["uri"] == REFUSED["model"]["uri"]:
            _allow(value)

    server.lie = _result(lie)
    with pytest.raises(MalformedDecision, match="the policy allows 1 findings"):
        decide(server.url, REFUSED)


def test_a_policy_that_changes_between_the_decisions(server: opa_server.LyingServer) -> None:
    def lie(path: str, status: int, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        later = any("/decision" in seen for _, seen, _ in server.seen)
        return status, body.replace(b"# METADATA", b"# metadata", 1) if later and "/policies" in path else body, {}

    server.lie = lie
    with pytest.raises(PolicyError, match="changed while it was being evaluated"):
        decide(server.url)


def test_a_server_that_changes_its_version(server: opa_server.LyingServer) -> None:
    def lie(value: dict[str, Any]) -> None:
        value["provenance"]["version"] = "1.22.2" if len(server.seen) % 2 else "1.22.1"

    server.lie = _result(lie)
    with pytest.raises(PolicyError, match="changed while it was being evaluated"):
        decide(server.url)


ANSWERS: dict[str, tuple[int, bytes, dict[str, str], str]] = {
    "no JSON": (200, b"<html>", {}, "no JSON"),
    "empty": (200, b"", {}, "no JSON"),
    "a word": (200, b'"allow"', {}, "no JSON object"),
    "a key twice": (200, b'{"result": false, "result": {}}', {}, "stands twice"),
    "NaN": (200, b'{"result": NaN}', {}, "NaN"),
    "an empty object": (200, b"{}", {}, "."),
    "a result of another shape": (200, b'{"result": 7}', {}, "."),
    "a list of words": (200, b'{"result": ["x"]}', {}, "."),
    "a policy without text": (200, b'{"result": [{"id": 7}]}', {}, "."),
    "an error of the server": (500, b"{}", {}, "HTTP 500"),
    "an error of OPA": (500, b'{"code": "internal_error", "message": "boom"}', {}, "boom"),
    "bad gateway": (502, b"{}", {}, "HTTP 502"),
    "no such thing": (404, b'{"code": "resource_not_found"}', {}, "HTTP 404"),
    "no token": (401, b"{}", {}, "WEIGHTGATE_OPA_TOKEN"),
    "forbidden": (403, b"<html>", {}, "WEIGHTGATE_OPA_TOKEN"),
    "redirect": (302, b"{}", {"Location": "http://127.0.0.1:9/v1/policies"}, "redirects"),
    "permanent redirect": (308, b"{}", {"Location": "/v1/health"}, "redirects"),
    "no length": (200, b'{"result"', {"Content-Length": "9999", "Connection": "close"}, "."),
    "not gzip": (200, b"{}", {"Content-Encoding": "gzip"}, "."),
}


SHAPES = ("no JSON", "an empty object", "a result of another shape", "a list of words", "redirect")
"""The answers that are given in every place; the others are told apart before the place matters."""

PLACES = [(name, "policies") for name in ANSWERS] + [
    (name, place) for name in SHAPES for place in ("data/dev", "query", "decision")
]


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_an_answer_that_is_none_of_opa(server: opa_server.LyingServer, name: str, place: str) -> None:
    status, body, headers, words = ANSWERS[name]

    def lie(path: str, honest: int, answer: bytes) -> tuple[int, bytes, dict[str, str]]:
        asked = path.partition("?")[0]
        hit = asked.endswith(f"/{place}")
        return (status, body, headers) if hit else (honest, answer, {})

    server.lie = lie
    with pytest.raises(WeightgateError, match=words) as caught:
        decide(server.url, timeout=5)
    assert caught.value.exit_code == 3
    assert [path.partition("?")[0].endswith(f"/{place}") for _, path, _ in server.seen].count(True) == 1


def test_an_answer_without_end_is_bounded(server: opa_server.LyingServer) -> None:
    server.lie = lambda path, status, body: (200, b'{"result": "' + b"x" * 3_000_000 + b'"}', {})
    with pytest.raises(EngineError, match="more than 1000000 bytes"):
        decide(server.url, answer_bytes=1_000_000)


def test_a_bomb_is_bounded(server: opa_server.LyingServer) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    server.lie = lambda path, status, body: (200, bomb, {"Content-Encoding": "gzip"})
    with pytest.raises(EngineError, match="more than 1000000 bytes"):
        decide(server.url, answer_bytes=1_000_000)


def test_a_server_that_says_nothing(server: opa_server.LyingServer) -> None:
    server.hold = lambda handler, path: server.released.wait(30) and False
    with pytest.raises(EngineError, match=r"did not answer (within|in time)"):
        decide(server.url, timeout=0.3)


def test_a_server_that_sends_a_byte_now_and_then(server: opa_server.LyingServer) -> None:
    def drip(handler: BaseHTTPRequestHandler, path: str) -> bool:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not server.released.wait(0.02):
            try:
                handler.wfile.write(b"x")
                handler.wfile.flush()
            except OSError:
                break
        return False

    server.hold = drip
    with pytest.raises(EngineError, match=r"did not answer within 0\.3 s"):
        decide(server.url, timeout=0.3)


# Address, token, extra ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://opa.example.org:8181",
        "http://10.0.0.1:8181",
        "ftp://127.0.0.1",
        "127.0.0.1:8181",
        "https://user:secret@opa.example.org",
        "https://opa.example.org/prefix",
        "https://opa.example.org?x=1",
        "https://",
        "",
        "https://opa.example.org:99999",
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(UsageError, match="--opa-url cannot be used") as caught:
        RemoteEngine(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:8181", "http://[::1]:8181/", "https://opa.example.org"])
def test_an_address(url: str) -> None:
    with RemoteEngine(url) as engine:
        assert (
            engine._client.root_url
            == {
                "http://localhost:8181": "http://localhost:8181/v1",
                "http://[::1]:8181/": "http://[::1]:8181/v1",
                "https://opa.example.org": "https://opa.example.org:443/v1",
            }[url]
        )


def test_certificates_are_checked(monkeypatch: pytest.MonkeyPatch, server: opa_server.LyingServer) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    with RemoteEngine("https://opa.example.org") as engine:
        assert engine._client._session.verify is True
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/our.pem")
    with RemoteEngine("https://opa.example.org") as engine:
        assert engine._client._session.verify == "/etc/our.pem"
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(EngineError, match="no secure connection"):
        decide(server.url.replace("http://", "https://"))


def test_the_token_is_sent_and_never_shown(
    server: opa_server.LyingServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WEIGHTGATE_OPA_TOKEN", "t0psecret\n")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login mallory password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    decide(server.url)
    assert {headers.get("Authorization") for _, _, headers in server.seen} == {"Bearer t0psecret"}
    server.lie = lambda path, status, body: (401, b"t0psecret?", {})
    with pytest.raises(EngineError) as caught:
        decide(server.url)
    assert "t0psecret" not in str(caught.value)


def test_no_token_is_no_header(server: opa_server.LyingServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login mallory password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    decide(server.url)
    assert {headers.get("Authorization") for _, _, headers in server.seen} == {None}


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "\x00", "schlüssel"])
def test_a_token_that_is_none(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "\x00" in token:
        token = "a\x01b"
    monkeypatch.setenv("WEIGHTGATE_OPA_TOKEN", token)
    with pytest.raises(UsageError, match="WEIGHTGATE_OPA_TOKEN") as caught:
        RemoteEngine("https://opa.example.org")
    assert token not in str(caught.value)


def test_without_the_extra_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opa_client.opa", None)
    monkeypatch.delitem(sys.modules, "weightgate.engine.server", raising=False)
    with pytest.raises(EngineError, match=r"pip install 'weightgate\[remote\]'"):
        RemoteEngine("https://opa.example.org")


# The command line -----------------------------------------------------------------------------------------------------


def check(tmp_path: Path, value: dict[str, Any], *words: str) -> int:
    return main(["check", str(documents.store(tmp_path, value)), "--engine", "remote", *words])


def test_exit_codes(
    real: str, tree: PolicyTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = ["--policy", str(tree.root), "--all"]
    assert check(tmp_path, CLEAN, "--opa-url", real, *policy) == 0
    monkeypatch.setenv("WEIGHTGATE_OPA_URL", real)
    assert check(tmp_path, REFUSED, *policy) == 1
    assert real in capsys.readouterr().out
    monkeypatch.setenv("WEIGHTGATE_OPA_URL", f"http://127.0.0.1:{opa_server.free_port()}")
    assert check(tmp_path, CLEAN, *policy) == 3
    monkeypatch.delenv("WEIGHTGATE_OPA_URL")
    assert check(tmp_path, CLEAN, *policy) == 2
    assert "--opa-url or WEIGHTGATE_OPA_URL" in capsys.readouterr().err
