"""Proofs that a file is data and nothing else: safetensors, JSON, text, images.

A proof reads the content and fails closed: what it does not understand to the last byte is not proven. Whether the
same bytes are a second format as well (a pickle, an archive) is asked by `weightgate.filetypes` before any of these.
"""

from __future__ import annotations

import re
from typing import Any

from weightgate import strict
from weightgate.content import WHOLE, Content
from weightgate.errors import InvalidDocument

MAX_JSON_VALUES = 5_000_000
"""Commas and brackets in the largest JSON text that is parsed; bounds the memory of the parsed form to about 0.5 GB."""

_BITS = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
}
"""Bits of one element, by the `dtype` words of safetensors 0.6."""

CODE_KEYS = frozenset(
    {
        *("auto_map", "auto_mapping", "trust_remote_code", "custom_pipeline", "custom_pipelines", "custom_objects"),
        *("_target_", "py/object", "py/reduce", "py/function", "py/type", "__reduce__"),
    }
)
"""JSON keys that ask a loader to import or run code, in transformers, peft, diffusers, Keras, Hydra and jsonpickle."""

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def is_safetensors(content: Content) -> bool:
    """Whether the file is one safetensors header of the right shape, and tensors that cover the rest of it exactly."""
    length = int.from_bytes(content.head[:8], "little")
    if not 2 <= length <= min(content.size - 8, WHOLE) or content.head[8:9] != b"{":
        return False
    header = _parse(content.at(8, length))
    return isinstance(header, dict) and _covers(header, content.size - 8 - length)


def _covers(header: dict[str, Any], size: int) -> bool:
    """Whether the tensors of `header` lie end to end over `size` bytes, without a gap, an overlap or a rest."""
    spans = []
    for name, entry in header.items():
        if name == "__metadata__":
            if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
                return False
            continue
        span = _span(entry, size)
        if span is None:
            return False
        spans.append(span)
    end = 0
    for first, last in sorted(spans):
        if first != end:
            return False
        end = last
    return end == size


def _span(entry: Any, size: int) -> tuple[int, int] | None:
    """Return the bytes [first, last) of one tensor, or `None` when its description is not exact."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        return None
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _BITS or not _counts(shape) or not _counts(offsets):
        return None
    if len(offsets) != 2 or not offsets[0] <= offsets[1] <= size:
        return None
    elements = 1
    for dimension in shape:
        elements *= dimension
        # NOTE: the smallest element has 4 bits; this also keeps the product of a hostile shape short.
        if elements > 2 * size:
            return None
    return (offsets[0], offsets[1]) if elements * _BITS[dtype] == 8 * (offsets[1] - offsets[0]) else None


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


def json_format(raw: bytes) -> str | None:
    """Return `json`, `json-code`, `json-template`, or `None` when `raw` is not strict JSON of a bounded size.

    `json-code` has one of `CODE_KEYS` (other than null or false) or a Keras `Lambda` layer; `json-template` has a key
    with `template` in it that holds a string, list or object, or a string with a Jinja expression or statement in it.
    """
    value = _parse(raw)
    if value is _NOT_JSON:
        return None
    found, pending = "json", [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if _asks_for_code(item):
                return "json-code"
            if any("template" in key.lower() and isinstance(part, str | list | dict) for key, part in item.items()):
                found = "json-template"
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, str) and _is_template(item):
            found = "json-template"
    return found


def _asks_for_code(item: dict[str, Any]) -> bool:
    if item.get("class_name") == "Lambda":
        return True
    return any(item[key] is not None and item[key] is not False for key in CODE_KEYS & item.keys())


def _is_template(text: str) -> bool:
    for opening, closing in (("{{", "}}"), ("{%", "%}")):
        start = text.find(opening)
        if start >= 0 and text.find(closing, start + 2) > start + 2:
            return True
    return False


_NOT_JSON = object()


def _parse(raw: bytes) -> Any:
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > MAX_JSON_VALUES:
        return _NOT_JSON
    try:
        return strict.loads(raw, "")
    except InvalidDocument:
        return _NOT_JSON


def is_text(raw: bytes) -> bool:
    """Whether `raw` is UTF-8 without control characters other than tab, line feed and carriage return."""
    if _CONTROL.search(raw):
        return False
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_image(content: Content) -> bool:
    """Whether the file is a PNG, JPEG, GIF or WebP that ends where the image ends."""
    head = content.head
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png_ends(content)
    if head.startswith(b"\xff\xd8\xff"):
        return content.tail(2) == b"\xff\xd9"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return content.tail(1) == b";"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return int.from_bytes(head[4:8], "little") + 8 == content.size
    return False


def _png_ends(content: Content) -> bool:
    """Whether the chunks of a PNG lead to an `IEND` that is the end of the file."""
    at = 8
    for _ in range(100_000):
        start = content.at(at, 8)
        if len(start) < 8:
            return False
        at += 12 + int.from_bytes(start[:4], "big")
        if start[4:] == b"IEND":
            return at == content.size
    return False
