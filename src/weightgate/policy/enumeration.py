"""Small findings documents of every kind that a policy can tell apart, made to compare what environments allow."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

from weightgate import strict
from weightgate.engine.evaluate import Evidence
from weightgate.findings import read
from weightgate.policy import trial
from weightgate.policy.environment import Environment
from weightgate.policy.moments import seconds, stamp

SEVERITIES = ("INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL", "UNKNOWN")
STATUSES = ("completed", "partial", "failed")
ENFORCEMENTS = (None, "ALLOWING", "BLOCKING")
OUTCOMES = ("CLEAN", "BLOCKED", None, "TRIAL-WORD")
MORE_OUTCOMES = ("PASS", "SUCCESS", "ALLOWED", "WARNING", "FAILURE", "ERROR", "PENDING")
CATEGORIES = ("code_execution", "backdoor", "trojan", "poisoning", "deserialization", "license", "trial")
EXCEPTIONS = ("none", "short", "long", "expired")
"""What excuses the finding: nothing, or a trial exception that is in force, lasts very long, or has ended."""

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_DAY = 86400
_OLDEST = 3650 * _DAY
_MOST = 60
"""Findings of one generated document at most."""

Json = dict[str, Any]


def finding(severity: str = "LOW", exception: str = "none", **changes: Any) -> Json:
    """Return a finding that the trial exception of the kind `exception` is about."""
    return {
        "id": f"wgf-trial-{exception}",
        "scanner": "modelaudit",
        "rule": "TRIAL-1",
        "threat": None,
        "category": "trial",
        "severity": severity,
        "native_severity": None,
        "title": "a finding made to compare environments",
        "description": "",
        "path": "weights.pkl",
        "location": None,
        "remediation": None,
        "references": [],
        "enforcement": None,
        **changes,
    }


def scan(**changes: Any) -> Json:
    """Return a scan that ran to its end and says CLEAN."""
    return {
        "scanner": "modelaudit",
        "version": "1.0.0",
        "status": "completed",
        "outcome": "CLEAN",
        "started_at": None,
        "finished_at": None,
        "files_scanned": 1,
        "unscanned": [],
        "errors": [],
        "reference": None,
        "report_sha256": "b" * 64,
        **changes,
    }


def document(at: str, *findings: Json, scans: Iterable[Json] | None = None, **model: Any) -> Json:
    """Return the document of a local model with one pickle; `model` replaces keys of the model."""
    return {
        "schema": "weightgate.findings/v1",
        "generated_at": at,
        "generator": {"name": "weightgate", "version": "trial"},
        "model": {
            "uri": "trial/model",
            "source": "local",
            "name": None,
            "revision": None,
            "digest": "sha256:" + "3b" * 32,
            "files": [file()],
            **model,
        },
        "scans": [scan()] if scans is None else list(scans),
        "findings": list(findings),
    }


def file(path: str = "weights.pkl", format: str = "pickle") -> Json:
    """Return a file of a model."""
    return {"path": path, "size": 1, "sha256": "7d" * 32, "format": format}


def exceptions(environments: dict[str, Environment], at: str) -> dict[str, Json]:
    """Return the trial exceptions, by id, that `documents` count on in every environment."""
    limits = [environment.settings.exceptions for environment in environments.values()]
    longest = max((days for limit in limits for days in limit.max_days.values()), default=1)
    approver = next((person for limit in limits for person in limit.approvers), "trial-approver")
    now = seconds(at) or 0
    spans = {"short": (-1, 1), "long": (-1, max(longest - 1, 1)), "expired": (-1, 0)}
    return {
        f"TRIAL-{kind.upper()}": trial.exception(
            f"wgf-trial-{kind}", stamp(now + first * _DAY), stamp(now + last * _DAY), approver
        )
        for kind, (first, last) in spans.items()
    }


def documents(environments: dict[str, Environment], library_map: Json, at: str) -> list[Evidence]:
    """Return every document, each once.

    They vary severity, outcome, status, category, enforcement and exception state together; the rest (what settings,
    severity maps and exceptions name) one at a time.
    """
    values = [environment.settings_file.value["settings"] for environment in environments.values()]
    maps = [library_map, *(value.get("severity_map", {}) for value in values)]
    made = itertools.chain(
        _states(at),
        _mapped(at, maps),
        _models(at, values),
        _told(at, values),
        _files(at, values),
        _counts(at, values),
        _ages(at, values),
        *(_excused(at, environment) for environment in environments.values()),
    )
    unique = {strict.canonical(value): None for value in made}
    return [Evidence(read(raw), raw) for raw in unique]


def _states(at: str) -> Iterator[Json]:
    categories = itertools.cycle(CATEGORIES)
    for outcome, status in itertools.product((*OUTCOMES, *MORE_OUTCOMES), STATUSES):
        yield document(at, scans=[scan(outcome=outcome, status=status)])
    for outcome, status, severity, enforcement, exception in itertools.product(
        OUTCOMES, STATUSES, SEVERITIES, ENFORCEMENTS, EXCEPTIONS
    ):
        found = finding(severity, exception, enforcement=enforcement, category=next(categories))
        yield document(at, found, scans=[scan(outcome=outcome, status=status)])
    for category, severity, exception in itertools.product(CATEGORIES, SEVERITIES, EXCEPTIONS):
        yield document(at, finding(severity, exception, category=category))


def _mapped(at: str, maps: list[Json]) -> Iterator[Json]:
    """Yield a finding of unknown severity for each entry of a severity map."""
    for entries in maps:
        threats = [*entries.get("threats", {}), *(f"PAIT-PKL-{digit}99" for digit in entries.get("series", {}))]
        for threat in threats:
            yield document(at, finding("UNKNOWN", threat=threat))
        for rule, enforcement in itertools.product(entries.get("rules", {}), ENFORCEMENTS):
            yield document(at, finding("UNKNOWN", rule=rule, enforcement=enforcement))


def _models(at: str, values: list[Json]) -> Iterator[Json]:
    sources = ("local", "huggingface", "s3", "gcs", "azure", "artifactory", "gitlab")
    for source, revision, digest in itertools.product(sources, (None, "main", COMMIT), (None, "sha256:" + "3b" * 32)):
        uri = "trial/model" if source == "local" else f"https://{source}.example.org/trial/model"
        yield document(at, source=source, revision=revision, digest=digest, uri=uri, name="trial/model")
    for host in sorted(_parameters(values, "hosts")):
        yield document(at, source="huggingface", revision=COMMIT, uri=f"https://{host}/trial/model", name="trial/model")
    for name in sorted(_parameters(values, "organizations")):
        yield document(
            at, source="huggingface", revision=COMMIT, uri=f"https://a.example.org/{name}/m", name=f"{name}/m"
        )
    for pattern in sorted(_parameters(values, "denied_models")):
        yield document(at, uri=instance(pattern), name=instance(pattern))


def _told(at: str, values: list[Json]) -> Iterator[Json]:
    """Yield findings of the kinds and rules that the settings name, excused and not."""
    words = _parameters(values, "kinds") | {
        word for value in values for word in value.get("exceptions", {}).get("never_rules", [])
    }
    for word, severity, exception in itertools.product(sorted(words), SEVERITIES, EXCEPTIONS[:2]):
        yield document(at, finding(severity, exception, category=word))
        yield document(at, finding(severity, exception, rule=word))
        yield document(at, finding(severity, exception, threat=word))


def _files(at: str, values: list[Json]) -> Iterator[Json]:
    """Yield models of each file format and scanner that the settings name, scanned, unscanned and lost."""
    coverage = [value.get("coverage", {}) for value in values]
    lists = [scanners for each in coverage for scanners in each.get("scanners", {}).values()]
    lists += [each.get("data_formats", []) for each in coverage]
    formats = {
        "unknown",
        "pickle",
        *_parameters(values, "allowed"),
        *_words([[*each.get("scanners", {})] for each in coverage]),
        *_words(lists),
    }
    required = [value.get("scanners", {}).get("required", []) for value in values]
    scanners = {"trial-scanner", *_parameters(values, "judged_by"), *_words(lists), *_words(required)}
    for word, scanner in itertools.product(sorted(formats), sorted(scanners)):
        yield document(at, scans=[scan(scanner=scanner)], files=[file(format=word)])
    left = [{"path": "weights.pkl", "reason": "skipped"}]
    for word, status in itertools.product(sorted(formats), STATUSES[:2]):
        yield document(at, scans=[scan(status=status, unscanned=left)], files=[file(format=word)])
    error = {"code": "trial", "message": "lost", "path": None}
    yield document(at, scans=[scan(status="partial", errors=[error])])
    yield document(at, scans=[scan(status="partial", files_scanned=0)])
    for number in range(2, len(scanners) + 1):
        yield document(at, scans=[scan(scanner=scanner) for scanner in sorted(scanners)[:number]])
    yield document(at, scans=[], files=[])
    yield document(at, files=[])


def _counts(at: str, values: list[Json]) -> Iterator[Json]:
    """Yield several findings of one severity: around each number in the settings of rules, and a few."""
    numbers = {number for value in values for number in _numbers(value.get("rules", {}))}
    counts = {2, 3, 6} | {near for number in numbers for near in (number, number + 1)}
    for severity, number in itertools.product(SEVERITIES, sorted(count for count in counts if 0 < count <= _MOST)):
        yield document(at, *(finding(severity, id=f"wgf-trial-{each}") for each in range(number)))


def _ages(at: str, values: list[Json]) -> Iterator[Json]:
    """Yield scans that ended long ago, around each number of hours or days in the settings, and old scanners."""
    now = seconds(at) or 0
    numbers = {number for value in values for number in _numbers(value)}
    ages = {each * unit for number in numbers for unit in (_DAY, 3600) for each in (number, number + 1)}
    for age in sorted(age for age in ages | {0, _OLDEST} if age <= _OLDEST):
        yield document(at, scans=[scan(started_at=stamp(now - age), finished_at=stamp(now - age))])
    for version in (None, "0.0.1", "999.0.0"):
        yield document(at, scans=[scan(version=version, finished_at=at)])


def _excused(at: str, environment: Environment) -> Iterator[Json]:
    """Yield a finding of each severity that an exception of the environment is about."""
    for exception in environment.exceptions.values():
        scope = exception.scope
        about = {"id": scope["finding"]} if "finding" in scope else {"rule": scope["rule"]}
        if "path" in scope:
            about["path"] = instance(scope["path"])
        model: Json = {"uri": instance(scope["model"])} if "model" in scope else {}
        if "digest" in scope:
            model["digest"] = scope["digest"]
        for severity in SEVERITIES:
            yield document(at, finding(severity, **about), **model)


def instance(pattern: str) -> str:
    """Return a text that the glob `pattern` matches, for the patterns that people write."""
    text = re.sub(r"\{([^{},]*)[^{}]*\}", r"\1", pattern)
    text = re.sub(r"\[!?([^\]])[^\]]*\]", r"\1", text)
    return re.sub(r"\*+|\?", "x", text)


def _parameters(values: list[Json], name: str) -> set[str]:
    """Return the words of every rule's parameter `name`."""
    return _words([setting.get(name) for value in values for setting in value.get("rules", {}).values()])


def _words(lists: list[Any]) -> set[str]:
    return {word for words in lists if isinstance(words, list) for word in words if isinstance(word, str) and word}


def _numbers(value: Any) -> Iterator[int]:
    if type(value) is int:
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _numbers(item)
