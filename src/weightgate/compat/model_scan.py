"""The arguments of the pipeline's `model_scan.py`, decided by weightgate: `python -m weightgate.compat.model_scan`.

`--fail-on-severity` can only add to what the environment's policy refuses; nothing here makes a refusal pass.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO")
RAW = "model-scan-report.json"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\ntry `{self.prog} --help`\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    made = _Parser(
        prog="python -m weightgate.compat.model_scan",
        description="Scan a model with Prisma AIRS and decide it; takes the place of the pipeline's model_scan.py.",
        epilog="exit codes: 0 allowed, 1 refused, 2 wrong usage, 3 no decision, 4 evidence is missing",
        allow_abbrev=False,
    )
    model = made.add_mutually_exclusive_group(required=True)
    model.add_argument("--model-path", metavar="MODEL", help="a directory, a file or an address")
    model.add_argument("--model-url", metavar="MODEL", help="the same")
    made.add_argument("--security-group-id", metavar="UUID", help="default: the environment's, from the policy tree")
    made.add_argument(
        "--fail-on-severity",
        metavar="LIST",
        type=severities,
        help=f"also refuse findings of these: some of {', '.join(SEVERITIES)}, with commas or blanks between",
    )
    made.add_argument(
        "--env",
        "--environment",
        dest="env",
        metavar="ENV",
        default=os.environ.get("WEIGHTGATE_ENV", "prod"),
        help="environment whose policy decides (default: WEIGHTGATE_ENV, else prod)",
    )
    made.add_argument("--output", type=Path, metavar="FILE", default=Path(RAW), help=f"raw report (default: {RAW})")
    made.add_argument("--out", type=Path, metavar="DIR", help="keep all artifacts there, as `weightgate gate` does")
    made.add_argument("--policy", type=Path, metavar="DIR", help="the policy tree")
    made.add_argument("--poll-interval", metavar="SECONDS", default="5")
    made.add_argument("--timeout", metavar="SECONDS", default="1800")
    return made


def severities(text: str) -> tuple[str, ...]:
    """Return the severities that `text` lists; raises `ArgumentTypeError` for none, and for a word that is none."""
    expected = f"expected some of {', '.join(SEVERITIES)}"
    words = text.replace(",", " ").upper().split()
    if not words:
        raise argparse.ArgumentTypeError(f"the list is empty; {expected}")
    for word in words:
        if word not in SEVERITIES:
            raise argparse.ArgumentTypeError(f"found {word!r}; {expected}")
    return tuple(dict.fromkeys(words))


def main(argv: list[str] | None = None) -> int:
    """Run the gate for one model and one environment; return its exit code, or 1 for a listed severity."""
    try:
        args = parser().parse_args(argv)
    except SystemExit as exc:
        return 0 if exc.code in (None, 0) else 2
    args.output.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="weightgate-") as temporary:
        out = args.out or Path(temporary)
        code = _gate(args, out)
        if (out / RAW).is_file() and (out / RAW).resolve() != args.output.resolve():
            shutil.copyfile(out / RAW, args.output)
        if code != 0 or args.fail_on_severity is None:
            return code
        return _stricter(out / "decision.json", args.fail_on_severity)


def _gate(args: argparse.Namespace, out: Path) -> int:
    from weightgate.cli import main as weightgate

    words = ["gate", args.model_path or args.model_url, "--env", args.env, "--scanner", "prisma-airs"]
    words += ["--out", str(out), "--poll-interval", args.poll_interval, "--timeout", args.timeout]
    if args.security_group_id is not None:
        words += ["--security-group-id", args.security_group_id]
    if args.policy is not None:
        words += ["--policy", str(args.policy)]
    return weightgate(words)


def _stricter(decision: Path, listed: tuple[str, ...]) -> int:
    """Return 1 when an allowed model has a finding of a listed severity, excused or not; 3 when nothing tells."""
    from weightgate import strict
    from weightgate.errors import InvalidDocument

    try:
        value: Any = strict.loads(decision.read_bytes(), str(decision))
        counts = {word: strict.count(value["counts"][word], f"/counts/{word}") for word in SEVERITIES}
    except (OSError, InvalidDocument, KeyError, TypeError) as exc:
        print(f"weightgate: the decision cannot be read: {exc}; there is no decision", file=sys.stderr)
        return 3
    found = [f"{counts[word]} {word}" for word in listed if counts[word]]
    if found:
        print(f"weightgate: refused by --fail-on-severity: {', '.join(found)}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
