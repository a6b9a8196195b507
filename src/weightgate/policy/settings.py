"""What an environment's `data.yaml` says, its settings, as a closed schema."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from weightgate import strict
from weightgate.policy.permissions import moment, says
from weightgate.policy.yamlfile import YamlFile

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO")
"""Every severity that a finding can count as, the worst first."""

MOST_HOURS = 24
"""What a break-glass grant lasts at most, whatever the settings say."""

_RULE = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){0,5}")


@dataclass(frozen=True, slots=True)
class RuleSetting:
    """What an environment makes of one rule."""

    level: str
    """`deny`, `warn` or `off`."""
    effective_on: str | None = None
    """Until this time the rule warns where it would deny."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """What the rule is told beside its level, by the names in `PARAMETERS`."""


@dataclass(frozen=True, slots=True)
class ScannerSettings:
    """The scanners that must have run, and what a scan service is told."""

    required: tuple[str, ...]
    security_group_id: str | None = None
    """The security group of Prisma AIRS whose rules this environment's scans use, a uuid in lower case."""


@dataclass(frozen=True, slots=True)
class CoverageSettings:
    """Which files count as looked at."""

    scanners: dict[str, tuple[str, ...]]
    """File format (or `default`) → the scanners that vouch for it."""
    data_formats: tuple[str, ...]
    """Formats that nobody has to scan."""


@dataclass(frozen=True, slots=True)
class ExceptionSettings:
    """The limits of exceptions."""

    max_days: dict[str, int]
    never: tuple[str, ...]
    approvers: tuple[str, ...]
    warn_days: int
    never_rules: tuple[str, ...] = ()
    """Scanners' rules and threat codes whose findings nothing excuses."""


@dataclass(frozen=True, slots=True)
class BreakGlassSettings:
    """The limits of break-glass grants. An environment without them takes none."""

    max_hours: int
    never_override: tuple[str, ...]
    """Rules that no grant overrides here."""


@dataclass(frozen=True, slots=True)
class MapEntry:
    """What a finding counts as, and why."""

    severity: str
    reason: str


