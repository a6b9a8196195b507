"""Reports to render: small ones that are plain, and one whose every word from a model or a scanner is hostile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from weightgate import decision, findings
from weightgate.decision import (
    Applied,
    DecidedModel,
    Decision,
    EngineIdentity,
    ExceptionUse,
    PolicyIdentity,
    Rejected,
    Violation,
)
from weightgate.findings import (
    Finding,
    FindingsDocument,
    Generator,
    Model,
    ModelFile,
    Scan,
    ScanErrorRecord,
    Severity,
    Source,
    Status,
    Unscanned,
)
from weightgate.formats.interface import Report
from weightgate.policy.rules import Rule

AT = "2026-11-23T10:00:00Z"
DIGEST = "sha256:" + "ab" * 32

RULES = {
    "severity.threshold": Rule(
        "severity.threshold",
        "Tolerated severity",
        "A finding may pass only when the environment tolerates its severity.",
        "Replace or repair the file; if the finding is a false positive, ask for a dated exception.",
        "policies/weightgate/rules/severity/severity.rego",
    ),
    "coverage.complete": Rule(
        "coverage.complete",
        "Complete coverage",
        "Every file was read by a scanner that the environment accepts.",
        "Add a scanner that reads the file with `--scanner`, or set environments/<environment>/data.yaml.",
        "policies/weightgate/rules/coverage/coverage.rego",
    ),
}

HOSTILE = [
    "::error file=a::b",
    "a\n::set-output name=verdict::allow\r::add-mask::x",
    "##[group]x ##vso[task.complete result=Succeeded]",
    "%0A::error::decoded%0D",
    "x | y `code` ``two`` \\| |",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</style></script><!-- --><svg/onload=alert(1)>",
    '"quoted" \'single\' onmouseover=alert(1) x="',
    "![image](https://evil.example/x.png) [link](javascript:alert(1))",
    "@octocat fixes #1 https://evil.example www.evil.example GH-1",
    "$`x`$ $$y$$ [[_TOC_]] {0} {{1}} ${{ secrets.TOKEN }}",
    "\x1b[2J\x1b]0;title\x07\x9b31m \x00\x08\x7f\x85",
    "user\u202etxt.exe\u2066\u200b\u200d\ufeff\u00ad\u2028\u2029\u3164\U000e0041",
    "]]> &amp; &#x41; <![CDATA[ \ufffe \uffff",
    "CRITICAL: CRITICAL: Malicious code",
    "---\n# heading\n- item\n> quote\n    code",
    "weightgate-heredoc\nverdict=allow\nEOF",
    " leading and trailing ",
    "`",
    "ÄÖü 模型 ё",
]
"""Text that each format could take for something of its own."""

HOSTILE_PATHS = [
    "a#b?c%20d: [bold] e.pkl",
    "../../etc/passwd",
    "/etc/shadow",
    "a//b/./c/..",
    "back\\slash\\..\\x",
    "http://evil.example/x",
    "javascript:alert(1)",
    "naïve/模型 ü.bin",
    "line\nbreak,comma:colon",
]


def finding(
    title: str = "Dangerous global os.system",
    path: str | None = "model.pkl",
    severity: str = "CRITICAL",
    *,
    scanner: str = "modelaudit",
    rule: str = "S201",
    description: str = "",
    remediation: str | None = None,
    location: str | None = None,
) -> Finding:
    """Return a finding without an id; `document` gives the ids."""
    return Finding(
        "",
        scanner,
        rule,
        None,
        "deserialization",
        Severity.of(severity),
        severity.lower(),
        title,
        description,
        path,
        location,
        remediation,
        (),
        None,
    )


def document(
    *found: Finding, uri: str = "models/mine", scans: tuple[Scan, ...] | None = None, source: Source = Source.LOCAL
) -> FindingsDocument:
    """Return a document that `findings.read` takes, about a model that has each finding's file."""
    paths = sorted({item.path for item in found if item.path} | {"config.json"})
    files = tuple(ModelFile(path, 10, "cd" * 32, "pickle") for path in paths)
    made = FindingsDocument(
        AT,
        Generator("weightgate", "0.1.0"),
        Model(uri, source, "org/mine", None, findings.model_digest(files), files),
        scans if scans is not None else (scan(),),
        findings.identify(list(found)),
    )
    return findings.read(findings.write(made))


def scan(
    scanner: str = "modelaudit",
    status: Status = Status.COMPLETED,
    unscanned: tuple[Unscanned, ...] = (),
    errors: tuple[ScanErrorRecord, ...] = (),
) -> Scan:
    """Return a scan."""
    outcome = None if status is Status.FAILED else "CLEAN"
    return Scan(scanner, "0.2.54", status, outcome, AT, AT, 3, unscanned, errors, None, "ef" * 32)


def decide(
    about: FindingsDocument,
    environment: str = "prod",
    verdict: str = "allow",
    *,
    violations: tuple[Violation, ...] = (),
    warnings: tuple[Violation, ...] = (),
    exceptions: ExceptionUse | None = None,
) -> Decision:
    """Return a decision that `decision.read` takes."""
    counts = dict.fromkeys(("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"), 0)
    for item in about.findings:
        counts[item.severity.value if item.severity.value in counts else "CRITICAL"] += 1
    made = Decision(
        environment,
        verdict == "allow",
        verdict,
        AT,
        DecidedModel(about.model.uri, about.model.digest),
        violations,
        warnings,
        counts,
        exceptions or ExceptionUse((), (), (), ()),
        PolicyIdentity(DIGEST, "0123456789abcdef" * 2 + "01234567"),
        DIGEST,
        EngineIdentity("1.22.2", "exec"),
    )
    return decision.read(json.dumps(decision.to_json(made)).encode())


