"""Time weightgate beside its peers, in turn and in the same run, and print one table.

    python benchmarks/bench.py [--runs N] [check|scale|scan|diff …]

`check`  one document of 10 findings against every environment, beside `conftest test` once an environment
`scale`  10,000 findings × 200 exceptions × 3 environments, beside `opa eval` of the same decisions
`scan`   a model directory with picklescan and ModelAudit, beside the bare programs
`diff`   `policy diff` of 10,000 stored documents, beside `opa eval` of the same decisions in the same batches
         (a few minutes a run: `--runs 3`)

Each row is the median of N runs; the ratio is the median of the pairs' ratios, so that a machine that changes its speed
changes both sides. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import corpus

from weightgate import findings
from weightgate.engine import binary, many
from weightgate.engine.evaluate import Evidence
from weightgate.findings import Finding, FindingsDocument, Generator, Model, ModelFile, Scan, Severity, Source, Status
from weightgate.scanners import installations

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ("dev", "staging", "prod")
ENVIRON = {**os.environ, "PROMPTFOO_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
# NOTE: weightgate switches a scanner's telemetry off; a bare scanner that reports home would wait for the network.


@dataclass(frozen=True)
class Row:
    """Two commands that do the same work."""

    name: str
    ours: list[list[str]]
    theirs: list[list[str]]
    peer: str


def main() -> int:
    """Run the benchmarks that are named, all of them by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", nargs="*", choices=[[], *BENCHMARKS], help="default: all")
    parser.add_argument("--runs", type=int, default=7)
    args = parser.parse_args()
    print(f"{'benchmark':<44} {'ours':>9} {'peer':>9} {'ratio':>6} {'peak':>8}  peer")
    with tempfile.TemporaryDirectory() as folder:
        for name in args.which or BENCHMARKS:
            for row in BENCHMARKS[name](Path(folder)):
                print(_measured(row, args.runs), flush=True)
    return 0


def _measured(row: Row, runs: int) -> str:
    ours, theirs = [], []
    for number in range(runs + 1):
        one, other = _seconds(row.ours), _seconds(row.theirs)
        if number:  # NOTE: the first pair warms the caches.
            ours.append(one)
            theirs.append(other)
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    one, other = statistics.median(ours) * 1000, statistics.median(theirs) * 1000
    return f"{row.name:<44} {one:>6.0f} ms {other:>6.0f} ms {ratio:>6.2f} {peak:>4.0f} MiB  {row.peer}"


def _seconds(commands: list[list[str]]) -> float:
    began = time.perf_counter()
    for command in commands:
        done = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT, env=ENVIRON, check=False
        )
        if done.returncode not in (0, 1):
            sys.exit(f"{command[0]}: exit code {done.returncode}: {done.stderr.decode()[-500:]}")
    return time.perf_counter() - began


def document(number: int) -> FindingsDocument:
    """Return a document with `number` findings of HIGH severity in a hundred files."""
    files = tuple(ModelFile(f"layers/{index}.pkl", 3, "a" * 64, "pickle") for index in range(100))
    blank = Finding(
        *("", "modelaudit", "S201", None, "unsafe-code", Severity.HIGH, "high", "t", "d", None, None, None, (), None)
    )
    found = [
        replace(blank, title=f"title {index}", description=f"text {index}", path=f"layers/{index % 100}.pkl")
        for index in range(number)
    ]
    scan = Scan(
        *("modelaudit", "0.2.54", Status.COMPLETED, "CLEAN", None, None, 100, (), (), None, "b" * 64),
    )
    model = Model("bench/model", Source.LOCAL, "model", None, findings.model_digest(files), files)
    return FindingsDocument(
        "2026-11-23T10:00:00Z", Generator("weightgate", "0"), model, (scan,), findings.identify(found)
    )


def _written(folder: Path, name: str, number: int) -> str:
    path = folder / name
    path.write_bytes(findings.write(document(number)))
    return str(path)


def check(folder: Path) -> list[Row]:
    """One small document, whole processes."""
    conftest = os.environ.get("WEIGHTGATE_CONFTEST") or shutil.which("conftest")
    if conftest is None or not Path(conftest).exists():
        sys.exit("conftest is not here; name it with WEIGHTGATE_CONFTEST")
    path = _written(folder, "ten.json", 10)
    tree = ["-p", "policies", "-p", "environments", "-d", "policies", "-d", "environments"]
    theirs = [[conftest, "test", *tree, "-n", f"environments.{name}", path] for name in ENVIRONMENTS]
    ours = [["weightgate", "check", path, "--all", "--format", "json"]]
    return [Row("check, 10 findings, 3 environments + canaries", ours, theirs, "conftest test × 3")]


def scale(folder: Path) -> list[Row]:
    """Many findings and exceptions."""
    tree = folder / "tree"
    for top in ("policies", "environments"):
        shutil.copytree(ROOT / top, tree / top)
    for name in ENVIRONMENTS:
        (tree / "environments" / name / "exceptions" / "data.yaml").write_text(json.dumps(_exceptions(200)))
    query = '[decision | some name in ["dev", "staging", "prod"]; decision := data.environments[name].decision]'
    rows = []
    for number in (1_000, 10_000):
        path = _written(folder, f"{number}.json", number)
        bare = [str(binary.find()), "eval", "--strict-builtin-errors", "--ignore", "*_test.rego", "-i", path]
        bare += ["-d", str(tree / "policies"), "-d", str(tree / "environments"), query]
        ours = ["weightgate", "check", path, "--all", "--format", "json", "--policy", str(tree)]
        rows.append(Row(f"{number:,} findings × 200 exceptions × 3", [ours], [bare], "opa eval, same decisions"))
    return rows


