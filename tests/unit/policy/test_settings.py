"""An environment's data files are closed schemas: what is misspelt is an error with file and line."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from weightgate.errors import InvalidDocument, PolicyError
from weightgate.policy import permissions, settings, yamlfile

SETTINGS = """\
settings:
  description: x
  stricter_than: dev
  fail_on: [CRITICAL, HIGH]
  rules:
    coverage.complete: {level: warn}
  scanners:
    required: [modelaudit]
  coverage:
    scanners: {default: [modelaudit]}
    data_formats: [json]
  exceptions:
    max_days: {CRITICAL: 1, HIGH: 2, MEDIUM: 3, LOW: 4, INFO: 5}
    never: []
    approvers: []
    warn_days: 14
"""

EXCEPTION = """\
EXC-1:
  scope: {finding: wgf-1}
  reason: A false positive.
  owner: alice@example.org
  approver: bob@example.org
  ticket: SEC-1
  created: "2026-11-20T00:00:00Z"
  expires: "2026-12-20"
"""


def read(text: str) -> settings.Settings:
    return settings.read_settings(yamlfile.load(text.encode(), "data.yaml"))


def read_exceptions(text: str) -> dict[str, permissions.PolicyException]:
    return permissions.read_exceptions(yamlfile.load(text.encode(), "exceptions.yaml"))


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


def test_settings_are_read() -> None:
    found = read(SETTINGS)
    assert found.fail_on == ("CRITICAL", "HIGH")
    assert found.rules == {"coverage.complete": settings.RuleSetting("warn")}
    assert found.stricter_than == "dev"
    assert found.exceptions.max_days["INFO"] == 5
    assert found.exceptions.never_rules == ()
    assert found.scanners.required == ("modelaudit",)
    assert found.severity_map is None


def test_a_rule_is_told_its_parameters() -> None:
    rule = 'scanners.minimum_version: {level: deny, effective_on: "2027-01-01", minimum: {modelaudit: "0.2.54"}}'
    found = read(changed(SETTINGS, "coverage.complete: {level: warn}", rule)).rules["scanners.minimum_version"]
    assert (found.level, found.effective_on) == ("deny", "2027-01-01")
    assert found.parameters == {"minimum": {"modelaudit": "0.2.54"}}


@pytest.mark.parametrize("rule", sorted(settings.PARAMETERS))
def test_a_rule_that_is_on_is_told_everything(rule: str) -> None:
    with pytest.raises(PolicyError, match=r"data\.yaml:6: .*switched on and not told"):
        read(changed(SETTINGS, "coverage.complete", rule))
    off = changed(SETTINGS, "coverage.complete: {level: warn}", f'{rule}: {{level: "off"}}')
    assert read(off).rules[rule].level == "off"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("  fail_on:", "  fail_onn:", 4, "unknown key"),
        ("  fail_on: [CRITICAL, HIGH]\n", "", 1, "missing"),
        ("[CRITICAL, HIGH]", "[CRITICAL, HIHG]", 4, 'did you mean "HIGH"'),
        ("[CRITICAL, HIGH]", "[HIGH]", 4, "CRITICAL is missing"),
        ("[CRITICAL, HIGH]", "[CRITICAL, CRITICAL]", 4, "twice"),
        ("[CRITICAL, HIGH]", "CRITICAL", 4, "expected a list"),
        ("{level: warn}", "{level: wran}", 6, 'did you mean "warn"'),
        ("{level: warn}", "{level: false}", 6, "expected one of deny, warn, off"),
        ("{level: warn}", "{levl: warn}", 6, "unknown key"),
        ("{level: warn}", "{}", 6, "missing"),
        ("{level: warn}", "{level: deny, effective_on: soon}", 6, "expected a time"),
        ("{level: warn}", "{level: deny, at_most: {}}", 6, "unknown key"),
        ("coverage.complete", "coverage", 6, "two words"),
        ("coverage.complete: {level: warn}", "severity.budget: {level: deny, at_most: {HIHG: 1}}", 6, "HIGH"),
        ("coverage.complete: {level: warn}", "severity.budget: {level: deny, at_most: {HIGH: -1}}", 6, "whole number"),
        ("coverage.complete: {level: warn}", "scanners.minimum_version: {level: deny, minimum: {a: v1}}", 6, "1.2.3"),
        ("required: [modelaudit]", "required: modelaudit", 8, "expected a list"),
        ("required: [modelaudit]", "requried: [modelaudit]", 8, 'did you mean "required"'),
        ("{default: [modelaudit]}", "{pickle: [modelaudit]}", 10, '"default" is missing'),
        ("{default: [modelaudit]}", "{default: modelaudit}", 10, "expected a list"),
        ("data_formats: [json]", "data_formats: [1]", 11, "expected a string"),
        ("INFO: 5", "INFOO: 5", 13, "expected exactly"),
        ("INFO: 5", "INFO: -5", 13, "whole number"),
        ("INFO: 5", 'INFO: "5"', 13, "whole number"),
        ("never: []", "never: [CRITCAL]", 14, 'did you mean "CRITICAL"'),
        ("never: []", "never: []\n    never_rules: S201", 15, "expected a list"),
        ("warn_days: 14", "warn_days: true", 16, "whole number"),
        ("  description: x", "  severity_map: {threats: {X: {severity: LWO, reason: x}}}", 2, 'did you mean "LOW"'),
        ("  description: x", "  severity_map: {threats: {X: {severity: LOW}}}", 2, "missing"),
        ("  description: x", "  severity_map: {rules: {X: {BLOKING: {severity: LOW, reason: x}}}}", 2, "BLOCKING"),
        ("  description: x", "  severity_map: {codes: {}}", 2, "unknown key"),
    ],
)
def test_a_mistake_is_an_error_with_its_line(old: str, new: str, line: int, says: str) -> None:
    with pytest.raises(PolicyError) as caught:
        read(changed(SETTINGS, old, new))
    assert str(caught.value).startswith(f"data.yaml:{line}: ")
    assert says in str(caught.value)


@pytest.mark.parametrize("text", ["", "settings:", "settings: []", "{}", "settingss: {}"])
def test_no_settings_are_an_error(text: str) -> None:
    with pytest.raises(PolicyError):
        read(text)


def test_exceptions_are_read() -> None:
    found = read_exceptions(EXCEPTION)["EXC-1"]
    assert found.scope == {"finding": "wgf-1"}
    assert (found.owner, found.approver, found.expires) == ("alice@example.org", "bob@example.org", "2026-12-20")


@pytest.mark.parametrize("text", ["{}", "", "# none\n"])
def test_a_file_without_exceptions_has_none(text: str) -> None:
    assert read_exceptions(text) == {}


@pytest.mark.parametrize(
    "scope",
    [
        f"{{finding: wgf-1, digest: 'sha256:{'a' * 64}'}}",
        "{rule: S201, model: 'https://huggingface.co/org/*'}",
        "{rule: S201, path: 'weights/**'}",
        "{rule: Model Is Blocked, path: '{a,b}/x', model: 'file:///[m]odels/*'}",
    ],
)
def test_these_scopes_are_narrow(scope: str) -> None:
    assert read_exceptions(changed(EXCEPTION, "{finding: wgf-1}", scope))["EXC-1"].scope


@pytest.mark.parametrize(
    "scope",
    [
        *("{}", "[]", "wgf-1", "{rule: S201}", "{model: a}", "{path: a}", "{rule: S201, digest: x}", "{finding: 7}"),
        *("{finding: wgf-1, rule: S201}", "{finding: wgf-1, path: a}", "{finding: '*'}", "{finding: 'wgf-?'}"),
        *("{finding: ''}", "{finding: ' '}", "{finding: wgf-1, digest: 'sha256:abc'}", "{finding: wgf-1, until: x}"),
        *("{rule: '*', path: a}", "{rule: S201, path: '*'}", "{rule: S201, path: '**'}", "{rule: S201, path: '**/*'}"),
        *("{rule: S201, path: '[a-z]*'}", "{rule: S201, path: '{*,a}'}", "{rule: S201, model: '?*'}"),
        *(r"{rule: S201, path: '\\*'}", "{rule: S201, path: '{a,{b,*}}'}", "{rule: S201, path: ''}"),
    ],
)
def test_any_other_scope_is_an_error_with_its_line(scope: str) -> None:
    with pytest.raises(PolicyError, match=r"^exceptions\.yaml:2: /EXC-1/scope"):
        read_exceptions(changed(EXCEPTION, "{finding: wgf-1}", scope))


def without(key: str) -> str:
    return "".join(line for line in EXCEPTION.splitlines(keepends=True) if not line.startswith(f"  {key}:"))


@pytest.mark.parametrize("key", ["scope", "reason", "owner", "approver", "ticket", "created", "expires"])
def test_each_field_of_an_exception_is_needed(key: str) -> None:
    with pytest.raises(PolicyError, match=f'exceptions.yaml:1: /EXC-1: the key "{key}" is missing'):
        read_exceptions(without(key))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("reason", value) for value in ("''", "' '", "'-'", "7", "[x]", "null")),
        *(("ticket", value) for value in ("''", "' '", "null")),
        *(("owner", value) for value in ("''", "' '", "' a'", "'a '", "'a  b'", '"a\\u00a0"', '"\\u0430lice"', "null")),
        *(("approver", value) for value in ("''", "'a\u200b'", "7")),
        *(("created", value) for value in ("soon", "2026-13-01", "2026-02-30", "'2026-11-20T00:00:00'", "20261120")),
        *(("expires", value) for value in ("''", "'2026-11-20 00:00:00Z'", "'2026-11-20T25:00:00Z'", "never", "null")),
        ("expire", "2026-12-20"),
    ],
)
def test_a_bad_field_is_an_error_with_its_line(key: str, value: str) -> None:
    text = without(key) + f"  {key}: {value}\n"
    with pytest.raises(PolicyError, match=rf"^exceptions\.yaml:{len(text.splitlines())}: /EXC-1/{key}: "):
        read_exceptions(text)


@pytest.mark.parametrize(
    "value", ["2026-11-20", "'2026-11-20T00:00:00+02:00'", "2028-02-29", "'2026-11-20T00:00:00.5Z'"]
)
def test_these_times_are_times(value: str) -> None:
    assert read_exceptions(without("created") + f"  created: {value}\n")


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (settings.SEVERITY_MAP, "threats: {X: {severity: LWO, reason: x}}"),
        (settings.SEVERITY_MAP, "theats: {}"),
        (settings.THREAT_KINDS, "trojan: {categories: [], series: []}"),
        (settings.THREAT_KINDS, "trojan: {categories: trojan, series: [], words: []}"),
    ],
    ids=["severity", "kind", "missing", "no list"],
)
def test_the_library_s_data_is_closed_too(reader: Any, text: str) -> None:
    with pytest.raises(PolicyError, match=r"^map\.yaml:1: "):
        yamlfile.load(textwrap.dedent(text).encode(), "map.yaml").read(reader)


@pytest.mark.parametrize("time", ["1677-12-31", "2262-01-01", "2999-01-01T00:00:00Z"])
def test_a_time_that_opa_cannot_count_is_refused(time: str) -> None:
    with pytest.raises(InvalidDocument, match="a year from 1678 to 2261"):
        permissions.moment(time, "/expires")


@pytest.mark.parametrize("time", ["1678-01-01", "2261-12-31T23:59:59Z"])
def test_a_time_that_opa_can_count_is_taken(time: str) -> None:
    assert permissions.moment(time, "") == time
