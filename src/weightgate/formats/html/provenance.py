"""What decided, about which bytes: enough to decide again and get the same answer."""

from __future__ import annotations

from weightgate import __version__
from weightgate.formats.html.markup import Markup, element, join, outside
from weightgate.formats.html.words import time_of
from weightgate.formats.interface import Report


def provenance(report: Report) -> Markup:
    """Return the section about the policy, the engine, the scanners and the digests of everything."""
    decision = report.decisions[0]
    revision = decision.policy.revision
    facts: list[tuple[str, Markup]] = [
        ("Decided", time_of(decision.evaluated_at)),
        ("Policy", outside(report.tree)),
        ("Policy digest", element("code", decision.policy.digest)),
        (
            "Policy revision",
            element("code", outside(revision)) if revision else join(["not a commit, or changed since"]),
        ),
        ("Engine", join(["OPA ", outside(decision.engine.opa), f" ({decision.engine.mode})"])),
        ("weightgate", join([f"weightgate {__version__}"])),
    ]
    return element(
        "section",
        element("h2", "Provenance", id="provenance"),
        element("dl", *(join([element("dt", name), element("dd", value)]) for name, value in facts)),
        *(_documents(report, number) for number in range(len(report.documents))),
        class_="provenance",
        aria_labelledby="provenance",
    )


def _documents(report: Report, number: int) -> Markup:
    document, decisions = report.models()[number]
    facts: list[tuple[str, Markup]] = [
        ("Model digest", element("code", document.model.digest or "none")),
        ("Findings document", element("code", decisions[0].input_digest)),
        ("Made", time_of(document.generated_at)),
    ]
    for scan in document.scans:
        name = join([outside(scan.scanner), " ", outside(scan.version or "version not told")])
        told: list[str] = [name, ", report ", element("code", f"sha256:{scan.report_sha256}")]
        if scan.reference is not None:
            told += [", scan ", element("code", outside(scan.reference.id))]
        facts.append(("Scanner", join(told)))
    return join(
        [
            element("h3", outside(document.model.uri)),
            element("dl", *(join([element("dt", name), element("dd", value)]) for name, value in facts)),
        ]
    )
