"""How decisions are shown and stored: `--format`, `--out`, `-q` and `-v`."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from weightgate.cli import common
from weightgate.cli.artifacts import DECISION, Artifacts
from weightgate.errors import UsageError, WeightgateError
from weightgate.formats import escape, registry

if TYPE_CHECKING:
    from weightgate.decision import Decision
    from weightgate.findings import FindingsDocument
    from weightgate.formats.interface import Format, Report
    from weightgate.policy.rules import Rule


def add_output(parser: argparse.ArgumentParser, written: str) -> None:
    """Declare `--format`, `--out`, `-q` and `-v`; `written` says what `--out` writes beside the formats."""
    parser.add_argument(
        "--format",
        action="append",
        choices=tuple(registry.HOMES),
        help="what is printed (default: text); repeatable with --out: each is written, the first is printed",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"write {written} and the asked formats there")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing but refusals and errors")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="print more; repeatable")


def check_output(args: argparse.Namespace) -> None:
    """Raise `UsageError` when several formats are asked for and there is no place for them."""
    asked = args.format or []
    if len(set(asked)) != len(asked):
        raise UsageError("a format is named twice; name each once")
    if len(asked) > 1 and args.out is None:
        raise UsageError(f"{' and '.join(asked)}: several formats need --out DIR, as only one can be printed")


def report_of(
    args: argparse.Namespace,
    decisions: tuple[Decision, ...],
    documents: list[FindingsDocument],
    setup: common.Setup,
    stored: tuple[str, ...] = (),
) -> Report:
    """Return what the formats show; `stored` are the documents' files."""
    from weightgate.formats.interface import Report

    @functools.cache
    def rules() -> Mapping[str, Rule]:
        from weightgate.policy.rules import annotated

        try:
            return annotated(setup.tree)
        except WeightgateError as exc:
            # NOTE: the decision stands without its rules' titles and advice, and has to be shown.
            print(escape.lines(f"weightgate: the rules' descriptions are left out: {exc}"), file=sys.stderr)
            return {}

    return Report(decisions, tuple(documents), rules, common.tree_label(args, setup), stored)


def store(args: argparse.Namespace, report: Report, artifacts: Artifacts, folders: list[Artifacts]) -> None:
    """Write `decision.json` and the asked formats: each model's to its folder, and for several the whole to
    `artifacts`.

    Raises `UsageError` when a file cannot be written.
    """
    places = [(folder, report.of_model(number)) for number, folder in enumerate(folders)]
    if len(folders) > 1:
        places.append((artifacts, report))
    names = ["json", *(name for name in args.format or [] if name != "json")]
    for name in names if artifacts.folder is not None else []:
        made = _format(args, name)
        for folder, part in places:
            folder.write(made.file_name, made.render(part).encode())
    for name in names:
        decision = None if artifacts.folder is None else artifacts.folder / DECISION
        registry.load(name).publish(report, decision)


def show(args: argparse.Namespace, report: Report) -> None:
    """Print the report in the first format that was asked for, else as text; a break-glass grant that was used also on
    standard error."""
    from weightgate.formats import break_glass

    name = (args.format or ["text"])[0]
    for told in break_glass.told(report.decisions):
        print(escape.lines(f"weightgate: {told}"), file=sys.stderr)
    if name == "text":
        from weightgate.formats.text import Style, TextFormat

        text = TextFormat(Style.of(sys.stdout), args.quiet, args.verbose).render(report)
    else:
        text = _format(args, name).render(report)
    sys.stdout.write(text)
    sys.stdout.flush()


def _format(args: argparse.Namespace, name: str) -> Format:
    if name == "text":
        from weightgate.formats.text import TextFormat

        return TextFormat(verbose=args.verbose)
    return registry.load(name)
