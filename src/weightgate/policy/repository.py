"""Make a policy repository: the shipped tree with environments of other names, and the files around it."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

from weightgate import __version__
from weightgate.errors import UsageError
from weightgate.policy import cases, reference
from weightgate.policy.ledger.text import GRANTS_HEADER, HEADER
from weightgate.policy.tree import PolicyTree

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TAKEN = frozenset({"weightgate", "environments", "system", "data", "input", "n", "no", "off", "on", "y", "yes"}) | {
    *("as", "contains", "default", "else", "every", "false", "if", "import", "in", "not", "null", "package", "some"),
    *("true", "with"),
}
"""Top-level data of the tree and of OPA, words of Rego, and words that a YAML reader takes for truth values."""

_NEW_REPOSITORY = re.compile(r"(README|LICEN[CS]E|COPYING)(\.\w+)?|\.gitignore|\.gitattributes", re.IGNORECASE)
"""Files that a repository on a forge is made with."""

_FILES = {
    "README.md": "README.md",
    "CODEOWNERS": ".github/CODEOWNERS",
    "policy.yml": ".github/workflows/policy.yml",
    "pre-commit-config.yaml": ".pre-commit-config.yaml",
}
"""Template in `weightgate/starter` → file of the repository."""

_CASES = {
    "clean.json": ("allow/clean", []),
    "code-execution.json": ("deny/code-execution", ["severity.threshold"]),
}
"""Findings document in `weightgate/starter` → the acceptance case of each environment, and the rules it violates."""
_STARTER = Path(__file__).resolve().parents[1] / "starter"


def make(shipped: Path, target: Path, names: list[str]) -> list[str]:
    """Write a policy repository into the directory `target`; return the files that were there and are kept.

    `names` are its environments, the laxest first: the first has the settings of dev, the last those of prod, those
    between them those of staging; a single one is strict. Raises `UsageError` for names that cannot be used and for a
    directory that holds more than a new repository does (`.git`, a README, a licence, Git's own files); nothing is
    written then.
    """
    _check_names(names)
    kept = _kept(target)
    target.mkdir(parents=True, exist_ok=True)
    # NOTE: made and checked as a whole first, so that an error leaves nothing half done.
    with tempfile.TemporaryDirectory(prefix=".weightgate-init-", dir=target) as folder:
        made = Path(folder)
        _tree(shipped, made, names)
        _around(made, names)
        _cases(made, names)
        for entry in sorted(os.listdir(made)):
            if not os.path.lexists(target / entry):
                os.rename(made / entry, target / entry)
    return kept


def _check_names(names: list[str]) -> None:
    if not names:
        raise UsageError("--environments: expected at least one name, such as dev,staging,prod")
    for name in names:
        if not _usable(name):
            other = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
            hint = f"; write {other}" if _usable(other) and other not in names else ""
            raise UsageError(
                f"--environments: {name!r} cannot be an environment's name{hint}; expected lower-case letters, digits "
                "and _, the first a letter, and no word of Rego or YAML"
            )
        if names.count(name) > 1:
            raise UsageError(f"--environments: {name} stands twice; expected each name once")


def _usable(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name not in _TAKEN


def _kept(target: Path) -> list[str]:
    """Return the files in `target` that a new repository has; raises `UsageError` for another one."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError(f"{target}: not a directory; expected an empty or a new one")
    there = sorted(entry for entry in os.listdir(target) if entry != ".git") if target.exists() else []
    others = [entry for entry in there if not _NEW_REPOSITORY.fullmatch(entry) or not (target / entry).is_file()]
    if others:
        raise UsageError(
            f"{target}: holds {others[0]} already; expected a new directory, or one with no more than a README, a "
            "LICENSE, .gitignore and .gitattributes"
        )
    return there


def _tree(shipped: Path, made: Path, names: list[str]) -> None:
    shutil.copytree(shipped / "policies", made / "policies", ignore=shutil.ignore_patterns(".*"))
    for place, name in enumerate(names):
        last = place == len(names) - 1
        source = "prod" if last else "dev" if place == 0 else "staging"
        laxer = names[place - 1] if place else None
        old, new = shipped / "environments" / source, made / "environments" / name
        for kind, header in (("exceptions", HEADER), ("break_glass", GRANTS_HEADER)):
            (new / kind).mkdir(parents=True)
            _write(new / kind / "data.yaml", header + "{}\n")
        _write(new / "data.yaml", _settings(_read(old / "data.yaml"), source, name, laxer, names[-1]))
        for file in ("policy.rego", "policy_test.rego"):
            _write(new / file, _rego(_read(old / file), source, name))
    tree = PolicyTree(made, "init")
    tree.load(names)
    page = made / reference.PAGE
    _write(page, reference.page(_read(page), reference.render(tree)))


def _settings(text: str, source: str, name: str, laxer: str | None, strictest: str) -> str:
    """Return the settings of the shipped environment `source` as those of `name`: its comments name the others too."""
    if laxer is None:
        text = re.sub(r"(?m)(^  # What .*\n)?^  stricter_than: .*\n", "", text)
    below = laxer or "a laxer environment"
    others = {
        "dev": {"dev": name},
        "staging": {"dev": below, "staging": name, "prod": strictest},
        "prod": {"staging": below, "prod": name},
    }[source]

    def other(found: re.Match[str]) -> str:
        new = others[found[0].lower()]
        return new if found[0].islower() else new[0].upper() + new[1:]

    # NOTE: in one pass, because a new name can be one of the old ones.
    return re.sub(rf"\b({'|'.join(others)})\b", other, text, flags=re.IGNORECASE)


def _rego(text: str, source: str, name: str) -> str:
    text = text.replace(f"import data.environments.{source}\n", f"import data.environments.{name} as here\n")
    text = re.sub(rf"(?<![.\w]){source}\.(?=decision|deny|warn)", "here.", text)
    text = re.sub(rf"\benvironments\.{source}(?=\b|_test\b)", f"environments.{name}", text)
    text = re.sub(rf"\bdata\.{source}\b", f"data.{name}", text)
    text = text.replace(f'"{source}"', f'"{name}"')
    return re.sub(rf"(title: Environment |exceptions and break-glass grants of ){source}\b", rf"\g<1>{name}", text)


def _around(made: Path, names: list[str]) -> None:
    told = {"@VERSION@": __version__, "@ENVIRONMENTS@": ", ".join(names), "@LAST@": names[-1]}
    for template, file in _FILES.items():
        text = _read(_STARTER / template)
        for mark, value in told.items():
            text = text.replace(mark, value)
        (made / file).parent.mkdir(parents=True, exist_ok=True)
        _write(made / file, text)


def _cases(made: Path, names: list[str]) -> None:
    for name, (template, (place, rules)) in itertools.product(names, _CASES.items()):
        folder = made / cases.FOLDER / name / place
        folder.mkdir(parents=True)
        _write(folder / "findings.json", _read(_STARTER / template))
        _write(folder / "expected.json", json.dumps({"rules": rules}) + "\n")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
