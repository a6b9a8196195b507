"""Permissions of an environment: exceptions for findings, and break-glass grants for a model; as closed schemas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from weightgate import strict
from weightgate.policy.yamlfile import YamlFile

_DATE = re.compile(r"\d{4}-\d\d-\d\d")

# NOTE: the forms of policies/weightgate/lib/permissions and its kin, which decide; here a fault is told with its line.
LETTER = "[0-9A-Za-z\x80-\U0010ffff]"
_PERSON = re.compile(r"[0-9A-Za-z@._+'/:-]+( [0-9A-Za-z@._+'/:-]+)*")
_ANY = r"([^\[\]{}\\]|\[[^\[\]{}\\]*\]|\{[^{}\\]*\})*"
_ALTERNATIVE = rf"[^{{}},\[\]\\]*{LETTER}[^{{}},\[\]\\]*"
_GLOB = re.compile(rf"{_ANY}({LETTER}|\{{{_ALTERNATIVE}(,{_ALTERNATIVE})*\}}){_ANY}")


@dataclass(frozen=True, slots=True)
class PolicyException:
    """A reviewed, dated permission for named findings."""

    scope: dict[str, str]
    reason: str
    owner: str
    approver: str
    ticket: str
    created: str
    expires: str


@dataclass(frozen=True, slots=True)
class Grant:
    """An emergency permission: for some hours two persons let one model pass although named rules refuse it."""

    digest: str
    """Of the model, `sha256:…`."""
    rules: tuple[str, ...]
    """The rules that it overrides."""
    reason: str
    owner: str
    approver: str
    ticket: str
    created: str
    expires: str


def moment(value: Any, at: str) -> str:
    """An RFC 3339 time with its zone, or a date, that exists."""
    return _moment(value, at, 'a time such as "2026-11-20T00:00:00Z", or a date', dates=True)


def _hour(value: Any, at: str) -> str:
    """An RFC 3339 time with its zone: a grant lasts hours, for which a date is too coarse."""
    return _moment(value, at, 'a time with hours such as "2026-11-20T15:00:00Z"', dates=False)


def _moment(value: Any, at: str, expected: str, dates: bool) -> str:
    text = strict.text(value, at)
    try:
        if dates and _DATE.fullmatch(text):
            datetime.strptime(text, "%Y-%m-%d")
        elif not strict.RFC3339.fullmatch(text) or datetime.fromisoformat(text).tzinfo is None:
            raise ValueError(text)
    except ValueError:
        strict.fail(at, f"found {strict.show(value)}; expected {expected}")
    # NOTE: OPA counts nanoseconds in 64 bits; a time outside of them ends every evaluation with an error.
    if not "1678" <= text[:4] <= "2261":
        strict.fail(at, f"found {strict.show(value)}; expected a year from 1678 to 2261")
    return text


def says(value: Any, at: str) -> str:
    if not re.search(LETTER, strict.text(value, at)):
        strict.fail(at, f"found {strict.show(value)}; expected words")
    return str(value)


def _pattern(value: Any, at: str) -> str:
    """A glob that does not match everything: a letter or digit is outside `[…]`, and in each alternative of `{…}`."""
    text = strict.text(value, at)
    if not _GLOB.fullmatch(text):
        strict.fail(
            at,
            f"the pattern {strict.show(text)} matches everything, or cannot be read; name a letter or digit of the "
            "target outside of […] and in each alternative of {…}, and use no backslash and no braces within braces",
        )
    return text


def _person(value: Any, at: str) -> str:
    text = strict.text(value, at)
    if not _PERSON.fullmatch(text):
        strict.fail(at, f"found {strict.show(text)}; expected an address or account such as alice@example.org")
    return text


def _literal(value: Any, at: str) -> str:
    text = says(value, at)
    if "*" in text or "?" in text:
        strict.fail(at, f"found the pattern {strict.show(text)}; expected one exact name")
    return text


_SCOPE_READERS: dict[str, strict.Reader[str]] = {
    "finding": _literal,
    "rule": _literal,
    "model": _pattern,
    "path": _pattern,
    "digest": strict.prefixed_digest,
}


def _scope(value: Any, at: str) -> dict[str, str]:
    scope: dict[str, str] = {}
    for key, item in strict.mapping(lambda item, _: item)(value, at).items():
        if key not in _SCOPE_READERS:
            strict.fail(f"{at}/{strict.escape(key)}", f"unknown key; expected {', '.join(_SCOPE_READERS)}")
        scope[key] = _SCOPE_READERS[key](item, f"{at}/{key}")
    shape = scope.keys() - {"digest"}
    if shape not in ({"finding"}, {"rule", "model"}, {"rule", "path"}, {"rule", "model", "path"}):
        strict.fail(at, "expected {finding}, or {rule} with at least one of {model, path}; either may add {digest}")
    return scope


_PEOPLE: dict[str, strict.Reader[str]] = {"reason": says, "owner": _person, "approver": _person, "ticket": says}

_EXCEPTIONS = strict.mapping(
    strict.record(PolicyException, {"scope": _scope, **_PEOPLE, "created": moment, "expires": moment})
)


def _rules(value: Any, at: str) -> tuple[str, ...]:
    names = strict.array(strict.text)(value, at)
    if not names:
        strict.fail(at, "found no rule; expected the rules that the grant overrides, such as severity.threshold")
    return names


_GRANTS = strict.mapping(
    strict.record(
        Grant,
        {"digest": strict.prefixed_digest, "rules": _rules, **_PEOPLE, "created": _hour, "expires": _hour},
    )
)


def read_exceptions(file: YamlFile) -> dict[str, PolicyException]:
    """Return the exceptions in an environment's `exceptions/data.yaml`, by id; raises `PolicyError` with file and
    line."""
    return file.read(_EXCEPTIONS, value={} if file.value is None else None)


def read_grants(file: YamlFile) -> dict[str, Grant]:
    """Return the grants in an environment's `break_glass/data.yaml`, by id; raises `PolicyError` with file and line."""
    return file.read(_GRANTS, value={} if file.value is None else None)
