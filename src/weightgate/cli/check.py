"""Decide stored findings documents: may the model enter the environment?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from weightgate.cli import common, output
from weightgate.cli.artifacts import Artifacts, model_folders
from weightgate.engine.evaluate import Evidence, evaluate
from weightgate.errors import UsageError
from weightgate.findings import read
from weightgate.verdict import exit_code


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("findings", nargs="+", metavar="FINDINGS", help="a findings document; `-` reads standard input")
    common.add_environments(parser)
    common.add_policy(parser)
    common.add_engine(parser)
    output.add_output(parser, "decision.json")
    parser.add_argument(
        "--at", metavar="TIME", help="decide as of this RFC 3339 time, not now (replays; never in a gate)"
    )


def run(args: argparse.Namespace) -> int:
    """Print one decision for each document and environment; return the exit code."""
    if len(args.findings) != len(set(args.findings)):
        raise UsageError("a findings document is named twice; name each once")
    output.check_output(args)
    evaluated_at = common.moment(args.at)
    setup = common.policy_setup(args)
    artifacts = Artifacts(args.out)
    with common.engine(args, setup) as engine:
        named = sorted(((name, _evidence(name)) for name in args.findings), key=lambda item: _place(item[1]))
        decisions = evaluate(engine, [item for _, item in named], setup.environments, evaluated_at)
    documents = [item.document for _, item in named]
    report = output.report_of(args, decisions, documents, setup, tuple(name for name, _ in named))
    output.store(args, report, artifacts, model_folders(artifacts, [document.model.uri for document in documents]))
    output.show(args, report)
    return exit_code(decisions)


def _evidence(name: str) -> Evidence:
    return Evidence.of(read(_bytes(name), "standard input" if name == "-" else name))


def _place(evidence: Evidence) -> tuple[str, bytes]:
    """Return what the output is sorted by, so that the order of the arguments changes no byte of it."""
    return evidence.document.model.uri, evidence.raw


def _bytes(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as exc:
        raise UsageError(f"{name}: cannot be read: {exc.strerror}; expected a findings document") from exc
