"""What a policy answers, as plain JSON values, and decisions made of it."""

from __future__ import annotations

import json
from typing import Any

from support import documents
from weightgate import strict
from weightgate.decision import DecidedModel, Decision, EngineIdentity, Expected, PolicyIdentity, complete, read_answer
from weightgate.engine.interface import PolicyEngine, RawAnswers

POLICY = PolicyIdentity("sha256:" + "ab" * 32, None)
ENGINE = EngineIdentity("1.22.2", "exec")

VIOLATION = {"rule": "severity.threshold", "msg": "HIGH: x", "finding": "wgf-1", "severity": "HIGH", "path": None}


def answer(sent: dict[str, Any], name: str = "prod", **changes: Any) -> dict[str, Any]:
    """What an honest policy of the environment `name` answers about `sent`; it refuses every finding.

    `changes` replace keys of the answer.
    """
    given = {key: value for key, value in sent.items() if key != "context"}
    words = [finding["severity"] for finding in given["findings"]]
    counts = dict.fromkeys(("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"), 0)
    for word in words:
        counts[word if word in counts else "CRITICAL"] += 1
    safe = all(scan["outcome"] == "CLEAN" for scan in given["scans"]) and given["scans"]
    violations = [{**VIOLATION, "finding": finding["id"]} for finding in given["findings"]]
    violations += [] if safe else [{**VIOLATION, "finding": None, "severity": None}]
    return {
        "schema": "weightgate.decision/v1",
        "environment": name,
        "allow": not violations,
        "verdict": "deny" if violations else "allow",
        "evaluated_at": sent.get("context", {}).get("evaluated_at", documents.AT),
        "model": {"uri": given["model"]["uri"], "digest": given["model"]["digest"]},
        "violations": violations,
        "warnings": [],
        "counts": counts,
        "exceptions": {"applied": [], "expired": [], "unused": [], "rejected": []},
        "input_digest": strict.digest(strict.canonical(given)),
        **changes,
    }


def expected(sent: dict[str, Any], environment: str = "prod") -> Expected:
    """What an answer about `sent` must say."""
    model = DecidedModel(sent["model"]["uri"], sent["model"]["digest"])
    ids = frozenset(finding["id"] for finding in sent["findings"])
    return Expected(environment, documents.AT, model, ids, strict.digest(strict.canonical(sent)))


def decision(verdict: str = "allow") -> Decision:
    """A decision with this verdict."""
    sent = documents.document(*([] if verdict == "allow" else [documents.finding()]))
    value = answer(sent, verdict=verdict)
    return complete(read_answer(value, expected(sent), "here"), POLICY, ENGINE)


class HonestEngine(PolicyEngine):
    """An engine without OPA that refuses every finding and every outcome but CLEAN; tests override `answer`."""

    fail_on = frozenset({"CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"})

    def evaluate(self, environments: list[str], inputs: list[bytes]) -> RawAnswers:
        answers = {}
        for number, raw in enumerate(inputs):
            for environment in environments:
                value = self.answer(json.loads(raw), environment, number)
                if value is not None:
                    answers[environment, number] = value
        return RawAnswers(answers, dict.fromkeys(environments, self.fail_on), POLICY, ENGINE)

    def answer(self, sent: dict[str, Any], environment: str, number: int) -> dict[str, Any] | None:
        """The answer about one input; None is undefined."""
        return answer(sent, environment)
