"""Make stored findings documents as a company has them: varied, and the same ones each time.

    python benchmarks/corpus.py DIR [--documents N]

Models of 1 to 30 files with 0 to 20 findings by one to three scanners. Some scans are partial, a few failed or blocked;
Prisma AIRS states no severity. Most findings are mild, as in real life. The words are those of the stored reports in
`tests/assets`.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import Any

from weightgate import findings, strict

Json = dict[str, Any]

TIME = "2026-11-23T10:00:00Z"
A_FOLDER = 1000
"""Documents in one directory, so that no directory is too long to look at."""

_FORMATS = {"pickle": "pkl", "pytorch": "pt", "safetensors": "safetensors", "json": "json", "text": "md", "keras": "h5"}
_STEMS = ("pytorch_model", "model", "weights", "optimizer", "tokenizer", "config", "encoder", "decoder", "README")
_ORGANIZATIONS = ("acme", "meridian-labs", "northwind", "research", "hub-mirror", "sentiment")
_SOURCES = {
    "local": "models/{}/{}",
    "huggingface": "https://huggingface.co/{}/{}",
    "s3": "s3://{}-models/{}",
    "artifactory": "https://artifactory.example.org/models/{}/{}",
}
_SEVERITIES = {"CRITICAL": 4, "HIGH": 8, "MEDIUM": 18, "LOW": 35, "INFO": 35}
_CALLS = ("os.system", "builtins.exec", "builtins.eval", "posix.system", "runpy._run_code", "subprocess.Popen")
_KINDS = {
    "modelscan": (
        ("PickleUnsafeOpScan/{}", "unsafe-operator", "Use of unsafe operator '{}'"),
        ("SavedModelLambdaDetectScan/{}", "unsafe-operator", "Use of unsafe operator 'Lambda' around {}"),
    ),
    "picklescan": (("global/{}", "dangerous-import", "The pickle imports the dangerous global {}"),),
    "modelaudit": (
        ("S201", "deserialization", "Raw pickle content references dangerous helper: {}"),
        ("S101", "code-execution", "Legacy dangerous pattern detected: {}"),
        ("NON_ALLOWLISTED_GLOBAL", "pickle", "Found non-allowlisted import-only global reference: {}"),
    ),
    "fickling": (("UnsafeImports", "pickle", "`from x import {}` can execute arbitrary code and is unsafe"),),
}
_AIRS = (
    ("Load Time Code Execution Check", "PAIT-PKL-101", "the model calls {} when it is loaded"),
    ("Suspicious Model Components Check", None, "an unusual component refers to {}"),
    ("Known Framework Operators Check", None, "a framework operator reaches {}"),
    ("Stored In Approved File Format", "UNAPPROVED_FORMATS", "a file that may hold {} is of a format not approved"),
    ("License Exists", None, "no licence was found"),
)
_STATUSES = {"completed": 90, "partial": 8, "failed": 2}
_OUTCOMES = {"ALLOWED": 92, "BLOCKED": 8}


def main() -> None:
    """Write the documents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--documents", type=int, default=10_000)
    args = parser.parse_args()
    write(args.directory, args.documents)


def write(folder: Path, number: int) -> None:
    """Write `number` documents below `folder`, each as `weightgate scan` would."""
    for index in range(number):
        path = folder / f"{index // A_FOLDER:02}" / f"findings-{index:05}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(findings.write(findings.read(strict.canonical(document(index)))))


