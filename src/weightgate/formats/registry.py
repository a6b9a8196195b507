"""The formats by name. A format's module is imported when it is asked for, not before."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from weightgate import strict
from weightgate.errors import UsageError

if TYPE_CHECKING:
    from weightgate.formats.interface import Format

HOMES = {
    "text": ("text", "TextFormat"),
    "json": ("json", "JsonFormat"),
    "sarif": ("sarif", "SarifFormat"),
    "junit": ("junit", "JunitFormat"),
    "markdown": ("markdown", "MarkdownFormat"),
    "github": ("github", "GithubFormat"),
    "codequality": ("codequality", "CodeQualityFormat"),
    "html": ("html", "HtmlFormat"),
}
"""The word for `--format` → module below `weightgate.formats`, and class."""

FILES = {
    "text": "report.txt",
    "json": "decision.json",
    "sarif": "report.sarif",
    "junit": "report.junit.xml",
    "markdown": "report.md",
    "github": "report.github.txt",
    "codequality": "codequality.json",
    "html": "report.html",
}
"""The word for `--format` → the format's `file_name`, known without importing it."""


def load(name: str) -> Format:
    """Return the format that `name` means; raises `UsageError` for an unknown name."""
    if name not in HOMES:
        raise UsageError(f"unknown format {name!r}{strict.nearest(name, HOMES)}; expected one of {', '.join(HOMES)}")
    module, kind = HOMES[name]
    made: Format = getattr(import_module(f"weightgate.formats.{module}"), kind)()
    return made
