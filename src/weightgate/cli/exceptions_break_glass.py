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
from weightgate.cli.exceptions import add_permission, one_document


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--env", required=True, metavar="ENV", help="the environment to open")
    parser.add_argument(
        "--findings", required=True, type=Path, metavar="FILE", help="the findings document of the model"
    )
    add_permission(parser, "BG", "who asks for it", "what the emergency is")
    parser.add_argument("--hours", required=True, type=int, metavar="N", help="how long it lasts")


def run(args: argparse.Namespace) -> int:
    """Write the grant; return the exit code."""
    from weightgate.formats.escape import lines
    from weightgate.policy.ledger.granting import Wish, grant

    created = common.moment(args.at)
    tree = common.own_tree(args.policy)
    tree.select([args.env], False)
    evidence = one_document(args.findings)
    wish = Wish(args.env, args.id, args.owner, args.approver, args.reason, args.ticket, created, args.hours)
    made = grant(tree, evidence, wish)
    model = evidence.document.model.uri
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
