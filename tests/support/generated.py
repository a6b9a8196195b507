"""Generated findings documents and exceptions: often sound enough to pass, often odd enough not to."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st

from support import documents
from weightgate.policy.moments import seconds, stamp

Json = dict[str, Any]

SEVERITIES = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO", "UNKNOWN"]
PATHS = ["weights.pkl", "a/b.bin", "c.json"]
FORMATS = ["json", "safetensors", "safetensors", "pickle"]
SOURCES: dict[str, Json] = {
    "local": {},
    "huggingface": {"uri": "https://huggingface.co/acme/tiny", "name": "acme/tiny"},
    "s3": {"uri": "s3://models/tiny", "name": "other/tiny"},
}
NOW = seconds(documents.AT) or 0


SEEDS = st.integers(0, 2**32).map(Random)
"""What everything of an example is drawn with: drawn one by one it would be more than an example may hold."""


def batch(random: Random, size: int = 50) -> list[Json]:
    """Return documents whose findings have ids of their own: sound ones, each with up to three oddities."""
    return [document(random, number) for number in range(size)]


def document(random: Random, number: int) -> Json:
    """Return one document."""
    source = random.choice(["local", "local", *SOURCES])
    files = [documents.file(path, random.choice(FORMATS)) for path in random.sample(PATHS, random.choice([1, 1, 2]))]
    scanners = random.sample(["modelaudit", "modelscan", "prisma-airs"], random.choice([1, 2, 2]))
    value = documents.document(
        *(finding(random, ["LOW", "INFO"]) for _ in range(random.choice([0, 0, 1, 2, 4]))),
        scans=[documents.scan(scanner, finished_at=ago(1)) for scanner in scanners],
        model=documents.model(source=source, revision=documents.COMMIT, files=files, **SOURCES[source]),
    )
    for _ in range(random.choice([0, 1, 1, 2, 3])):
        random.choice(ODDITIES)(random, value)
    value["findings"] = [{**each, "id": f"wgf-{number}-{place}"} for place, each in enumerate(value["findings"])]
    return value


def finding(random: Random, severities: list[str] = SEVERITIES) -> Json:
    """Return a finding of one of the severities."""
    return documents.finding(
        severity=random.choice(severities),
        rule=random.choice(["S201", "S201", "License Exists", "Known Framework Operators Check"]),
        threat=random.choice([None, None, "PAIT-TF-300", "PAIT-PKL-100", "UNAPPROVED_FORMATS", "NEW-1"]),
        category=random.choice(["pickle"] * 6 + ["backdoor", "data-poisoning"]),
        title=random.choice(["an odd global"] * 6 + ["a trojan in a layer"]),
        enforcement=random.choice([None, "ALLOWING", "BLOCKING"]),
        path=random.choice([None, *PATHS]),
    )


def _more_findings(random: Random, value: Json) -> None:
    value["findings"] += [finding(random) for _ in range(random.choice([1, 1, 1, 4]))]


def _a_threat(random: Random, value: Json) -> None:
    value["findings"].append({**finding(random, ["UNKNOWN"]), "threat": random.choice(["PAIT-TF-300", "PAIT-PKL-100"])})


def _another_model(random: Random, value: Json) -> None:
    value["model"] |= random.choice([{"digest": None}, {"revision": None}, {"revision": "main"}, {"files": []}])


def _another_file(random: Random, value: Json) -> None:
    for file in value["model"]["files"][:1]:
        file |= random.choice([{"format": word} for word in ("empty", "unknown", "image")] + [{"sha256": None}])


def _left_open(random: Random, value: Json) -> None:
    for scan in value["scans"]:
        scan["unscanned"] = [{"path": file["path"], "reason": "skipped"} for file in value["model"]["files"][:1]]


def _another_scan(random: Random, value: Json) -> None:
    changes: list[Json] = [{"outcome": word} for word in ("ALLOWED", "BLOCKED", "PENDING", None)]
    changes += [{"status": word} for word in ("partial", "failed")]
    changes += [{"files_scanned": number} for number in (0, None)]
    changes += [{"unscanned": [{"path": path, "reason": "skipped"}]} for path in (*PATHS, "elsewhere")]
    changes += [{"version": word} for word in ("0.2.1", "0.0.9", None)]
    changes += [{"finished_at": ago(hours)} for hours in (30, 60, 999)]
    changes += [{"scanner": word} for word in ("picklescan", "nobody")]
    random.choice(value["scans"]).update(random.choice(changes))


ODDITIES = [_more_findings, _more_findings, _a_threat, _left_open]
ODDITIES += [_another_model, _another_file, _another_scan, _another_scan]


def ago(hours: int) -> str:
    """Return the time so many hours before `documents.AT`."""
    return stamp(NOW - hours * 3600)


def exceptions(random: Random, batch: list[Json]) -> dict[str, Json]:
    """Exceptions of every scope for some findings that may need them, some ended and some longer than allowed."""
    found = [
        (value, each) for value in batch for each in value["findings"] if each["severity"] not in ("LOW", "INFO")
    ] or [(documents.document(), documents.finding())]
    return {f"EXC-{number}": _exception(random, *random.choice(found)) for number in range(random.randint(0, 50))}


def _exception(random: Random, value: Json, finding: Json) -> Json:
    scope = random.choice(
        [
            {"finding": finding["id"]},
            {"finding": finding["id"]},
            {"rule": finding["rule"], "path": finding["path"] or "c.json"},
            {"rule": finding["rule"], "path": random.choice(["*.pkl", "a/*", "**/b.bin", "c.{json,yaml}"])},
            {"rule": finding["rule"], "model": random.choice([value["model"]["uri"], "models/*", "s3://**/tiny"])},
        ]
    )
    if random.random() < 0.3:
        scope |= {"digest": "sha256:" + random.choice(["3b", "3b", "4c"]) * 32}
    days = random.choice([1, 2, 2, 30, 30, 60, 60, 89, 89, 120, 170, 400])
    began = random.choice([1, 1, 1, 20])
    return {
        "scope": scope,
        "reason": "a false positive",
        "owner": "alice@example.org",
        "approver": random.choice(["bob@example.org"] * 9 + ["alice@example.org"]),
        "ticket": "SEC-1",
        "created": stamp(NOW - began * 86400),
        "expires": stamp(NOW + (days - began) * 86400),
    }
