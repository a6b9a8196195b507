"""Run one command: parse its arguments, call its module, turn what it raises into an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from weightgate.errors import WeightgateError

NO_DECISION = 3
"""Exit code after an error that leaves no decision, Ctrl-C and SIGTERM among them."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\ntry `{self.prog} --help`\n")


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def run_command(name: str, words: list[str]) -> int:
    """Run command `name` with the arguments `words`; every error ends as one message on stderr and an exit code."""
    module = importlib.import_module(f"weightgate.cli.{name}")
    parser = _Parser(prog=f"weightgate {name.replace('_', ' ')}", allow_abbrev=False, description=module.__doc__)
    module.configure(parser)
    try:
        args = parser.parse_args(words)
    except SystemExit as exc:
        return 0 if exc.code in (None, 0) else 2
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        code: int = module.run(args)
        sys.stdout.flush()
        return code
    except WeightgateError as exc:
        from weightgate.formats.escape import lines

        print(lines(f"weightgate: {exc}"), file=sys.stderr)
        if exc.exit_code == NO_DECISION:
            from weightgate.links import FAILED

            print(f"weightgate: what each error means: {FAILED} in weightgate's repository", file=sys.stderr)
        return exc.exit_code
    except KeyboardInterrupt:
        print("weightgate: interrupted; there is no decision", file=sys.stderr)
        return NO_DECISION
    except BrokenPipeError:
        # NOTE: the reader of our output went away; nothing more can be told it, and it has not seen a whole answer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NO_DECISION
    except Exception as exc:
        # NOTE: a bug of ours must not end in Python's exit code 1, which would mean "deny".
        if os.environ.get("WEIGHTGATE_DEBUG"):
            import traceback

            traceback.print_exc()
        print(f"weightgate: internal error: {type(exc).__name__}: {exc}; there is no decision", file=sys.stderr)
        print("set WEIGHTGATE_DEBUG=1 to see where; please report it", file=sys.stderr)
        return NO_DECISION
    finally:
        signal.signal(signal.SIGTERM, previous)