def refuse(item: Finding, severity: str | None = None, note: str = "") -> Violation:
    """Return the violation that `severity.threshold` makes of a finding."""
    word = severity or item.severity.value
    return Violation("severity.threshold", f"{word}: {item.title}{note}", item.id, word, item.path)


def report(*decisions: Decision, documents: tuple[FindingsDocument, ...], rules: Mapping[str, Rule] = RULES) -> Report:
    """Return a report with the annotations `rules`."""
    return Report(decisions, documents, lambda: rules, "policies (--policy)")


def allowed() -> Report:
    """Return a report about one model that may pass everywhere."""
    about = document(finding(severity="LOW", title="Old pickle protocol"))
    return report(decide(about, "dev"), decide(about, "prod"), documents=(about,))


def mixed() -> Report:
    """Return a report in which every state and verdict stands: refused, excused, warned, tolerated; two models."""
    about = document(
        finding(remediation="Do not use this model.", description="It runs a command.\nOn load.", location="pos 32"),
        finding("CRITICAL: Malicious code", "sub/other.bin"),
        finding("Suspicious import", "sub/other.bin", "MEDIUM"),
        finding("Old protocol", None, "LOW"),
        scans=(
            scan(status=Status.PARTIAL, unscanned=(Unscanned("config.json", "not supported"),)),
            scan("picklescan", errors=(ScanErrorRecord("E1", "cannot parse", "model.pkl"),)),
        ),
    )
    first, second, third = (
        next(item for item in about.findings if word in item.title) for word in ("Dangerous", "Malicious", "Suspicious")
    )
    coverage = Violation("coverage.complete", "config.json (json) was not scanned", None, None, "config.json")
    expiring = Violation(
        "exceptions.expiring", "exception EXC-1 excuses this only until 2026-12-01", second.id, None, None
    )
    excused = ExceptionUse(
        (Applied("EXC-1", second.id, "2026-12-01T00:00:00Z"),),
        ("EXC-OLD",),
        ("EXC-IDLE",),
        (Rejected("EXC-BAD", "no owner"),),
    )
    unread = document(uri="models/unread", scans=(scan(status=Status.FAILED),))
    failed = Violation("outcome.safe", "the scan by modelaudit is failed", None, None, None)
    return report(
        decide(about, "dev", "deny", violations=(refuse(first),), warnings=(coverage, expiring), exceptions=excused),
        decide(about, "prod", "deny", violations=(coverage, refuse(first), refuse(second), refuse(third))),
        decide(unread, "dev", "indeterminate", violations=(failed,)),
        decide(unread, "prod", "indeterminate", violations=(failed,)),
        documents=(about, unread),
    )


def broken(ticket: str = "SEC-7") -> Report:
    """Return a report about a model that a break-glass grant lets into prod, as the policy's warnings say."""
    about = document(finding(), finding("Malicious code", "sub/other.bin"))
    used = "BREAK-GLASS BG-2026-001 overrides {} until 2026-11-23T14:00:00Z (alice, approved by bob, {}): {}"
    warned = [
        replace(refused, rule="break_glass.used", msg=used.format("severity.threshold", ticket, refused.msg))
        for refused in map(refuse, about.findings)
    ]
    source = Violation("break_glass.used", used.format("model.source", ticket, "on no allowed host"), None, None, None)
    applied = tuple(Applied("BG-2026-001", item.id, "2026-11-23T14:00:00Z") for item in about.findings)
    return report(
        decide(about, "dev", "deny", violations=tuple(map(refuse, about.findings))),
        decide(about, "prod", warnings=(source, *warned), exceptions=ExceptionUse(applied, (), (), ())),
        documents=(about,),
    )


def hostile(texts: list[str] | None = None, paths: list[str] | None = None) -> Report:
    """Return a report whose every free text is one of `texts`, in turn."""
    texts, paths = texts or HOSTILE, paths or HOSTILE_PATHS

    def text(number: int) -> str:
        return texts[number % len(texts)]

    found = [
        finding(
            text(number),
            None if number % 7 == 6 else paths[number % len(paths)],
            ("CRITICAL", "UNKNOWN", "LOW")[number % 3],
            scanner=text(number + 1),
            rule=text(number + 2),
            description=text(number + 3),
            remediation=text(number + 4),
            location=text(number + 5),
        )
        for number in range(max(len(texts), len(paths)))
    ]
    about = document(
        *found,
        uri=text(6),
        scans=(
            scan(
                text(7),
                Status.PARTIAL,
                (Unscanned(paths[0], text(8)),),
                (ScanErrorRecord(text(9), text(10), paths[-1]),),
            ),
            replace(scan(), version=text(11), outcome=text(12)),
        ),
    )
    refused = tuple(refuse(item, "CRITICAL", f"; {text(3)}") for item in about.findings[::3])
    own = Violation(text(13), text(14), text(15), "HIGH", text(16))
    applied = tuple(
        Applied(text(number), item.id, text(number + 1)) for number, item in enumerate(about.findings[1::3])
    )
    used = ExceptionUse(
        (*applied, Applied("EXC", text(17), text(18))), (text(1),), (text(2),), (Rejected(text(3), text(4)),)
    )
    warned = tuple(refuse(item, "LOW") for item in about.findings[2::3])
    return report(
        decide(about, "dev", "deny", violations=(own, *refused), warnings=warned, exceptions=used),
        decide(about, "prod", "indeterminate", violations=(*refused, *warned)),
        documents=(about,),
        rules={**RULES, text(13): Rule(text(13), text(14), text(15), text(16), "x.rego")},
    )
