"""An explanation as text, the first screen for somebody whose job went red, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from weightgate.decision import to_json
from weightgate.explain import Explanation, Step
from weightgate.explain.rules import RuleSeen
from weightgate.formats import break_glass
from weightgate.formats.escape import logged, printable, shortened

SCHEMA = "weightgate.explanation/v1"
MOST_SHOWN = 8
"""Messages of a rule, and findings of a way, that are shown; JSON has all."""


def json_value(explanation: Explanation) -> dict[str, Any]:
    """Return the explanation as plain JSON values."""
    way = explanation.way
    return {
        "schema": SCHEMA,
        "decision": to_json(explanation.decision),
        "ladder": [asdict(step) for step in explanation.ladder],
        "rules": [asdict(rule) for rule in explanation.rules],
        "exceptions": [asdict(each) for each in explanation.exceptions],
        "way": None if way is None else {**asdict(way), "not_excusable": list(explanation.not_excusable)},
        "without_findings": list(explanation.without_findings),
        "commands": [{"what": what, "command": command} for what, command in explanation.commands],
    }


def text(explanation: Explanation) -> str:
    """Return the explanation for people: the answer, why, what to do; then the rest."""
    decision = explanation.decision
    lines = [
        f"{decision.model.uri}: {decision.verdict.upper()} in {decision.environment}",
        f"  {_ladder(explanation.ladder)}",
        *(f"  !! {told}" for told in break_glass.told((decision,))),
        *_refusing(explanation),
        *_what_to_do(explanation),
        *_exceptions(explanation),
        *_others(explanation),
    ]
    return "".join(f"{logged(printable(line))}\n" for line in lines)


def _ladder(ladder: tuple[Step, ...]) -> str:
    """Return `passes dev; refused from staging on by severity.threshold`, or each environment by itself."""
    verdicts = [step.verdict == "allow" for step in ladder]
    passed = verdicts.index(False) if False in verdicts else len(ladder)
    if any(verdicts[passed:]):
        said = [f"{'passes' if step.verdict == 'allow' else 'refused in'} {step.environment}" for step in ladder]
        return "; ".join(said) + " (these environments are not ordered)"
    parts = [f"passes {', '.join(step.environment for step in ladder[:passed])}"] if passed else []
    if passed < len(ladder):
        first = ladder[passed]
        on = " on" if passed + 1 < len(ladder) else ""
        place = f"refused from {first.environment}{on}" if on else f"refused in {first.environment}"
        parts.append(f"{place} by {', '.join(first.rules)}")
    return "; ".join(parts)


def _refusing(explanation: Explanation) -> Iterator[str]:
    refusing = [rule for rule in explanation.rules if rule.answer == "refuses"]
    if refusing:
        yield from ("", "Why")
    for rule in refusing:
        yield from _rule(rule)
        yield from _listed([shortened(msg, 200) for msg in rule.messages], "      ")
        if rule.remediation:
            yield f"      → {rule.remediation}"


def _rule(rule: RuleSeen) -> Iterator[str]:
    yield f"  {rule.rule}: saw {shortened(rule.saw, 200)}"
    place = f" ({rule.where})" if rule.where else ""
    yield f"      {shortened(rule.setting, 200)}{place}"


def _listed(items: list[str], indent: str) -> Iterator[str]:
    yield from (f"{indent}- {item}" for item in items[:MOST_SHOWN])
    if len(items) > MOST_SHOWN:
        yield f"{indent}… and {len(items) - MOST_SHOWN} more (--format json has all)"


def _what_to_do(explanation: Explanation) -> Iterator[str]:
    if explanation.decision.allow:
        return
    yield from ("", "What would let it pass")
    way = explanation.way
    if way is None:
        yield "  No finding alone decides: also without any finding this refuses the model:"
        yield from _listed([shortened(msg, 200) for msg in explanation.without_findings], "      ")
    else:
        smallest = "the smallest set" if way.smallest else "a small set, perhaps not the smallest"
        these, them = ("this one", "it") if len(way.findings) == 1 else (f"these {len(way.findings)}", "them")
        yield f"  Mend {these} ({smallest}; decided again without {them}, the model passes):"
        known = {finding.id: finding for finding in explanation.document.findings}
        told = [
            f"{id_}  {shortened(known[id_].title, 120)}, in {shortened(known[id_].path or 'the model', 120)}"
            + (f"  (no exception can excuse it in {explanation.decision.environment})" if id_ in stuck else "")
            for stuck in (set(explanation.not_excusable),)
            for id_ in way.findings
        ]
        yield from _listed(told, "      ")
    if not explanation.commands:
        yield "  Explain a stored file, not standard input, to be shown the commands for this."
    grouped: dict[str, list[str]] = {}
    for what, command in explanation.commands:
        grouped.setdefault(what, []).append(command)
    for what, commands in grouped.items():
        yield f"  {what}:"
        yield from (f"      {command}" for command in commands)


def _exceptions(explanation: Explanation) -> Iterator[str]:
    if explanation.exceptions:
        yield from ("", "Exceptions")
    for each in explanation.exceptions:
        yield f"  {each.id}: {shortened(each.why, 300)} ({each.where})"


def _others(explanation: Explanation) -> Iterator[str]:
    others = [rule for rule in explanation.rules if rule.answer in ("warns", "agrees")]
    off = [rule.rule for rule in explanation.rules if rule.answer == "off"]
    if others:
        yield from ("", "Other rules")
    for rule in others:
        place = f" ({rule.where})" if rule.where else ""
        setting = f"; {shortened(rule.setting, 160)}" if rule.answer == "warns" and rule.setting else ""
        yield f"  {rule.rule} {rule.answer}: saw {shortened(rule.saw, 120)}{setting}{place}"
    if off:
        yield f"  off in {explanation.decision.environment}: {', '.join(off)}"
