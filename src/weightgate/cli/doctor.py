"""Say what is installed, which policy tree is used, and what is missing and how to get it."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass

from weightgate import __version__
from weightgate.cli import common
from weightgate.errors import WeightgateError
from weightgate.formats.text import Style


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at."""

    what: str
    state: str
    """`ok`, `missing` (not needed by everybody) or `broken`."""
    text: str


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    common.add_policy(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="what is printed on standard output")


def run(args: argparse.Namespace) -> int:
    """Print what was found; return 0 when models can be gated as things stand, else 3."""
    lines = [
        Line(
            "weightgate",
            "ok",
            f"{__version__} on Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        ),
        _looked("OPA", _opa),
        _looked("policy", lambda: _policy(args)),
        *_scanners(),
        *_extras(),
    ]
    ready = all(line.state != "broken" for line in lines) and any(
        line.state == "ok" and line.what.startswith("scanner ") for line in lines
    )
    if args.format == "json":
        import json

        value = {
            "ready": ready,
            "checks": [{"what": line.what, "state": line.state, "text": line.text} for line in lines],
        }
        print(json.dumps(value, indent=2))
    else:
        print(_text(lines, ready), end="")
    return 0 if ready else 3


def _text(lines: list[Line], ready: bool) -> str:
    style = Style.of(sys.stdout)
    width = max(len(line.what) for line in lines)
    colour = {"ok": "allow", "missing": "indeterminate", "broken": "deny"}
    shown = [
        f"{style.paint(f'{line.state:<7}', colour[line.state])}  {line.what:<{width}}  {line.text}" for line in lines
    ]
    end = "ready: `weightgate gate MODEL --all`" if ready else "not ready: see the lines above that are not ok"
    return "\n".join([*shown, "", end]) + "\n"


def _looked(what: str, look: Callable[[], str]) -> Line:
    try:
        return Line(what, "ok", look())
    except WeightgateError as exc:
        return Line(what, "broken", str(exc))


def _opa() -> str:
    from weightgate.engine import binary

    path, source = binary.present()
    return f"{binary.version_of(path)}, {path} (from {binary.SOURCES[source]})"


def _policy(args: argparse.Namespace) -> str:
    from weightgate.policy.tree import locate

    tree = locate(args.policy)
    names = tree.select([], every=True)
    _, digest = tree.load(names)
    return f"{tree.root.resolve()} ({tree.origin}), {digest}, environments {', '.join(names)}"


def _scanners() -> list[Line]:
    from weightgate.errors import ScannerNotInstalled
    from weightgate.scanners import installations
    from weightgate.scanners.registry import DEFAULT, LOCAL

    lines = []
    for name in LOCAL:
        if name == "sarif":
            continue
        try:
            found = installations.program(name)
            lines.append(Line(f"scanner {name}", "ok", f"{found.version}, {found.path}"))
        except ScannerNotInstalled as exc:
            needed = " (the default scanner)" if name == DEFAULT else ""
            lines.append(Line(f"scanner {name}", "missing", f"{exc}{needed}"))
        except WeightgateError as exc:
            lines.append(Line(f"scanner {name}", "broken", str(exc)))
    return lines


def _extras() -> list[Line]:
    from importlib.util import find_spec

    lines = []
    for extra, module, use in (
        ("remote", "opa_client", "--engine remote"),
        ("prisma", "httpx", "--scanner prisma-airs"),
    ):
        here = find_spec(module) is not None
        text = f"installed, for {use}" if here else f"`pip install 'weightgate[{extra}]'` if you want {use}"
        lines.append(Line(f"extra {extra}", "ok" if here else "missing", text))
    return lines
