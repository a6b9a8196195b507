"""Decisions as one HTML file: no network, no foreign script, readable with scripts off, in light and dark, and on
paper.

The page's Content Security Policy allows its own style and script by their digests and nothing else, so that even
markup that slipped through could load and run nothing.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from weightgate.decision import Decision
from weightgate.findings import FindingsDocument
from weightgate.formats import break_glass
from weightgate.formats.html.markup import Markup, element, join, outside
from weightgate.formats.html.model import model_section
from weightgate.formats.html.provenance import provenance
from weightgate.formats.html.words import badge, counted, time_of
from weightgate.formats.interface import Format, Report


class HtmlFormat(Format):
    """A page for people, to be kept with the decision."""

    name = "html"
    file_name = "report.html"

    def render(self, report: Report) -> str:
        """Return the whole page."""
        style, script = _asset("page.css"), _asset("page.js")
        policy = (
            f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
            "base-uri 'none'; form-action 'none'"
        )
        head = element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=policy),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("meta", name="referrer", content="no-referrer"),
            element("title", f"weightgate: {_answer(report)}"),
            element("style", Markup(style)),
        )
        body = element("body", *_body(report), element("script", Markup(script)))
        return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _asset(name: str) -> str:
    return files("weightgate.formats.html").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _body(report: Report) -> list[Markup]:
    decision = report.decisions[0]
    models = report.models()
    return [
        element("a", "Skip to the report", class_="skip", href="#report"),
        element(
            "header",
            element("p", "weightgate", class_="brand"),
            element("h1", badge(report.verdict, large=True), " ", _answer(report)),
            element("p", "Decided ", time_of(decision.evaluated_at), " · policy ", outside(report.tree)),
            class_=f"top {report.verdict}",
        ),
        element(
            "main",
            *([_broken(broken)] if (broken := break_glass.told(report.decisions)) else []),
            _matrix(report, models),
            *(
                model_section(report.of_model(number), document, decisions, number + 1)
                for number, (document, decisions) in enumerate(models)
            ),
            provenance(report),
            id="report",
        ),
    ]


def _broken(told: list[str]) -> Markup:
    """Return the first thing to read when a break-glass grant was used."""
    return element(
        "section",
        element("h2", "Break-glass was used", id="break-glass"),
        element("ul", *(element("li", outside(text)) for text in told)),
        class_="top deny",
        aria_labelledby="break-glass",
    )


def _answer(report: Report) -> str:
    """Return the whole answer in one sentence."""
    models = [decisions for _, decisions in report.models()]
    passing = sum(all(decision.allow for decision in decisions) for decisions in models)
    where = ", ".join(report.environments)
    if len(models) == 1:
        told = {"allow": "The model may enter", "deny": "The model may not enter"}
        refused = [decision.environment for decision in models[0] if not decision.allow]
        if report.verdict == "allow":
            by = " by break-glass" if break_glass.told(report.decisions) else ""
            return f"{told['allow']} {where}{by}"
        missing = ": evidence is missing" if report.verdict == "indeterminate" else ""
        return f"{told['deny']} {', '.join(refused)}{missing}"
    every = "all of " if len(report.environments) > 1 else ""
    return f"{passing} of {len(models)} models may enter {every}{where}"


def _matrix(report: Report, models: list[tuple[FindingsDocument, tuple[Decision, ...]]]) -> Markup:
    head = element(
        "tr", element("th", "Model", scope="col"), *(element("th", name, scope="col") for name in report.environments)
    )
    rows = [
        element(
            "tr",
            element("th", element("a", outside(document.model.uri), href=f"#model-{number}"), scope="row"),
            *(element("td", badge(decision.verdict), _reasons(decision)) for decision in decisions),
        )
        for number, (document, decisions) in enumerate(models, 1)
    ]
    table = element(
        "table",
        element("caption", "Each model's verdict in each environment", class_="visually-hidden"),
        element("thead", head),
        element("tbody", *rows),
        class_="matrix",
    )
    return element(
        "section",
        element("h2", "Verdicts", id="verdicts"),
        element("div", table, class_="scroll", tabindex="0", role="region", aria_labelledby="verdicts"),
        aria_labelledby="verdicts",
    )


def _reasons(decision: Decision) -> Markup:
    told = [counted(len(decision.violations), "reason")] if decision.violations else []
    told += [counted(len(decision.warnings), "warning")] if decision.warnings else []
    return element("span", " · ".join(told), class_="small") if told else join([])
