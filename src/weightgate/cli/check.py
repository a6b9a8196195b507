"""Decide stored findings documents: may the model enter the environment?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from weightgate import strict
from weightgate.cli import common, output
from weightgate.cli.artifacts import Artifacts, model_folders
from weightgate.engine.request import inputs
from weightgate.errors import UsageError


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
        # NOTE: sorted, so that the order of the arguments changes no byte of the output.
        named = sorted(_loaded(name) for name in args.findings)
        engine.submit(setup.environments, inputs([raw for _, raw, _ in named], evaluated_at))
        # NOTE: imported now, because OPA works meanwhile.
        from weightgate.engine.evaluate import Evidence, evaluate
        from weightgate.findings import read
        from weightgate.verdict import exit_code

        evidence = [Evidence(read(raw, _place(name)), raw) for _, raw, name in named]
        decisions = evaluate(engine, evidence, setup.environments, evaluated_at)
    documents = [item.document for item in evidence]
    report = output.report_of(args, decisions, documents, setup, tuple(name for *_, name in named))
    output.store(args, report, artifacts, model_folders(artifacts, [document.model.uri for document in documents]))
    output.show(args, report)
    return exit_code(decisions)


def _loaded(name: str) -> tuple[str, bytes, str]:
    """Return the model's uri, the document's canonical bytes and its name; whether it is a document is not known
    yet."""
    value = strict.loads(_bytes(name), _place(name))
    model = value.get("model") if isinstance(value, dict) else None
    uri = model.get("uri") if isinstance(model, dict) else None
    return str(uri), strict.canonical(value), name


def _place(name: str) -> str:
    return "standard input" if name == "-" else name


def _bytes(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as exc:
        raise UsageError(f"{name}: cannot be read: {exc.strerror}; expected a findings document") from exc
