"""Where SARIF 2.1.0 says that something is: artifact locations, their bases, and regions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from weightgate import strict
from weightgate.errors import MalformedReport
from weightgate.scanners import common

REPORT = "SARIF report"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True, slots=True)
class Place:
    """What an artifact location names."""

    text: str
    """A path, percent-decoded and not normalized; where `foreign`, the URI as it stands."""
    foreign: bool = False
    """Whether it is no file of this machine: another scheme than `file`, or another host."""


class Places:
    """Turns the artifact locations of one run into paths, absolute where the run says what they are relative to."""

    def __init__(self, run: dict[str, Any], otherwise: str) -> None:
        """`otherwise` is the directory, absolute or empty, of locations whose base the run does not define."""
        self.artifacts = common.records(run, "artifacts", REPORT) or []
        self._bases = common.member(run, "originalUriBaseIds", dict, REPORT) or {}
        self._otherwise = otherwise

    def place(self, location: dict[str, Any]) -> Place | None:
        """Return what `location` (an `artifactLocation`) names, `None` when it names nothing."""
        if location.get("uri") is None:
            index = common.member(location, "index", int, REPORT)
            if index is None or not 0 <= index < len(self.artifacts):
                return None
            location = common.member(self.artifacts[index], "location", dict, REPORT) or {}
        uri = common.member(location, "uri", str, REPORT)
        if not uri:
            return None
        place = parse(uri)
        if place.foreign or place.text.startswith("/"):
            return place
        base = self._base(common.member(location, "uriBaseId", str, REPORT))
        return Place(f"{base.text.rstrip('/')}/{place.text}" if base.text else place.text, base.foreign)

    def _base(self, name: str | None) -> Place:
        """Return the directory that the base `name` stands for, itself perhaps relative to another base."""
        below = ""
        seen: set[str] = set()
        while name is not None and name not in seen and name in self._bases:
            seen.add(name)
            base = common.as_record(self._bases[name], f"{REPORT}: originalUriBaseIds: {strict.show(name)}")
            place = parse(common.member(base, "uri", str, REPORT) or "")
            below = "/".join(part for part in (place.text.rstrip("/"), below) if part)
            if place.foreign or place.text.startswith("/"):
                return Place(below or "/", place.foreign)
            name = common.member(base, "uriBaseId", str, REPORT)
        return Place("/".join(part for part in (self._otherwise.rstrip("/"), below) if part))


def parse(uri: str) -> Place:
    """Return what `uri`, a `file` URI or a relative reference, names.

    Raises `MalformedReport` when it is not percent-encoded UTF-8.
    """
    if uri[:5].lower() == "file:":
        rest = uri[5:]
        if rest.startswith("//"):
            host, slash, tail = rest[2:].partition("/")
            if host.lower() not in ("", "localhost"):
                return Place(uri, foreign=True)
            rest = slash + tail
    elif _SCHEME.match(uri) or uri.startswith("//"):
        return Place(uri, foreign=True)
    else:
        rest = uri
    try:
        return Place(unquote_to_bytes(rest).decode("utf-8"))
    except UnicodeDecodeError as exc:
        raise MalformedReport(f"{REPORT}: the URI {strict.show(uri)} is not percent-encoded UTF-8") from exc


def locations(holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the physical location of each location of a result or notification; an empty one where it has none."""
    for location in common.records(holder, "locations", REPORT) or [{}]:
        yield common.member(location, "physicalLocation", dict, REPORT) or {}


def region(physical: dict[str, Any]) -> str:
    """Return ` (line 3)` or ` (offset 32)` for the place in the file, empty when none is given."""
    found = common.member(physical, "region", dict, REPORT) or {}
    for key, word in (("startLine", "line"), ("byteOffset", "offset"), ("charOffset", "character")):
        number = common.member(found, key, int, REPORT)
        if number is not None and number >= 0:
            return f" ({word} {number})"
    return ""
