"""Documents with the words that an environment's own Rego compares fields with, which no setting names."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from weightgate import strict
from weightgate.engine.evaluate import Evidence
from weightgate.errors import InvalidDocument
from weightgate.policy import enumeration, syntax
from weightgate.policy.syntax import Module, Node
from weightgate.policy.tree import PolicyTree

FIELDS = frozenset(
    {
        *("uri", "source", "name", "revision", "digest", "path", "format", "sha256"),
        *("scanner", "version", "status", "outcome"),
        *("id", "rule", "threat", "category", "severity", "native_severity", "title", "location", "enforcement"),
    }
)
"""The fields of models, files, scans and findings that hold words."""

MOST = 100
"""Choices of words of one rule that are tried at most."""

Words = dict[str, list[str]]
"""Field → the words it is compared with."""


def documents(tree: PolicyTree, environments: Iterable[str], at: str) -> list[Evidence]:
    """Return documents, each once, that have in each field the words that the Rego of `environments` compares it with.

    The words of one rule are tried one at a time and together, with no finding and with one of each severity.
    """
    rules = [words for name in environments for words in compared(tree.root, name)]
    made: dict[bytes, Evidence] = {}
    for words in rules:
        for chosen, value in itertools.product(itertools.islice(_choices(words), MOST), list(_states(at))):
            raw = strict.canonical(_with(value, chosen))
            try:
                made[raw] = Evidence.read(raw, "a generated document")
            except InvalidDocument:
                # NOTE: no findings document holds this word there, such as an unknown source: nothing can be tried.
                continue
    return list(made.values())


def compared(root: Path, environment: str) -> list[Words]:
    """Return what each rule in the Rego files of `environment` compares with words; rules without are left out."""
    found = [_of_rule(rule, module) for module in syntax.own_modules(root, environment) for rule in module.rules]
    return [words for words in found if words]


def _of_rule(rule: Node, module: Module) -> Words:
    """Return each field that stands in a call (`==`, `in`, `startswith`, …) together with words, and these words."""
    found: dict[str, set[str]] = {}
    for _, *arguments in syntax.calls(rule):
        words = set(_words(arguments, module))
        # NOTE: a field is the last step of a reference, or a word, as in `object.get(finding, "rule", "")`.
        for field in FIELDS & {*words, *_last_steps(arguments)}:
            found.setdefault(field, set()).update(words - {field, ""})
    return {field: sorted(words) for field, words in sorted(found.items()) if words}


def _last_steps(arguments: list[Node]) -> Iterator[str]:
    yield from (str(node["value"][-1]["value"]) for node in syntax.walk(arguments) if node.get("type") == "ref")


def _words(arguments: list[Node], module: Module) -> Iterator[str]:
    """Yield the string literals outside of references, and those in the value of a rule that is named."""
    nodes = list(syntax.walk(arguments))
    steps = {id(step) for node in nodes if node.get("type") == "ref" for step in node["value"]}
    for node in nodes:
        if node.get("type") == "var":
            yield from syntax.members([module], module.package, node["value"])
        elif id(node) not in steps:
            yield syntax.text(node) or ""


def _choices(words: Words) -> Iterator[dict[str, str]]:
    """Yield each word in its field alone, then one word in every field."""
    yield from ({field: word} for field, some in words.items() for word in some)
    yield from (dict(zip(words, together, strict=True)) for together in itertools.product(*words.values()))


def _states(at: str) -> Iterator[dict[str, Any]]:
    yield enumeration.document(at)
    for severity, exception in itertools.product(enumeration.SEVERITIES, enumeration.EXCEPTIONS[:2]):
        yield enumeration.document(at, enumeration.finding(severity, exception))


def _with(value: dict[str, Any], words: dict[str, str]) -> dict[str, Any]:
    """Return the document with each word wherever its field is; a model that is not local names its full commit."""
    model = {**value["model"], **({} if words.get("source", "local") == "local" else {"revision": enumeration.COMMIT})}

    def put(part: dict[str, Any]) -> dict[str, Any]:
        return {field: words.get(field, old) for field, old in part.items()}

    return {
        **value,
        "model": {**put(model), "files": [put(file) for file in model["files"]]},
        **{part: [put(item) for item in value[part]] for part in ("scans", "findings")},
    }
