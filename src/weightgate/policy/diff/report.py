"""An impact as text, Markdown and JSON: what may pass now first, then what may not, then what was edited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from weightgate.formats.escape import code, logged, printable, shortened
from weightgate.policy.compare import Effect
from weightgate.policy.diff import Impact
from weightgate.policy.diff.changes import Change
from weightgate.policy.diff.replay import Flip

SCHEMA = "weightgate.policy-diff/v1"
MOST_SHOWN = 20
"""Documents shown for each kind of flip; JSON has all."""

_TITLES = {
    Effect.LOOSENED: "Loosened",
    Effect.UNKNOWN: "May loosen: the direction is not known",
    Effect.TIGHTENED: "Tightened",
    Effect.CHANGED: "Changed",
}


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a report is written: its headings and items, and a word that is not ours."""

    heading: str
    item: str
    quoted: Callable[[str], str]
    said: Callable[[str], str]


_TEXT = _Shape("{}", "  - {}", printable, printable)
_MARKDOWN = _Shape("### {}", "- {}", code, code)


def text(impact: Impact, base: str, head: str) -> str:
    """Return the report for a terminal or a log."""
    lines = [f"policy {printable(base)} → {printable(head)}: {summary(impact)}"]
    return "".join(f"{logged(line)}\n" for line in [*lines, *_body(impact, _TEXT)])


def markdown(impact: Impact, base: str, head: str) -> str:
    """Return the report as a comment on a pull request; every word of a model or a policy file is inert."""
    lines = ["## Policy change", "", f"{code(base)} → {code(head)}: {summary(impact)}"]
    return "".join(f"{line}\n" for line in [*lines, *_body(impact, _MARKDOWN)])


def json_value(impact: Impact, base: str, head: str) -> dict[str, Any]:
    """Return the report as plain JSON values."""
    return {
        "schema": SCHEMA,
        "base": base,
        "head": head,
        "loosens": impact.loosens,
        "environments": list(impact.environments),
        "documents": impact.documents,
        "changes": [asdict(each) | {"kind": each.kind.value, "effect": each.effect.value} for each in impact.changes],
        "flips": [asdict(flip) | {"kind": _kind(flip)} for flip in impact.flips],
        "generated": [asdict(flip) | {"kind": _kind(flip)} for flip in impact.generated],
    }


def summary(impact: Impact) -> str:
    """Return the impact in one sentence."""
    if not impact.changes and not impact.flips:
        return "nothing changes."
    kinds = Counter(_kind(flip) for flip in impact.flips)
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items())) or "no decision changes"
    loosens = "This loosens the policy." if impact.loosens else "Nothing is loosened."
    return f"{loosens} {impact.documents} stored documents in {', '.join(impact.environments) or 'none'}: {told}."


def _kind(flip: Flip) -> str:
    if flip.loosens:
        return "newly allowed"
    if flip.tightens:
        return "newly refused"
    return "refused for other reasons" if flip.before == flip.after else "refused in another way"


def _body(impact: Impact, shape: _Shape) -> Iterator[str]:
    for kind in ("newly allowed", "newly refused", "refused in another way", "refused for other reasons"):
        for environment in impact.environments:
            flips = [flip for flip in impact.flips if flip.environment == environment and _kind(flip) == kind]
            yield from _flips(f"{environment}: {kind} ({len(flips)})", flips, shape)
    yield from _flips(f"Newly allowed among generated documents ({len(impact.generated)})", [*impact.generated], shape)
    for effect, title in _TITLES.items():
        yield from _changes(title, [each for each in impact.changes if each.effect is effect], shape)


def _flips(title: str, flips: list[Flip], shape: _Shape) -> Iterator[str]:
    if not flips:
        return
    yield from ("", shape.heading.format(title))
    for flip in flips[:MOST_SHOWN]:
        reasons = flip.reasons_after or flip.reasons_before
        rules = Counter(reason.rule for reason in reasons)
        why = ", ".join(f"{rule} ({number})" if number > 1 else rule for rule, number in sorted(rules.items()))
        when = "no longer refused by" if flip.loosens else "refused by"
        model = shape.quoted(shortened(flip.model, 200))
        file = shape.quoted(shortened(flip.document, 200))
        yield shape.item.format(f"{model} ({file}): {flip.before} → {flip.after}, {when} {shape.quoted(why)}")
    if len(flips) > MOST_SHOWN:
        yield shape.item.format(f"… and {len(flips) - MOST_SHOWN} more (--format json has all)")


def _changes(title: str, changes: list[Change], shape: _Shape) -> Iterator[str]:
    if not changes:
        return
    yield from ("", shape.heading.format(title))
    for each in changes:
        where = shape.quoted(each.where)
        place = f"{each.environment}, {where}" if each.environment else where
        yield shape.item.format(f"{place}: {shape.said(shortened(each.words, 500))}")
