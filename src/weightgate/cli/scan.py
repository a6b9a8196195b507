"""Scan a model and write its findings document."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from weightgate import findings
from weightgate.cli import scanning
from weightgate.cli.artifacts import write_whole
from weightgate.errors import UsageError
from weightgate.scanners.registry import SERVICE
from weightgate.scanning import Interrupted
from weightgate.verdict import NO_DECISION


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", metavar="MODEL", nargs="?", help=scanning.MODEL_HELP + "; not needed with --resume")
    scanning.add_scanners(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write the document here (default: standard output)"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress")


def run(args: argparse.Namespace) -> int:
    """Write the findings document; return 0, or 3 when a scanner failed (the document then says so)."""
    if args.output is not None:
        args.output.unlink(missing_ok=True)
    scanning.check_options(args)
    model, groups = _subject(args)
    try:
        scanned = scanning.scan_model(args, model, groups)
    except Interrupted as exc:
        if args.output is not None:
            write_document(exc.scanned[0].document, args.output)
        scanning.report_failures(exc.scanned)
        raise
    write_document(scanned[0].document, args.output)
    return NO_DECISION if scanning.report_failures(scanned) else 0


def _subject(args: argparse.Namespace) -> tuple[str, list[str]]:
    """Return the model and the security groups; of a scan to resume the service knows what is not given."""
    service = SERVICE in (args.scanner or [])
    if args.model is None and args.resume is None:
        raise UsageError("name a MODEL: a directory, a file or an address")
    if not service:
        return args.model, []
    from weightgate.scanners.prisma_airs import PrismaAirs, uuid_of

    group = None if args.security_group_id is None else uuid_of(args.security_group_id, "--security-group-id")
    if args.resume is None and group is None:
        raise UsageError(f"--scanner {SERVICE} needs the rules to scan by: pass --security-group-id UUID")
    model: str | None = args.model
    if model is not None:
        scanning.check_model(model)
    if args.resume is not None and (model is None or group is None):
        reference, used = PrismaAirs().subject_of(args.resume)
        model, group = model or reference.given, group or used
    return str(model), [str(group)]


def write_document(document: findings.FindingsDocument, output: Path | None) -> None:
    """Write the canonical bytes of `document` to the file `output`, or with a newline to standard output."""
    raw = findings.write(document)
    if output is None:
        sys.stdout.buffer.write(raw + b"\n")
    else:
        write_whole(output, raw)