def document(index: int) -> Json:
    """Return the document with this number."""
    chance = random.Random(index)  # noqa: S311 - the same documents each time, not secrets
    source = chance.choice([*_SOURCES])
    files = [_file(chance, place) for place in range(chance.randint(1, 30))]
    scanners = chance.sample([*_KINDS], chance.choice((1, 1, 1, 2, 3)))
    if source != "local" and chance.random() < 0.5:
        scanners = ["prisma-airs", *scanners[:1]]
    found = _findings(chance, scanners, files)
    where = (chance.choice(_ORGANIZATIONS), f"model-{index:05}")
    return {
        "schema": findings.SCHEMA,
        "generated_at": TIME,
        "generator": {"name": "weightgate", "version": "0.1.0"},
        "model": {
            "uri": _SOURCES[source].format(*where),
            "source": source,
            "name": "/".join(where),
            "revision": None if source == "local" else _hex(chance, 40) if chance.random() < 0.8 else "main",
            "digest": "sha256:" + _hex(chance, 64),
            "files": files,
        },
        "scans": [_scan(chance, scanner, files) for scanner in scanners],
        "findings": [{**each, "id": findings.fingerprint(str(index), str(place))} for place, each in enumerate(found)],
    }


def _file(chance: random.Random, place: int) -> Json:
    kind = chance.choice([*_FORMATS])
    return {
        "path": f"{chance.choice(('', 'onnx/', 'checkpoints/'))}{chance.choice(_STEMS)}-{place:05}.{_FORMATS[kind]}",
        "size": chance.randrange(100, 5_000_000_000),
        "sha256": _hex(chance, 64),
        "format": kind,
    }


def _findings(chance: random.Random, scanners: list[str], files: list[Json]) -> list[Json]:
    number = 0 if chance.random() < 0.4 else chance.randint(1, 20)
    worst = chance.random() < 0.5
    return [_finding(chance, chance.choice(scanners), chance.choice(files)["path"], worst) for _ in range(number)]


def _finding(chance: random.Random, scanner: str, path: str, worst: bool) -> Json:
    call = chance.choice(_CALLS)
    severity = _weighed(chance, _SEVERITIES) if worst else chance.choice(("LOW", "INFO"))
    made = {
        "scanner": scanner,
        "threat": None,
        "severity": severity,
        "native_severity": severity.lower(),
        "path": path,
        "location": chance.choice((None, "archive/data.pkl", f" (pos {chance.randrange(9000)})")),
        "remediation": None,
        "references": [],
        "enforcement": None,
    }
    if scanner == "prisma-airs":
        rule, threat, words = chance.choice(_AIRS)
        made |= {"threat": threat, "severity": "UNKNOWN", "native_severity": None}
        made |= {"enforcement": chance.choice(("BLOCKING", "ALLOWING"))}
        made |= {"remediation": "Ensure that the model is stored in a format that runs no code when it is loaded."}
        made |= {"references": ["https://docs.paloaltonetworks.com/ai-runtime-security"], "category": "threat"}
        title = words.format(call)
    else:
        rule, category, words = chance.choice(_KINDS[scanner])
        made |= {"category": category}
        rule, title = rule.format(call), words.format(call)
    text = f"{title}.\n\nUnpickling imports the referenced module, so it can run code when the model is loaded."
    return made | {"rule": rule, "title": title, "description": text}


def _scan(chance: random.Random, scanner: str, files: list[Json]) -> Json:
    status = _weighed(chance, _STATUSES)
    outcome = "CLEAN" if scanner != "prisma-airs" else _weighed(chance, _OUTCOMES)
    left = chance.sample(files, min(2, len(files))) if status == "partial" else files if status == "failed" else []
    lost = [{"code": "timeout", "message": "the scan did not end in time", "path": None}] if status == "failed" else []
    return {
        "scanner": scanner,
        "version": "1.0.0",
        "status": status,
        "outcome": None if status == "failed" else outcome,
        "started_at": TIME,
        "finished_at": TIME,
        "files_scanned": len(files) - len(left),
        "unscanned": [{"path": file["path"], "reason": "skipped: the format is not supported"} for file in left],
        "errors": lost,
        "reference": None,
        "report_sha256": _hex(chance, 64),
    }


def _weighed(chance: random.Random, words: dict[str, int]) -> str:
    return chance.choices([*words], [*words.values()])[0]


def _hex(chance: random.Random, digits: int) -> str:
    return f"{chance.getrandbits(digits * 4):0{digits}x}"


if __name__ == "__main__":
    main()
