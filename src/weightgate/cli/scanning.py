"""What the commands share that scan models."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from weightgate.cli import common
from weightgate.cli.progress import ProgressLine
from weightgate.errors import UsageError
from weightgate.formats import escape
from weightgate.scanners.interface import Limits
from weightgate.scanners.registry import DEFAULT, NAMES, SERVICE
from weightgate.scanning import Remote, Scanned, scan_each

MODEL_HELP = "a model's directory or file, or an address such as https://huggingface.co/ORG/NAME/tree/COMMIT"


@dataclass(frozen=True, slots=True)
class Part:
    """Environments that are decided by the same scans."""

    group: str | None
    """The security group whose rules Prisma AIRS uses; `None` when it does not scan."""
    environments: tuple[str, ...]


def add_scanners(parser: argparse.ArgumentParser) -> None:
    """Declare `--scanner`, its limits, and the options of scans of remote models."""
    runnable = [name for name in NAMES if name != "sarif"]
    parser.add_argument(
        "--scanner",
        action="append",
        metavar="S",
        help=f"scan with S; repeatable, several run side by side; one of {', '.join(runnable)} (default: {DEFAULT})",
    )
    parser.add_argument(
        "--timeout", type=_positive, default=1800.0, metavar="SECONDS", help="for each scanner (default: 1800)"
    )
    parser.add_argument("--memory", type=_positive, default=8.0, metavar="GIB", help="for each scanner (default: 8)")
    parser.add_argument(
        "--max-download",
        type=_positive,
        default=20.0,
        metavar="GIB",
        help="largest model to fetch (default: 20)",
    )
    service = parser.add_argument_group(f"with --scanner {SERVICE}")
    service.add_argument(
        "--security-group-id",
        metavar="UUID",
        help="the rules to scan by (default: the environment's scanners.prisma-airs.security_group_id)",
    )
    service.add_argument(
        "--poll-interval", type=_positive, default=5.0, metavar="SECONDS", help="between two looks (default: 5)"
    )
    service.add_argument("--resume", metavar="SCAN_ID", help="wait for this scan of an earlier run, create none")
    service.add_argument(
        "--prisma-client",
        choices=("rest", "sdk"),
        help="REST, or the vendor's SDK (default: rest for models on Hugging Face, sdk for all others)",
    )


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a number above 0")
    return number


def check_options(args: argparse.Namespace) -> None:
    """Raise `UsageError` for options of the scan service when it does not scan."""
    if SERVICE in (args.scanner or []):
        return
    for name in ("security_group_id", "resume", "prisma_client"):
        if getattr(args, name) is not None:
            raise UsageError(f"--{name.replace('_', '-')} is for --scanner {SERVICE}")


def parts(args: argparse.Namespace, setup: common.Setup) -> tuple[Part, ...]:
    """Return the environments of `setup` by the security group that their scans use: one group, one scan.

    Raises `UsageError` for an environment that has none, when the scan service is to scan and none is given.
    """
    names = tuple(setup.environments)
    if SERVICE not in (args.scanner or []):
        return (Part(None, names),)
    from weightgate.scanners.prisma_airs import uuid_of

    if args.security_group_id is not None:
        return (Part(uuid_of(args.security_group_id, "--security-group-id"), names),)
    environments, _ = setup.tree.load(list(names))
    groups: dict[str, list[str]] = {}
    for name in names:
        group = environments[name].settings.scanners.security_group_id
        if group is None:
            raise UsageError(
                f"environment {name} has no security group for {SERVICE}: pass --security-group-id UUID, or set "
                f"scanners.prisma-airs.security_group_id in {setup.tree.root}/environments/{name}/data.yaml"
            )
        groups.setdefault(group, []).append(name)
    return tuple(Part(group, tuple(found)) for group, found in groups.items())


def scan_model(args: argparse.Namespace, model: str, groups: Sequence[str]) -> tuple[Scanned, ...]:
    """Scan `model` as `args` say, once with each of `groups` (none: without the service), with progress on a terminal.

    Raises what `scan_each` raises, and `UsageError` for a model by http.
    """
    check_model(model)
    limits = Limits(seconds=args.timeout, memory_bytes=int(args.memory * 1024**3))
    remote = Remote(
        groups=tuple(groups),
        poll_interval=args.poll_interval,
        resume=args.resume,
        client=args.prisma_client,
        max_download=int(args.max_download * 1024**3),
    )
    with ProgressLine(model, args.quiet) as progress:
        return scan_each(model, args.scanner or [DEFAULT], limits, progress, remote)


def check_model(model: str) -> None:
    """Raise `UsageError` for an address that is no model, before anything is done."""
    if model.lower().startswith("http://"):
        raise UsageError(f"{model}: models are fetched by https only; http can be changed on the way")
    if "://" in model:
        from weightgate.scanners.prisma_airs.references import parse

        parse(model)


def unfinished(scanned: Sequence[Scanned]) -> list[dict[str, str | None]]:
    """Return scanner, id and state of every scan in a service that did not end, each once."""
    from weightgate.scanners.prisma_airs.scan import Unfinished

    found = [
        {"scanner": attempt.scanner, "id": attempt.error.scan_id, "state": attempt.error.state}
        for item in scanned
        for attempt in item.attempts
        if isinstance(attempt.error, Unfinished)
    ]
    return found


def report_failures(scanned: Sequence[Scanned]) -> list[str]:
    """Say on standard error why scanners failed; return the messages, each once."""
    failures = [
        f"{attempt.scanner}: {attempt.error}"
        for item in scanned
        for attempt in item.attempts
        if attempt.error is not None
    ]
    messages = list(dict.fromkeys(failures))
    for message in messages:
        print(escape.lines(f"weightgate: {message}"), file=sys.stderr)
    return messages
