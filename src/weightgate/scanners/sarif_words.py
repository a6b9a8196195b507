"""What SARIF 2.1.0 says in one result (its rule, severity and text), one invocation, one artifact."""

from __future__ import annotations

import math
import re
from typing import Any

from weightgate.findings import Severity
from weightgate.scanners import common, modelaudit_words
from weightgate.scanners.sarif_places import REPORT

MODELAUDIT = "ModelAudit"
"""The name under which ModelAudit writes SARIF; its levels and ranks are known exactly."""

_LEVELS = {"warning": Severity.MEDIUM, "note": Severity.LOW, "none": Severity.INFO}
_MODELAUDIT = {
    ("error", 90.0): Severity.CRITICAL,
    ("warning", 60.0): Severity.MEDIUM,
    ("note", 30.0): Severity.INFO,
}
_BANDS = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM))
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")


class Rules:
    """The rules of one run, as its results refer to them."""

    def __init__(self, tool: dict[str, Any]) -> None:
        self.driver = common.as_record(tool.get("driver"), f"{REPORT}: tool.driver")
        extensions = common.records(tool, "extensions", REPORT) or []
        self._components = [common.records(item, "rules", REPORT) or [] for item in (self.driver, *extensions)]
        self._by_id = {
            name: rule
            for rules in self._components
            for rule in rules
            if (name := common.member(rule, "id", str, REPORT))
        }

    def of(self, result: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the rule id of `result` and the rule itself, empty where the run does not describe it."""
        reference = common.member(result, "rule", dict, REPORT) or {}
        component = common.member(reference, "toolComponent", dict, REPORT) or {}
        extension = common.member(component, "index", int, REPORT)
        index = common.member(result, "ruleIndex", int, REPORT)
        index = common.member(reference, "index", int, REPORT) if index is None else index
        rules = _at(self._components, 0 if extension is None else extension + 1) or []
        rule = _at(rules, index) or {}
        name = common.member(result, "ruleId", str, REPORT) or common.member(reference, "id", str, REPORT)
        if name and not f"{name}/".startswith(f"{rule.get('id')}/"):  # `CA1000/1` is a case of the rule `CA1000`
            rule = self._by_id.get(name, {})
        return common.shorten(name or common.member(rule, "id", str, REPORT) or "unnamed", common.TITLE), rule


def _at(items: list[Any], index: int | None) -> Any:
    return items[index] if index is not None and 0 <= index < len(items) else None


def is_finding(result: dict[str, Any]) -> bool:
    """Whether `result` reports something: not that a rule passed or did not apply. A word that is not known does."""
    return common.member(result, "kind", str, REPORT) not in ("pass", "notApplicable")


def level_of(result: dict[str, Any], rule: dict[str, Any]) -> str:
    """Return the level of `result`: its own, else its rule's, else what the standard says for an absent one."""
    level = common.member(result, "level", str, REPORT)
    if level is not None:
        return level
    if common.member(result, "kind", str, REPORT) not in (None, "fail"):
        return "none"
    configuration = common.member(rule, "defaultConfiguration", dict, REPORT) or {}
    return common.member(configuration, "level", str, REPORT) or "warning"


def severity_of(result: dict[str, Any], rule: dict[str, Any], tool: str) -> tuple[Severity, str]:
    """Return the severity of `result` and the native word for it.

    A `security-severity` number counts first, by the bands of CVSS. Without one `error` is `UNKNOWN`: it is the worst
    word that SARIF has and stands for critical and high alike, and the policy counts it as the highest.
    """
    level = level_of(result, rule)
    for holder in (result, rule):
        number = (common.member(holder, "properties", dict, REPORT) or {}).get("security-severity")
        if number is not None:
            return _band(number), common.shorten(f"{level} {number}", common.TITLE)
    if tool == MODELAUDIT:
        known = _MODELAUDIT.get((level, _number(result.get("rank"))))
        if known is not None:
            return known, level
    if level == "none" and result.get("kind") not in (None, "fail", "informational"):
        return Severity.UNKNOWN, level  # `open` and `review`: nobody has judged it yet
    return _LEVELS.get(level, Severity.UNKNOWN), level


def _band(value: Any) -> Severity:
    number = _number(value)
    if not 0.0 <= number <= 10.0:
        return Severity.UNKNOWN
    low = Severity.LOW if number > 0 else Severity.INFO
    return next((severity for least, severity in _BANDS if number >= least), low)


def _number(value: Any) -> float:
    """Return `value`, a number or the text of one; NaN for everything else."""
    try:
        return float(value) if type(value) in (int, float, str) else math.nan
    except (ValueError, OverflowError):
        return math.nan


def message_of(result: dict[str, Any], rule: dict[str, Any]) -> str:
    """Return the text of `result`: its own, or the rule's message string with the arguments put in."""
    message = common.member(result, "message", dict, REPORT) or {}
    text = common.member(message, "text", str, REPORT)
    if text:
        return text
    strings = common.member(rule, "messageStrings", dict, REPORT) or {}
    template = common.member(strings, str(message.get("id")), dict, REPORT) or {}
    text = common.member(template, "text", str, REPORT) or common.member(message, "markdown", str, REPORT) or ""
    arguments = common.member(message, "arguments", list, REPORT) or []
    return re.sub(r"\{(\d{1,3})\}", lambda match: _argument(arguments, int(match[1]), match[0]), text)


def _argument(arguments: list[Any], number: int, otherwise: str) -> str:
    return str(arguments[number]) if number < len(arguments) else otherwise


def category_of(name: str, result: dict[str, Any], rule: dict[str, Any], tool: str) -> str:
    """Return the kind of check: ModelAudit's own grouping, else the first tag of the rule."""
    if tool == MODELAUDIT:
        kind = (common.member(result, "properties", dict, REPORT) or {}).get("issue_type")
        return modelaudit_words.category(name, kind if isinstance(kind, str) else "")
    properties = common.member(rule, "properties", dict, REPORT) or {}
    tags = common.member(properties, "tags", list, REPORT) or []
    return modelaudit_words.category("", str(tags[0]) if tags else "")


def remediation_of(result: dict[str, Any], rule: dict[str, Any]) -> str | None:
    """Return what the tool advises, `None` when it says nothing."""
    properties = common.member(result, "properties", dict, REPORT) or {}
    own = modelaudit_words.text_of(properties.get("recommendation") or properties.get("remediation"))
    return own or common.member(common.member(rule, "help", dict, REPORT) or {}, "text", str, REPORT) or None


def references_of(name: str, result: dict[str, Any], rule: dict[str, Any]) -> tuple[str, ...]:
    """Return the CVE ids and the help address that the tool gives, sorted."""
    properties = common.member(result, "properties", dict, REPORT) or {}
    found = set(_CVE.findall(f"{name} {properties.get('cve_id')}"))
    link = common.member(rule, "helpUri", str, REPORT)
    return tuple(sorted(found | ({common.shorten(link, common.TEXT)} if link else set())))


def region_of(physical: dict[str, Any]) -> str:
    """Return ` (line 3)` or ` (offset 32)` for the place in the file, empty when none is given."""
    region = common.member(physical, "region", dict, REPORT) or {}
    for key, word in (("startLine", "line"), ("byteOffset", "offset"), ("charOffset", "character")):
        number = common.member(region, key, int, REPORT)
        if number is not None and number >= 0:
            return f" ({word} {number})"
    return ""


def is_target(artifact: dict[str, Any]) -> bool:
    """Whether `artifact` is a file that was scanned: not a part of another one, and in no other role than target."""
    parent = common.member(artifact, "parentIndex", int, REPORT)
    roles = common.member(artifact, "roles", list, REPORT)
    return (parent is None or parent < 0) and (not roles or "analysisTarget" in roles)


def not_scanned(artifact: dict[str, Any], tool: str) -> str | None:
    """Return why the tool's listing of `artifact` does not mean that it read it; `None` when it does."""
    if tool != MODELAUDIT:
        return None
    properties = common.member(artifact, "properties", dict, REPORT) or {}
    return modelaudit_words.NOT_SCANNERS.get(common.member(properties, "type", str, REPORT) or "")


def is_failure(invocation: dict[str, Any], tool: str) -> bool:
    """Whether the tool says that it did not run to its end. ModelAudit's `false` can also mean incomplete."""
    if any(invocation.get(key) for key in ("exitSignalName", "exitSignalNumber", "processStartFailureMessage")):
        return True
    properties = common.member(invocation, "properties", dict, REPORT) or {}
    ended = tool == MODELAUDIT and properties.get("processCompleted") is True
    return common.member(invocation, "executionSuccessful", bool, REPORT) is False and not ended


def problems_of(invocation: dict[str, Any]) -> list[tuple[str, str]]:
    """Return a code and a text for each thing because of which the tool's run vouches for nothing."""
    problems = []
    successful = common.member(invocation, "executionSuccessful", bool, REPORT)
    if successful is not True:
        said = "says that it did not succeed" if successful is False else "does not say whether it succeeded"
        ended = common.member(invocation, "exitCodeDescription", str, REPORT)
        problems.append(("unsuccessful", f"the tool {said} (executionSuccessful){f': {ended}' if ended else ''}"))
    properties = common.member(invocation, "properties", dict, REPORT) or {}
    for key, code in (("incompleteCoverage", "incomplete-coverage"), ("operationalErrors", "operational-error")):
        if properties.get(key):
            problems.append((code, f"the tool reports {key}: {modelaudit_words.text_of(properties[key])}"))
    return problems


def notices_of(invocation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the notifications about the run and about the tool's configuration."""
    keys = ("toolExecutionNotifications", "toolConfigurationNotifications")
    return [notice for key in keys for notice in common.records(invocation, key, REPORT) or []]
