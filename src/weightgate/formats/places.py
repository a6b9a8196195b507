"""Where a model's file is for those who read a report beside the repository: a URI, a path, a short name."""

from __future__ import annotations

import re

from weightgate.findings import Model, Source, fingerprint
from weightgate.formats import escape


def path_of(model: Model, path: str | None) -> str:
    """Return the path of a model's file, or of the model, as seen from the directory in which weightgate ran.

    A remote model has no place there: its files' paths then stand below the model's name.
    """
    base = model.uri if model.source is Source.LOCAL else model.name or slug(model.uri)
    if path is None or _is_the_file(model, path):
        return base
    return path if base == "." else f"{base.rstrip('/')}/{path}"


def uri(model: Model, path: str | None) -> str:
    """Return `path_of` as a URI reference: relative, or with the scheme `file` when the model's own path is
    absolute."""
    base = path_of(model, None)
    root = _local(base) if model.source is Source.LOCAL else escape.uri(base)
    if path is None or _is_the_file(model, path):
        return root or "."
    return root + ("/" if root and not root.endswith("/") else "") + escape.uri(path)


def slug(text: str) -> str:
    """Return a name for `text` out of letters, digits, `.`, `_`, `-` and `/`; one that lost something ends in a
    fingerprint."""
    short = re.sub(r"[^A-Za-z0-9._/-]+", "-", text).strip("-./")[:80]
    return short if short == text else f"{short}-{fingerprint(text)[4:12]}"


def _local(base: str) -> str:
    """Return the URI of a local model, `""` for the working directory. Its `..` are the user's own and stay."""
    if base == ".":
        return ""
    encoded = "/".join(step if step in ("..", "") else escape.uri(step) for step in base.split("/"))
    return f"file://{encoded}" if base.startswith("/") else encoded


def _is_the_file(model: Model, path: str) -> bool:
    """Whether the model is this one file and no directory."""
    alone = len(model.files) == 1 and model.files[0].path == path
    return alone and model.source is Source.LOCAL and model.uri.rsplit("/", 1)[-1] == path
