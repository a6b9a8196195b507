"""List, install and remove the local scanners, each in an isolated environment of its own."""

from __future__ import annotations

import argparse
import json
import sys

from weightgate.errors import ScannerNotInstalled
from weightgate.scanners import installations


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|install|remove")
    listing = actions.add_parser("list", help="show each scanner, its version and where it is")
    listing.add_argument("--format", choices=("text", "json"), default="text")
    names = tuple(installations.SPECIFICATIONS)
    installing = actions.add_parser("install", help="install scanners into the user's cache, by version and hash")
    installing.add_argument("names", nargs="+", metavar="NAME", help=f"one of {', '.join(names)}")
    installing.add_argument(
        "--python", metavar="PATH", help="interpreter to build with (default: the running one, or one on PATH)"
    )
    removing = actions.add_parser("remove", help="delete what was installed")
    removing.add_argument("names", nargs="+", metavar="NAME", help=f"one of {', '.join(names)}")


def run(args: argparse.Namespace) -> int:
    """Do what was asked and return 0; `WeightgateError` tells what could not be done."""
    if args.action == "list":
        _list(args.format)
        return 0
    for name in args.names:
        installations.specification(name)
    for name in args.names:
        if args.action == "install":
            program = installations.install(name, python=args.python, report=_report)
            print(f"{name} {program.version} {program.path}")
        else:
            print(f"{name} removed" if installations.remove(name) else f"{name} was not installed")
    return 0


def _report(line: str) -> None:
    print(f"weightgate: {line}", file=sys.stderr, flush=True)


def _list(form: str) -> None:
    rows = [_row(name) for name in installations.SPECIFICATIONS]
    rows += [_entry(name, status=status) for name, status in installations.WITHOUT_PROGRAM.items()]
    if form == "json":
        print(json.dumps({"scanners": rows}, indent=2))
        return
    table = [("NAME", "VERSION", "STATUS", "WHERE")]
    table += [(str(row["name"]), row["version"] or "-", str(row["status"]), row["path"] or "-") for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def _row(name: str) -> dict[str, str | None]:
    import os

    variable = installations.variable(name)
    named = os.environ.get(variable)
    try:
        program = installations.program(name)
    except ScannerNotInstalled:
        return _entry(name, status=f"named by {variable}, but not a program", path=named) if named else _entry(name)
    status = f"named by {variable}" if named else "installed"
    return _entry(name, status=status, version=program.version, path=str(program.path))


def _entry(
    name: str, *, status: str = "not installed", version: str | None = None, path: str | None = None
) -> dict[str, str | None]:
    return {"name": name, "version": version, "status": status, "path": path}
