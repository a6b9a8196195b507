"""The filters above a model's findings. They are hidden until the script shows them: without it every row is there."""

from __future__ import annotations

from weightgate.formats.html.markup import Markup, element
from weightgate.formats.html.words import STATES
from weightgate.formats.rows import Row

_SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO", "UNKNOWN", "RULE")


def filters(found: list[Row], environments: tuple[str, ...], anchor: str) -> Markup:
    """Return the form for the rows of the model at `anchor`."""
    present = {row.severity or "RULE" for row in found}
    boxes = [
        element(
            "label", element("input", type="checkbox", name="severity", value=word, checked=True), f" {word.lower()}"
        )
        for word in _SEVERITIES
        if word in present
    ]
    shown = {state for row in found for state in row.states}
    states = [element("option", text, value=text) for state, text in STATES.items() if state in shown]
    places = [element("option", name, value=str(number)) for number, name in enumerate(environments)]
    return element(
        "form",
        element(
            "div",
            element("label", "Search", for_=f"{anchor}-search"),
            element("input", type="search", id=f"{anchor}-search", name="search", autocomplete="off"),
        ),
        element(
            "div",
            element("label", "State", for_=f"{anchor}-state"),
            element("select", element("option", "any", value=""), *states, name="state", id=f"{anchor}-state"),
        ),
        element(
            "div",
            element("label", "Environment", for_=f"{anchor}-environment"),
            element(
                "select", element("option", "any", value=""), *places, name="environment", id=f"{anchor}-environment"
            ),
        ),
        element("fieldset", element("legend", "Severity"), *boxes),
        element("p", element("output", f"{len(found)} of {len(found)} shown", name="shown", aria_live="polite")),
        class_="filters",
        role="search",
        aria_label="Filter the findings",
        hidden=True,
    )