@dataclass(frozen=True, slots=True)
class SeverityMap:
    """What findings count as whose scanner states no severity."""

    threats: dict[str, MapEntry] = field(default_factory=dict)
    series: dict[str, MapEntry] = field(default_factory=dict)
    rules: dict[str, dict[str, MapEntry]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one environment."""

    fail_on: tuple[str, ...]
    rules: dict[str, RuleSetting]
    scanners: ScannerSettings
    coverage: CoverageSettings
    exceptions: ExceptionSettings
    break_glass: BreakGlassSettings | None = None
    description: str = ""
    stricter_than: str | None = None
    severity_map: SeverityMap | None = None


def _fail_on(value: Any, at: str) -> tuple[str, ...]:
    words = strict.array(strict.word(*SEVERITIES, "UNKNOWN"))(value, at)
    if "CRITICAL" not in words:
        strict.fail(at, "CRITICAL is missing; no environment can tolerate it")
    if len(set(words)) != len(words):
        strict.fail(at, "a severity stands twice")
    return words


_DAYS = strict.mapping(strict.count)


def _max_days(value: Any, at: str) -> dict[str, int]:
    days = _DAYS(value, at)
    if days.keys() != set(SEVERITIES):
        strict.fail(at, f"found {', '.join(days) or 'nothing'}; expected exactly {', '.join(SEVERITIES)}")
    return days


def _hours(value: Any, at: str) -> int:
    hours = strict.count(value, at)
    if hours > MOST_HOURS:
        strict.fail(at, f"found {hours}; expected at most {MOST_HOURS} hours, since a grant is for an emergency")
    return hours


_ENTRY = strict.record(MapEntry, {"severity": strict.word(*SEVERITIES), "reason": says})


def _states(value: Any, at: str) -> dict[str, MapEntry]:
    states = strict.mapping(_ENTRY)(value, at)
    for state in states:
        strict.word("BLOCKING", "ALLOWING")(state, f"{at}/{state}")
    return states


SEVERITY_MAP = strict.record(
    SeverityMap,
    {},
    optional={"threats": strict.mapping(_ENTRY), "series": strict.mapping(_ENTRY), "rules": strict.mapping(_states)},
)


@dataclass(frozen=True, slots=True)
class ThreatKind:
    """What makes a finding one about a kind of threat, for rule `threats.forbidden`."""

    categories: tuple[str, ...]
    series: tuple[str, ...]
    """First digits of PAIT codes."""
    words: tuple[str, ...]
    """Lower case, anywhere in a finding's category, rule, threat code or title."""


THREAT_KINDS = strict.mapping(
    strict.record(
        ThreatKind,
        {
            "categories": strict.array(strict.text),
            "series": strict.array(strict.text),
            "words": strict.array(strict.text),
        },
    )
)


def _version(value: Any, at: str) -> str:
    text = strict.text(value, at)
    if not _VERSION.fullmatch(text):
        strict.fail(at, f'found {strict.show(text)}; expected a version of plain numbers such as "1.2.3"')
    return text


def _positive(value: Any, at: str) -> int:
    if strict.count(value, at) < 1:
        strict.fail(at, "found 0; expected at least 1")
    return int(value)


def _names(value: Any, at: str) -> tuple[str, ...]:
    names = strict.array(strict.text)(value, at)
    if not names:
        strict.fail(at, "found an empty list; expected at least one name")
    return names


def _budget(value: Any, at: str) -> dict[str, int]:
    budget = strict.mapping(strict.count)(value, at)
    if not budget:
        strict.fail(at, "found no severity; expected a number for at least one, such as {MEDIUM: 10}")
    for word in budget:
        strict.word(*SEVERITIES)(word, f"{at}/{word}")
    return budget


_NAMES = strict.array(strict.text)

PARAMETERS: dict[str, dict[str, strict.Reader[Any]]] = {
    "severity.budget": {"at_most": _budget},
    "scans.fresh": {"max_hours": strict.count},
    "scanners.minimum_version": {"minimum": strict.mapping(_version)},
    "scanners.corroborated": {"at_least": _positive},
    "threats.forbidden": {"kinds": _names},
    "model.source": {"sources": _names, "hosts": _NAMES, "organizations": _NAMES, "denied_models": _NAMES},
    "model.formats": {"allowed": _NAMES},
    "model.licence": {"judged_by": _NAMES},
}
"""What a rule is told beside its level: rule → parameter → how it is read. A rule that is on needs all of its own."""

_UNTOLD = frozenset(
    {"coverage.complete", "document.valid", "model.digest", "model.file_digests", "model.pinned_revision"}
    | {"outcome.safe", "scanners.required", "settings.valid", "severity.threshold"}
)
"""Rules that ship with weightgate and are told nothing. What another rule is told, a tree's own or a `local.…` one, the
tree itself says: its `rules/settings` refuses what it does not know."""


def _anything(value: Any, at: str) -> Any:
    return value


def _keys(value: Any) -> set[str]:
    return value.keys() - {"level"} if isinstance(value, dict) else set()


def _rule_setting(level: str, effective_on: str | None = None, **parameters: Any) -> RuleSetting:
    return RuleSetting(level, effective_on, parameters)


def _rules(value: Any, at: str) -> dict[str, RuleSetting]:
    rules = {}
    for name, item in strict.mapping(lambda item, _: item)(value, at).items():
        place = f"{at}/{strict.escape(name)}"
        if not _RULE.fullmatch(name):
            strict.fail(place, "a rule's name is two words, such as coverage.complete")
        told = PARAMETERS.get(name, {})
        level = {"level": strict.word("deny", "warn", "off")}
        own = {} if name in PARAMETERS or name in _UNTOLD else dict.fromkeys(_keys(item), _anything)
        reader = strict.record(_rule_setting, level, optional={**own, "effective_on": moment, **told})
        rules[name] = setting = reader(item, place)
        if setting.effective_on is not None and setting.level != "deny":
            strict.fail(
                f"{place}/effective_on", f"found beside the level {setting.level}; a date is for the level deny"
            )
        missing = told.keys() - setting.parameters.keys()
        if setting.level != "off" and missing:
            strict.fail(place, f"the rule is switched on and not told {', '.join(sorted(missing))}")
    return rules


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _uuid(value: Any, at: str) -> str:
    if not _UUID.fullmatch(strict.text(value, at)):
        strict.fail(at, f"found {strict.show(value)}; expected a uuid such as 6f3c7a52-0f5e-4f0e-9a39-0d8f7c1f2b11")
    return str(value).lower()


def _scanner_settings(required: tuple[str, ...], **services: str) -> ScannerSettings:
    return ScannerSettings(required, services.get("prisma-airs"))


_SCANNERS = strict.record(
    _scanner_settings,
    {"required": strict.array(strict.text)},
    optional={"prisma-airs": strict.record(lambda security_group_id: security_group_id, {"security_group_id": _uuid})},
)

_SCANNER_LISTS = strict.mapping(strict.array(strict.text))


def _accepted(value: Any, at: str) -> dict[str, tuple[str, ...]]:
    lists = _SCANNER_LISTS(value, at)
    if "default" not in lists:
        strict.fail(at, 'the key "default" is missing; it names the scanners for every other format')
    return lists


_SETTINGS = strict.record(
    Settings,
    {
        "fail_on": _fail_on,
        "rules": _rules,
        "scanners": _SCANNERS,
        "coverage": strict.record(CoverageSettings, {"scanners": _accepted, "data_formats": strict.array(strict.text)}),
        "exceptions": strict.record(
            ExceptionSettings,
            {
                "max_days": _max_days,
                "never": strict.array(strict.word(*SEVERITIES)),
                "approvers": strict.array(strict.text),
                "warn_days": strict.count,
            },
            optional={"never_rules": strict.array(strict.text)},
        ),
    },
    optional={
        "description": strict.string,
        "break_glass": strict.record(
            BreakGlassSettings, {"max_hours": _hours, "never_override": strict.array(strict.text)}
        ),
        "stricter_than": strict.text,
        "severity_map": SEVERITY_MAP,
    },
)

_FILE = strict.record(lambda settings: settings, {"settings": _SETTINGS})


def read_settings(file: YamlFile) -> Settings:
    """Return the settings in an environment's `data.yaml`; raises `PolicyError` with file and line."""
    settings: Settings = file.read(_FILE)
    return settings
