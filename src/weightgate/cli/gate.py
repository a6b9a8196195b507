"""Scan models and decide whether they may enter environments: the CI job."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from weightgate import findings
from weightgate.cli import common, output, scanning
from weightgate.cli.artifacts import DECISION, FINDINGS, RAW, Artifacts, model_folders, raw_reports
from weightgate.clock import now
from weightgate.engine.evaluate import Evidence, evaluate
from weightgate.errors import UsageError, WeightgateError
from weightgate.formats import json as json_format
from weightgate.formats.interface import Report
from weightgate.scanning import Interrupted, Scanned
from weightgate.verdict import NO_DECISION, exit_code, worst

_SEVERAL = ("text", "json", "github", "markdown")
"""Formats of which several can stand one after the other on standard output (JSON becomes one document)."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("models", nargs="+", metavar="MODEL", help=scanning.MODEL_HELP)
    common.add_environments(parser)
    scanning.add_scanners(parser)
    common.add_policy(parser)
    common.add_engine(parser)
    output.add_output(parser, f"{RAW}, {FINDINGS} and {DECISION} (in any case)")


def run(args: argparse.Namespace) -> int:
    """Print one decision for each model and environment; return the exit code."""
    if len(set(args.models)) != len(args.models):
        raise UsageError("a model is named twice; name each once")
    if args.resume is not None and len(args.models) > 1:
        raise UsageError("--resume is for one model; name the one whose scan it is")
    output.check_output(args)
    scanning.check_options(args)
    setup = common.policy_setup(args)
    for model in args.models:
        scanning.check_model(model)
        if "://" not in model:
            _check_outside(setup.tree.root, Path(model))
    parts = scanning.parts(args, setup)
    _check_printed(args, parts)
    artifacts = Artifacts(args.out)
    tops = _part_folders(artifacts, parts)
    folders = [model_folders(top, args.models) for top in tops]
    try:
        scanned = [
            _scan(args, model, parts, [each[number] for each in folders]) for number, model in enumerate(args.models)
        ]
        reports = _decide(args, setup, parts, scanned, folders)
        _tell(args, reports, artifacts, tops, folders)
    except Interrupted as exc:
        messages = scanning.report_failures(exc.scanned)
        artifacts.error("KeyboardInterrupt", "; ".join(messages) or "interrupted", scanning.unfinished(exc.scanned))
        raise
    except WeightgateError as exc:
        artifacts.error(type(exc).__name__, str(exc))
        raise
    except BaseException as exc:
        artifacts.error(type(exc).__name__, "the run was ended before there was a decision")
        raise
    every = [item for of_model in scanned for item in of_model]
    messages = scanning.report_failures(every)
    resumable = scanning.unfinished(every)
    if resumable:
        artifacts.error("ScannerError", "; ".join(messages), resumable)
    code = exit_code([decision for report in reports for decision in report.decisions])
    return worst([code, NO_DECISION]) if messages else code


def _scan(
    args: argparse.Namespace, model: str, parts: tuple[scanning.Part, ...], folders: list[Artifacts]
) -> tuple[Scanned, ...]:
    """Scan one model and store what each part's scans said to its folder of `folders`."""
    try:
        scanned = scanning.scan_model(args, model, [part.group for part in parts if part.group is not None])
    except Interrupted as exc:
        _store(exc.scanned, folders)
        raise
    _store(scanned, folders)
    return scanned


def _store(scanned: tuple[Scanned, ...], folders: list[Artifacts]) -> None:
    for item, folder in zip(scanned, folders, strict=True):
        raw = raw_reports(item.attempts)
        if raw is not None:
            folder.write(RAW, raw)
        folder.write(FINDINGS, findings.write(item.document))


def _decide(
    args: argparse.Namespace,
    setup: common.Setup,
    parts: tuple[scanning.Part, ...],
    scanned: list[tuple[Scanned, ...]],
    folders: list[list[Artifacts]],
) -> list[Report]:
    """Return one report for each part: all models, each decided for the part's environments."""
    decided_at = now()
    reports: list[Report] = []
    for number, part in enumerate(parts):
        documents = [of_model[number].document for of_model in scanned]
        evidence = [Evidence.of(document) for document in documents]
        with common.engine(args, setup) as engine:
            decisions = evaluate(engine, evidence, list(part.environments), decided_at)
        places = tuple(str(folder.folder / FINDINGS) for folder in folders[number] if folder.folder)
        reports.append(output.report_of(args, decisions, documents, setup, places))
    return reports


def _tell(
    args: argparse.Namespace,
    reports: list[Report],
    artifacts: Artifacts,
    tops: list[Artifacts],
    folders: list[list[Artifacts]],
) -> None:
    """Store and print the reports."""
    # NOTE: the worst comes last, since of two outputs with one name a CI system takes the last.
    order = ["allow", "indeterminate", "deny"]
    for number, report in sorted(enumerate(reports), key=lambda item: order.index(item[1].verdict)):
        output.store(args, report, tops[number], folders[number])
    if len(reports) > 1:
        every = json_format.render(tuple(decision for report in reports for decision in report.decisions))
        artifacts.write(DECISION, every.encode())
        if _printed(args) == "json":
            sys.stdout.write(every)
            sys.stdout.flush()
            return
    for report in reports:
        output.show(args, report)


def _part_folders(artifacts: Artifacts, parts: tuple[scanning.Part, ...]) -> list[Artifacts]:
    """Return where the artifacts of each part go: the directory itself for one, else one below it for each."""
    if len(parts) == 1:
        return [artifacts]
    return [artifacts.below(f"{number:02}-{'+'.join(part.environments)}"[:64]) for number, part in enumerate(parts, 1)]


def _printed(args: argparse.Namespace) -> str:
    return str((args.format or ["text"])[0])


def _check_printed(args: argparse.Namespace, parts: tuple[scanning.Part, ...]) -> None:
    """Raise `UsageError` for a format that is one whole document when several reports are to be printed."""
    if len(parts) > 1 and _printed(args) not in _SEVERAL:
        raise UsageError(
            f"these environments use {len(parts)} security groups, and {_printed(args)} has room for one report; "
            f"print one of {', '.join(_SEVERAL)} (--format text --format {_printed(args)} --out DIR writes one each)"
        )


def _check_outside(tree: Path, model: Path) -> None:
    """Raise `UsageError` when the policy tree lies in the model: a model must not bring its own exceptions."""
    if tree.resolve() == model.resolve() or model.resolve() in tree.resolve().parents:
        raise UsageError(
            f"{model}: the policy tree {tree.resolve()} lies inside the model, which could then excuse itself; "
            "name another tree with --policy"
        )
