"""The text of a file of exceptions or grants with one entry more; every other byte of it stays."""

from __future__ import annotations

import json
from typing import Any

from weightgate.errors import PolicyError
from weightgate.formats.escape import printable, shortened
from weightgate.policy import yamlfile

HEADER = "# Reviewed, dated permissions, keyed by id. The fields: policies/README.md.\n"
GRANTS_HEADER = (
    "# Emergency grants: one model, some hours, two persons, keyed by id. The fields: policies/README.md. "
    "Remove what has ended.\n"
)


def quoted(text: str) -> str:
    """Return `text` in double quotes as YAML and JSON read it, with every character that is not printable escaped."""
    return "".join(
        char if char.isprintable() else f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
        for char in json.dumps(text, ensure_ascii=False)
    )


def rendered(id_: str, entry: dict[str, Any], remark: str) -> str:
    """Return the entry as a block of YAML lines; `remark`, of unknown origin, becomes a comment of one line."""
    lines = [f"{id_}:", f"  # {shortened(printable(remark), 100)}"]
    for key, value in entry.items():
        if isinstance(value, dict):
            lines.append(f"  {key}:")
            lines += [f"    {inner}: {quoted(said)}" for inner, said in value.items()]
        elif isinstance(value, list):
            lines.append(f"  {key}: [{', '.join(map(quoted, value))}]")
        else:
            lines.append(f"  {key}: {quoted(value)}")
    return "\n".join(lines) + "\n"


def appended(old: bytes | None, id_: str, entry: dict[str, Any], remark: str, name: str, header: str = HEADER) -> bytes:
    """Return the file's bytes `old` (`None`: no file) with the entry after those that it has.

    A `{}` that stands for no entry is replaced. Raises `PolicyError` when the result would not be the old entries and
    the new one, as in a file that is written in braces.
    """
    before = yamlfile.load(old, name).value if old is not None else None
    text = header if old is None else old.decode("utf-8")
    block = rendered(id_, entry, remark)
    if "\r\n" in text:
        block = block.replace("\n", "\r\n")
    if before == {}:
        start, end = _placeholder(text)
        text = text[:start] + block + text[end:].lstrip(" \t").removeprefix("\r").removeprefix("\n")
    else:
        text += "" if not text or text.endswith("\n") else "\n"
        text += block
    new = text.encode("utf-8")
    wanted = [*(before or {}).items(), (id_, entry)]
    try:
        good = list(yamlfile.load(new, name).value.items()) == wanted
    except (PolicyError, AttributeError):
        good = False
    if not good:
        raise PolicyError(
            f"{name}: an entry cannot be added below the last one; write the file's entries as lines that begin in the "
            "first column, each with `<id>:`, in a single document without `---` or `...` around them"
        )
    return new


def _placeholder(text: str) -> tuple[int, int]:
    """Return where the empty mapping begins and ends."""
    import yaml

    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    return node.start_mark.index, node.end_mark.index
