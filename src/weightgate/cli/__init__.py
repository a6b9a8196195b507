"""The command line: arguments in, exit code out. The only place where an error becomes an exit code."""

from __future__ import annotations

import sys

from weightgate import __version__

COMMANDS = {
    "gate": "scan models and decide whether they may enter environments (the CI job)",
    "scan": "scan a model and write its findings document",
    "normalize": "turn a stored scanner report into a findings document",
    "check": "decide stored findings documents",
    "explain": "say why a model is refused, and what would have to change",
    "policy": "check, test and compare policy trees",
    "exceptions": "list and add reviewed permissions for findings, and see what fails when they end",
    "init": "make a policy repository for a team",
    "schema": "print the JSON Schema of a document",
    "scanners": "list, install and remove the local scanners",
    "prisma": "check the access to Prisma AIRS, print its index address, install its SDK",
    "opa": "show or install the OPA program",
    "doctor": "say what is installed, which policy tree is used, and what is missing",
}
"""Each command's module is `weightgate.cli.<name>`: `configure(parser)` and `run(args) -> exit code`."""


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    return (
        "usage: weightgate COMMAND [options]\n\n"
        "Decide whether an ML model may enter an environment.\n\ncommands:\n"
        + "\n".join(lines)
        + "\n\nexit codes: 0 every decision is allow, 1 deny, 2 usage or bad input, 3 no decision, 4 indeterminate"
        "\n`weightgate COMMAND --help` tells more; `weightgate --version` prints the version."
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command that `argv` names (default: the process's arguments) and return its exit code."""
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help(), file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    if words[0] in ("-V", "--version"):
        print(f"weightgate {__version__}")
        return 0
    if words[0] not in COMMANDS:
        return _unknown(words[0])
    from weightgate.cli.run import run_command

    return run_command(words[0], words[1:])


def _unknown(word: str) -> int:
    import difflib

    near = difflib.get_close_matches(word, COMMANDS, 1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    print(f"weightgate: no command {word!r}{hint}\nexpected one of {', '.join(COMMANDS)}", file=sys.stderr)
    return 2
