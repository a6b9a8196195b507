"""Show or provide the OPA program that weightgate runs."""

from __future__ import annotations

import argparse
import os
import sys

from weightgate.engine import binary

HELP = f"""\
where OPA comes from, in this order:
  1. WEIGHTGATE_OPA, the path of a program; taken as it is, and an error if it is none
  2. the user's cache, at the pinned version {binary.PINNED}
  3. opa on PATH, if its version is supported: {binary.SUPPORTED_TEXT}
  4. provided into the cache: the official release, run only after its published SHA-256 was verified (a mirror can be
     named in WEIGHTGATE_OPA_BASE_URL; HTTPS_PROXY is honoured), else built by `go install`, checked by Go's checksum
     database. A line on stderr says what is fetched and from where.

exit codes: 0 done, 2 wrong usage, 3 there is no usable OPA"""

ACTIONS = {
    "path": "print the path of the OPA program that is used; fetches nothing",
    "version": "print its version, where it was found, and its path; fetches nothing",
    "install": f"provide OPA {binary.PINNED} in the user's cache, unless it is there",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = HELP
    actions = parser.add_subparsers(dest="action", metavar="path|version|install", required=True)
    for name, text in ACTIONS.items():
        actions.add_parser(name, help=text, description=text.capitalize() + ".", allow_abbrev=False)


def run(args: argparse.Namespace) -> int:
    """Do the action and return 0; `EngineError` if there is no usable OPA."""
    if args.action == "path":
        print(binary.find(provision=False))
    elif args.action == "version":
        _version()
    else:
        _install()
    return 0


def _version() -> None:
    path, source = binary.present()
    version = binary.version_of(path)
    print(f"{version} (from {binary.SOURCES[source]}: {path})")
    if not binary.is_supported(version):
        print(f"weightgate: OPA {version} is not supported; expected {binary.SUPPORTED_TEXT}", file=sys.stderr)


def _install() -> None:
    place = binary.cached()
    if binary.is_program(place):
        print(f"OPA {binary.PINNED} is already there: {place}")
    else:
        from weightgate.engine.provision import install

        print(f"OPA {binary.PINNED} installed: {install()}")
    named = os.environ.get("WEIGHTGATE_OPA")
    if named:
        print(f"weightgate: WEIGHTGATE_OPA is set, so {named} is used instead", file=sys.stderr)