def _exceptions(number: int) -> dict[str, object]:
    made = {}
    for index in range(number):
        scope = {"rule": "S201", "path": f"layers/{index}.p*"} if index % 2 else {"finding": f"wgf-{index:024x}"}
        made[f"EXC-{index:03}"] = {
            "scope": scope,
            "reason": "false positive",
            "owner": "a@example.org",
            "approver": "b@example.org",
            "ticket": f"SEC-{index}",
            "created": "2026-11-01T00:00:00Z",
            "expires": "2027-01-20T00:00:00Z",
        }
    return made


def scan(folder: Path) -> list[Row]:
    """A directory of pickles, and the sample model."""
    sample = str(ROOT / "samples" / "sentiment-tiny")
    modelaudit = str(installations.program("modelaudit").path)
    bare = [
        modelaudit,
        "scan",
        "--format",
        "json",
        "--output",
        str(folder / "report.json"),
        "--strict",
        "--no-cache",
        sample,
    ]
    return [
        Row(
            "scan, sample model, ModelAudit",
            [["weightgate", "scan", sample, "-q", "-o", str(folder / "f.json")]],
            [bare],
            "bare modelaudit scan",
        )
    ]


def diff(folder: Path) -> list[Row]:
    """Two changes of the policy: one that reaches every environment and rule, and the usual one."""
    documents, batches = folder / "corpus", folder / "batches"
    corpus.write(documents, DOCUMENTS)
    batches.mkdir()
    for number, batch in enumerate(_batches(sorted(documents.rglob("*.json")))):
        (batches / f"{number}.json").write_bytes(batch)
    names = [str(path) for path in sorted(batches.iterdir())]
    (batches / "names").write_text("\n".join(names), "utf-8")
    base = _tree(folder / "base", {})
    rows = []
    for name, edits in CHANGES.items():
        head = _tree(folder / name, edits)
        ours = ["weightgate", "policy", "diff", str(base), str(head), "--corpus", str(documents), "--at", corpus.TIME]
        theirs = [_all_decided(tree, batches) for tree in (base, head)]
        rows.append(Row(f"diff, {DOCUMENTS:,} documents × 3 × 2, {name}", [ours], theirs, "opa eval, all decisions"))
    return rows


DOCUMENTS = 10_000
CHANGES = {
    "all changes": {
        "environments/dev/data.yaml": ("fail_on: [CRITICAL]", "fail_on: [CRITICAL, HIGH]"),
        "environments/staging/data.yaml": ("fail_on: [CRITICAL, HIGH]", "fail_on: [CRITICAL, HIGH, MEDIUM]"),
        "environments/prod/data.yaml": ("fail_on: [CRITICAL, HIGH, MEDIUM]", "fail_on: [CRITICAL, HIGH]"),
        "policies/weightgate/rules/outcome/outcome.rego": ('_safe := {"PASS", ', '_safe := {"PASS", "NO_ISSUES", '),
        "policies/weightgate/severity_map/data.yaml": ('"3":\n    severity: HIGH', '"3":\n    severity: MEDIUM'),
    },
    "staging changes": {
        "environments/staging/data.yaml": ("fail_on: [CRITICAL, HIGH]", "fail_on: [CRITICAL, HIGH, MEDIUM]")
    },
}


def _tree(folder: Path, edits: dict[str, tuple[str, str]]) -> Path:
    for top in ("policies", "environments"):
        shutil.copytree(ROOT / top, folder / top)
    for path, (old, new) in edits.items():
        text = (folder / path).read_text("utf-8")
        if old not in text:
            sys.exit(f"{path}: no {old!r} to change")
        (folder / path).write_text(text.replace(old, new), "utf-8")
    return folder


def _batches(paths: list[Path]) -> Iterator[bytes]:
    """Yield what one OPA is asked: the documents, as weightgate sends them, and all environments."""
    context = b'{"context":{"evaluated_at":"' + corpus.TIME.encode() + b'"},'
    for start in range(0, len(paths), many.BATCH):
        raws = [Evidence.read(path.read_bytes(), str(path)).raw for path in paths[start : start + many.BATCH]]
        names = json.dumps(ENVIRONMENTS).encode()
        yield b'{"environments":' + names + b',"inputs":[' + b",".join(context + raw[1:] for raw in raws) + b"]}"


def _all_decided(tree: Path, batches: Path) -> list[str]:
    """Return a command that decides every batch with the policy of `tree`, one on each core."""
    query = (
        "[decision | some name in input.environments; some document in input.inputs; "
        "decision := data.environments[name].decision with input as document]"
    )
    bare = [str(binary.find()), "eval", "--strict-builtin-errors", "--ignore", "*_test.rego"]
    bare += ["-d", str(tree / "policies"), "-d", str(tree / "environments"), query, "-i"]
    return ["xargs", "-a", str(batches / "names"), "-n", "1", "-P", str(os.cpu_count()), *bare]


BENCHMARKS: dict[str, Callable[[Path], list[Row]]] = {"check": check, "scale": scale, "scan": scan, "diff": diff}

if __name__ == "__main__":
    sys.exit(main())
