"""Write an emergency grant: for some hours, one model may enter one environment although rules refuse it.

It names the rules that refuse the model now, and is tried on a copy of the policy tree first. It never makes up for a
scan that is missing, failed or incomplete, nor for a scanner that says that the model is unsafe. Every output of a
decision that uses it says so.

Exit codes: 0 written, 2 refused or wrong usage, 3 the policy tree or OPA could not be used. Nothing is written then.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from weightgate.cli import common
from weightgate.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--env", required=True, metavar="ENV", help="the environment to open")
    parser.add_argument(
        "--findings", required=True, type=Path, metavar="FILE", help="the findings document of the model"
    )
    parser.add_argument("--id", required=True, metavar="BG-…", help="the new grant's own id")
    parser.add_argument("--owner", required=True, metavar="PERSON", help="who asks for it")
    parser.add_argument("--approver", required=True, metavar="PERSON", help="who approves it; never the owner")
    parser.add_argument("--reason", required=True, metavar="WORDS", help="what the emergency is")
    parser.add_argument("--ticket", required=True, metavar="TICKET", help="where it is tracked")
    parser.add_argument("--hours", required=True, type=int, metavar="N", help="how long it lasts")
    common.add_policy(parser)
    parser.add_argument("--at", metavar="TIME", help="it begins at this RFC 3339 time, not now")


def run(args: argparse.Namespace) -> int:
    """Write the grant; return the exit code."""
    from weightgate.formats.escape import lines
    from weightgate.policy import corpus
    from weightgate.policy.ledger.granting import Wish, grant

    created = common.moment(args.at)
    tree = common.own_tree(args.policy)
    tree.select([args.env], False)
    evidence = corpus.load_all([args.findings])
    if len(evidence) != 1 or args.findings.is_dir():
        raise UsageError(f"{args.findings}: expected one findings document")
    wish = Wish(args.env, args.id, args.owner, args.approver, args.reason, args.ticket, created, args.hours)
    made = grant(tree, evidence[0], wish)
    model = evidence[0].document.model.uri
    print(
        lines(
            f"{made.path}:{made.line}: BREAK-GLASS {args.id} lets {model} into {args.env} until {made.expires}, "
            f"against {', '.join(made.rules)}"
        )
    )
    print(
        "weightgate: this opens no gate by itself; the pull request that merges it does, once it is reviewed. "
        "Remove the grant when the emergency is over.",
        file=sys.stderr,
    )
    return 0
