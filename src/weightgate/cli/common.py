"""What several commands share: their options, the policy tree and the engine that they use."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from weightgate import strict
from weightgate.clock import now
from weightgate.errors import UsageError
from weightgate.policy.tree import SHIPPED, PolicyTree, locate

if TYPE_CHECKING:
    from weightgate.engine.exec import ExecEngine
    from weightgate.engine.remote import RemoteEngine


class Setup(NamedTuple):
    """The tree and the environments that a command was asked to use."""

    tree: PolicyTree
    environments: list[str]


def add_environments(parser: argparse.ArgumentParser) -> None:
    """Declare `--env` and `--all`."""
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument(
        "--env", action="append", default=[], metavar="ENV", help="decide for this environment; repeatable"
    )
    group.add_argument("--all", action="store_true", help="decide for every environment of the policy tree")


def add_policy(parser: argparse.ArgumentParser) -> None:
    """Declare `--policy`."""
    parser.add_argument(
        "--policy", type=Path, metavar="DIR", help="the policy tree: a directory with policies/ and environments/"
    )


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Declare `--engine` and `--opa-url`."""
    parser.add_argument("--engine", choices=("exec", "remote"), default=os.environ.get("WEIGHTGATE_ENGINE", "exec"))
    parser.add_argument(
        "--opa-url", metavar="URL", help="the OPA server of `--engine remote` (default: WEIGHTGATE_OPA_URL)"
    )


def moment(text: str | None) -> str:
    """Return the RFC 3339 time in UTC that `text` names, or the time now; raises `UsageError`."""
    if text is None:
        return now()
    from datetime import UTC, datetime

    from weightgate.errors import InvalidDocument
    from weightgate.policy.permissions import moment as read_moment

    try:
        read_moment(text, "--at")
    except InvalidDocument as exc:
        raise UsageError(f"--at: {exc.problem}") from None
    given = datetime.fromisoformat(text)
    given = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    stamp = given.strftime("%Y-%m-%dT%H:%M:%SZ")
    print(f"weightgate: decided as of {stamp}, which is not the time now", file=sys.stderr)
    return stamp


def own_tree(named: Path | None) -> PolicyTree:
    """Return the policy tree to write to; raises `UsageError` for the one that ships with weightgate."""
    tree = locate(named)
    if tree.origin == SHIPPED:
        raise UsageError(
            "the tree that ships with weightgate is not written to; "
            "run this in your policy repository, or name it with --policy (`weightgate init` makes one)"
        )
    return tree


def policy_setup(args: argparse.Namespace) -> Setup:
    """Return the policy tree and the environments that `args` name."""
    tree = locate(args.policy)
    return Setup(tree, tree.select(args.env, args.all))


def engine(args: argparse.Namespace, setup: Setup) -> ExecEngine | RemoteEngine:
    """Return the engine that `args` name, started, as a context manager."""
    if args.engine == "remote":
        from weightgate.engine.remote import RemoteEngine

        return RemoteEngine(_opa_url(args))
    if args.engine != "exec":
        raise UsageError(f"unknown engine {strict.show(args.engine)}; expected exec or remote")
    if args.opa_url:
        raise UsageError("--opa-url is for --engine remote")
    from weightgate.engine.exec import ExecEngine

    return ExecEngine(setup.tree)


def _opa_url(args: argparse.Namespace) -> str:
    url: str | None = args.opa_url or os.environ.get("WEIGHTGATE_OPA_URL")
    if not url:
        raise UsageError(
            "--engine remote needs --opa-url or WEIGHTGATE_OPA_URL, for example --opa-url https://opa.example.org:8181"
        )
    return url


def tree_label(args: argparse.Namespace, setup: Setup) -> str:
    """Return the name of what decided, as reports show it: the policy tree's directory, or the address of the
    server."""
    return _opa_url(args) if args.engine == "remote" else f"{setup.tree.root} ({setup.tree.origin})"
