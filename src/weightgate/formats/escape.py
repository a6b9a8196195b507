"""Make text that comes from a model or a scanner harmless to show, for each place where it is shown.

Everything that a report shows and that is not weightgate's own word goes through one of these functions.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
_BLANK = frozenset(
    map(
        chr,
        [0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164, *range(0xFE00, 0xFE10), 0xFFA0],
    )
)
"""Characters that show nothing although their category says letter, mark or symbol."""

_LOG_COMMAND = re.compile(r"##(?=\w*\[)")


def printable(text: str) -> str:
    r"""Return `text` with every character that a terminal could act on, or that shows nothing, as `\xNN` or `\uNNNN`.

    Control characters, escape sequences, line breaks, bidirectional and zero-width characters, blanks other than the
    space, unassigned ones.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_code(char) if _hidden(char) else char for char in text)


def lines(text: str) -> str:
    """Return `text` with every line made `printable` and harmless in a CI log, and the line breaks kept."""
    return "\n".join(logged(printable(line)) for line in text.split("\n"))


def logged(line: str) -> str:
    r"""Return `line` so that no CI system takes it for a command: `::error::` at its start, `##[group]`, `##vso[`
    anywhere."""
    if line.lstrip().startswith("::"):
        line = line.replace("::", "\\x3a:", 1)
    return _LOG_COMMAND.sub(r"#\\x23", line)


def shortened(text: str, most: int) -> str:
    """Return `text` with at most `most` characters, the last one `…` when some were left out."""
    return text if len(text) <= most else text[: most - 1] + "…"


def code(text: str) -> str:
    r"""Return `text` as a Markdown code span, where nothing is a link, an image, a mention or HTML, nor ends a table
    cell.

    A `|` becomes `\x7c`, since a table would be cut there.
    """
    text = printable(text).replace("|", "\\x7c")
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    edge = " " if text[:1] in ("`", " ", "") or text[-1:] in ("`", " ") else ""
    return f"{fence}{edge}{text}{edge}{fence}"


def prose(text: str) -> str:
    """Return sentences as Markdown: `code` in them stays code, and so becomes each word that could be anything but a
    word."""
    parts = printable(text).split("`")
    if len(parts) % 2 == 0:
        return " ".join(map(_word, printable(text).split(" ")))
    return "".join(code(part) if number % 2 else _words(part) for number, part in enumerate(parts))


def _words(text: str) -> str:
    return " ".join(map(_word, text.split(" ")))


def _word(word: str) -> str:
    plain = re.fullmatch(r"[\w.,;:()'\"%=+?!/-]*", word) and "//" not in word and not re.search(r"www\.|__|^_|_$", word)
    return word if plain else code(word)


def command_data(text: str) -> str:
    """Return `text` as the message of a GitHub workflow command."""
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """Return `text` as the value of a property of a GitHub workflow command."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")


def message(text: str) -> str:
    r"""Return `text` as a SARIF message: `[`, `]` and `\` make no link, `{` and `}` no placeholder."""
    text = "\n".join(printable(line) for line in text.split("\n"))
    for char in "\\[]":
        text = text.replace(char, "\\" + char)
    return text.replace("{", "{{").replace("}", "}}")


def uri(path: str) -> str:
    """Return a relative path as a relative URI reference, from which unquoting gives `path` back.

    Each step is percent-encoded, `:` and backslash included. `.`, `..` and empty steps are encoded too, so that nobody
    resolves them; an empty first step (a leading slash) would make the path absolute.
    """
    steps = path.split("/")
    encoded = [_step(step) for step in steps]
    joined = encoded[0]
    for before, step, now in zip(steps, steps[1:], encoded[1:], strict=False):
        joined += ("%2F" if not before or not step else "/") + now
    return joined


def _step(step: str) -> str:
    if step == ".":
        return "%2E"
    return quote(step, safe="").replace("..", "%2E%2E")


def json_text(text: str) -> str:
    r"""Return a JSON text that means the same and has every hidden character as `\uNNNN`."""
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(char if char == "\n" or not _hidden(char) else _json_code(char) for char in text)


def _hidden(char: str) -> bool:
    if char == " ":
        return False
    return unicodedata.category(char) in _HIDDEN or char in _BLANK or 0xE0100 <= ord(char) < 0xE01F0


def _code(char: str) -> str:
    number = ord(char)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _json_code(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
