"""Explain a decision: what each rule saw, which exceptions were considered, and what would let the model pass.

Exit codes are those of `weightgate check`: 0 allow, 1 deny, 2 wrong usage, 3 no decision, 4 indeterminate.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from weightgate.cli import common
from weightgate.engine.evaluate import Evidence
from weightgate.errors import UsageError
from weightgate.findings import read


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("findings", metavar="FINDINGS", help="a findings document; `-` reads standard input")
    parser.add_argument("--env", required=True, metavar="ENV", help="the environment to explain")
    common.add_policy(parser)
    parser.add_argument("--at", metavar="TIME", help="decide as of this RFC 3339 time, not now")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="what is printed on standard output")


def run(args: argparse.Namespace) -> int:
    """Print the explanation; return the decision's exit code."""
    from weightgate.explain import explain, report
    from weightgate.formats.escape import json_text
    from weightgate.policy.tree import locate
    from weightgate.verdict import exit_code

    tree = locate(args.policy)
    tree.select([args.env], False)
    stored = None if args.findings == "-" else args.findings
    explanation = explain(tree, _evidence(args.findings), args.env, common.moment(args.at), stored)
    if args.format == "json":
        print(json_text(json.dumps(report.json_value(explanation), indent=2, ensure_ascii=False)))
    else:
        sys.stdout.write(report.text(explanation))
    return exit_code((explanation.decision,))


def _evidence(name: str) -> Evidence:
    if name == "-":
        return Evidence.of(read(sys.stdin.buffer.read(), "standard input"))
    try:
        return Evidence.of(read(Path(name).read_bytes(), name))
    except OSError as exc:
        raise UsageError(f"{name}: cannot be read: {exc.strerror}; expected a findings document") from exc
