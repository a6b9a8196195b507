"""Work with Prisma AIRS: check the access to it, and install the vendor's SDK from its private index."""

from __future__ import annotations

import argparse
import sys

from weightgate.formats import escape

HELP = """\
the credentials are MODEL_SECURITY_CLIENT_ID, MODEL_SECURITY_CLIENT_SECRET and TSG_ID in the environment, with
MODEL_SECURITY_API_ENDPOINT and MODEL_SECURITY_TOKEN_ENDPOINT for other endpoints than the vendor's

exit codes: 0 done, 2 wrong usage, 3 the service or an installation failed"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = HELP
    actions = parser.add_subparsers(dest="action", metavar="index-url|install-sdk|ping", required=True)
    text = "print the address of the private package index, a secret for about an hour, and nothing else"
    actions.add_parser("index-url", help=text, description=text.capitalize() + ".", allow_abbrev=False)
    text = "install the vendor's SDK from the private index into an environment of its own"
    sdk = actions.add_parser("install-sdk", help=text, description=text.capitalize() + ".", allow_abbrev=False)
    sdk.add_argument("--version", metavar="V", help="the version (default: the newest)")
    sdk.add_argument("--extras", metavar="NAMES", default="", help="aws, gcp, azure, artifactory, gitlab or all")
    sdk.add_argument("--python", metavar="PATH", help="interpreter to build with, Python 3.11 to 3.13")
    text = "check the credentials, their permissions and a security group, and say which is wrong"
    ping = actions.add_parser("ping", help=text, description=text.capitalize() + ".", allow_abbrev=False)
    ping.add_argument("--security-group-id", metavar="UUID", help="also check this security group and its rules")


def run(args: argparse.Namespace) -> int:
    """Do the action; return 0, or 3 when `ping` found something wrong."""
    if args.action == "ping":
        return _ping(args.security_group_id)
    from weightgate.scanners.prisma_airs import index

    if args.action == "index-url":
        print(index.index_url().reveal())
        return 0
    version = index.install(version=args.version, extras=args.extras, python=args.python, report=_report)
    print(f"{index.SDK} {version} {index.folder()}")
    return 0


def _report(line: str) -> None:
    print(f"weightgate: {line}", file=sys.stderr, flush=True)


def _ping(group: str | None) -> int:
    from weightgate.scanners.prisma_airs import ping, uuid_of

    checks = ping.ping(None if group is None else uuid_of(group, "--security-group-id"))
    width = max(len(check.what) for check in checks)
    for check in checks:
        print(escape.lines(f"{check.state:<7}  {check.what:<{width}}  {check.text}"))
    return 3 if any(check.state == "failed" for check in checks) else 0
