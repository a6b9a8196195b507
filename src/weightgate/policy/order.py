"""Prove that environments are ordered as the tree declares: what the stricter allows, the laxer allows too.

Three proofs, each by itself enough to find a mistake: settings and exceptions are compared, documents of every kind
are evaluated, and so are stored ones. Each inversion comes with the smallest document that shows it.

Break-glass grants are left out of all three: each lets one model into one environment for hours, against the order.
`grants` names those in force.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from weightgate.clock import now
from weightgate.engine.evaluate import Evidence
from weightgate.policy import enumeration, inversions, literals, severity_map, trial
from weightgate.policy.compare import Effect, compare
from weightgate.policy.environment import Environment
from weightgate.policy.inversions import Inversion
from weightgate.policy.moments import seconds
from weightgate.policy.permissions import PolicyException
from weightgate.policy.settings import SEVERITIES
from weightgate.policy.syntax import local_rules
from weightgate.policy.tree import PolicyTree


@dataclass(frozen=True, slots=True)
class Problem:
    """One way in which the environments are not ordered as declared."""

    where: str
    """The file, with the line where there is one, that the problem is in."""
    message: str
    counterexample: Inversion | None = None
    """A document that the stricter environment allows and the laxer one refuses, where one was looked for."""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


def problems(tree: PolicyTree, corpus: Sequence[Evidence] = (), evaluated_at: str | None = None) -> list[Problem]:
    """Return every problem found, none when the order holds; `evaluated_at` defaults to the time now.

    Raises what evaluating the tree raises: `PolicyError` for a broken one, `EngineError` without OPA.
    """
    at = evaluated_at or now()
    environments, _ = tree.load(tree.select([], True))
    pairs = _pairs(environments)
    found = compared(environments, at)
    found += _own_rules(tree, pairs)
    if pairs:
        made = enumeration.documents(environments, severity_map.library(tree), at)
        made += literals.documents(tree, environments, at)
        added = enumeration.exceptions(environments, at)
        with trial.without_grants(tree) as plain:
            found += _inversions(plain, pairs, made, at, "a generated document", added)
            found += _inversions(plain, pairs, corpus, at, "a document of the corpus", {})
    return found


def grants(environments: dict[str, Environment], at: str) -> list[str]:
    """Return one sentence for each break-glass grant that has not ended at `at`: it is against the order."""
    now = seconds(at) or 0
    return [
        f"{here.place(id_)}: grant {id_} may let the model {grant.digest[:19]}… into {here.name} against the order of "
        f"the environments, until {grant.expires}"
        for here in environments.values()
        for id_, grant in here.grants.items()
        if (seconds(grant.expires) or 0) > now
    ]


def compared(environments: dict[str, Environment], at: str) -> list[Problem]:
    """Return the problems that show without evaluating: in declarations, settings, and exceptions in force at `at`."""
    pairs = _pairs(environments)
    found = list(_undeclared(environments, pairs))
    for stricter, laxer in pairs:
        found += _settings(stricter, laxer)
        found += _exceptions(stricter, laxer, at)
    return found


def chain(environments: dict[str, Environment]) -> list[str]:
    """Return the names of all environments, the laxest first as far as the tree declares an order, else by name."""
    depth = {}
    for name in environments:
        place, depth[name] = environments[name].settings.stricter_than, 0
        while place is not None:
            place, depth[name] = environments[place].settings.stricter_than, depth[name] + 1
    return sorted(environments, key=lambda name: (depth[name], name))


def _pairs(environments: dict[str, Environment]) -> list[tuple[Environment, Environment]]:
    """Return each environment that is declared stricter, with the one that is laxer."""
    declared = [(each, each.settings.stricter_than) for each in environments.values()]
    return [(stricter, environments[laxer]) for stricter, laxer in declared if laxer is not None]


def _undeclared(
    environments: dict[str, Environment], pairs: list[tuple[Environment, Environment]]
) -> Iterator[Problem]:
    """Yield the environments outside of the order; `PolicyTree.load` refuses unknown names and circles."""
    placed = {environment.name for pair in pairs for environment in pair}
    for name, environment in environments.items():
        if name not in placed and len(environments) > 1:
            yield _problem(
                environment,
                "",
                f"{name} has no place in the order of the environments; say `stricter_than: <the next laxer one>` "
                f"here, or `stricter_than: {name}` in the next stricter one",
            )


def _settings(stricter: Environment, laxer: Environment) -> Iterator[Problem]:
    """Yield the settings that are laxer in the stricter environment, and those of which nothing tells."""
    for difference in compare(laxer.settings_file.value, stricter.settings_file.value):
        if difference.effect is Effect.CHANGED or difference.pointer == "/settings/stricter_than":
            continue
        if _idle(difference.pointer, laxer):
            continue
        if difference.effect is not Effect.TIGHTENED:
            told = "is laxer" if difference.effect is Effect.LOOSENED else "cannot be told to be stricter"
            name = difference.pointer.removeprefix("/settings/")
            words = f"{told} than in {laxer.name}, though {stricter.name} is declared stricter: {difference.words}"
            yield _problem(stricter, name, words)


def _own_rules(tree: PolicyTree, pairs: list[tuple[Environment, Environment]]) -> Iterator[Problem]:
    """Yield the rules that only the laxer environment has: what they refuse, the stricter one may allow."""
    own = {each.name: local_rules(tree.root, each.name) for pair in pairs for each in pair}
    for stricter, laxer in pairs:
        for rule in sorted(own[laxer.name]):
            setting = laxer.settings.rules.get(rule)
            if (setting is None or setting.level == "deny") and rule not in own[stricter.name]:
                yield _problem(
                    stricter,
                    "stricter_than",
                    f"{laxer.name} has the rule {rule} of its own ({own[laxer.name][rule]}) and {stricter.name} has "
                    f"not, so {stricter.name} may allow what {laxer.name} refuses; give {stricter.name} the rule too",
                )


def _idle(pointer: str, laxer: Environment) -> bool:
    """Whether the laxer environment refuses nothing by this setting: exceptions for a severity that it tolerates
    anyway, or what it tells a rule that it does not let refuse."""
    rule = re.match(r"/settings/rules/([^/]+)/", pointer)
    if rule is not None and not pointer.endswith("/level"):
        setting = laxer.settings.rules.get(rule[1].replace("~1", "/").replace("~0", "~"))
        return setting is not None and setting.level != "deny"
    match = re.fullmatch(r"/settings/exceptions/max_days/(\w+)", pointer)
    return match is not None and match[1] not in {*laxer.settings.fail_on, "CRITICAL"}


def _exceptions(stricter: Environment, laxer: Environment, at: str) -> Iterator[Problem]:
    """Yield the exceptions of the stricter environment that excuse what the laxer one, without such a one, refuses."""
    for name, exception in stricter.exceptions.items():
        if (seconds(exception.expires) or 0) <= (seconds(at) or 0) or not _excuses(exception, stricter, laxer):
            continue
        if not any(_covers(other, exception) for other in laxer.exceptions.values()):
            yield Problem(
                stricter.place(name),
                f"exception {name} has no counterpart in {laxer.name} that lasts as long, so {stricter.name} may allow "
                f"what {laxer.name} refuses; add it there too",
            )


def _excuses(exception: PolicyException, stricter: Environment, laxer: Environment) -> bool:
    """Whether the stricter environment lets the exception excuse a severity that the laxer one refuses."""
    limits = stricter.settings.exceptions
    lasts = (seconds(exception.expires) or 0) - (seconds(exception.created) or 0)
    refused = {*laxer.settings.fail_on, "CRITICAL"} & set(SEVERITIES)
    return any(lasts <= limits.max_days[word] * 86400 for word in refused - set(limits.never))


def _covers(other: PolicyException, exception: PolicyException) -> bool:
    """Whether `other` excuses at least what `exception` does, for as long."""
    wide = all(exception.scope.get(key) == value for key, value in other.scope.items())
    return wide and (seconds(other.expires) or 0) >= (seconds(exception.expires) or 0)


def _inversions(
    tree: PolicyTree,
    pairs: list[tuple[Environment, Environment]],
    evidence: Sequence[Evidence],
    at: str,
    what: str,
    added: inversions.Exceptions,
) -> Iterator[Problem]:
    places = {inversions.Pair(stricter.name, laxer.name): stricter for stricter, laxer in pairs}
    for found in inversions.find(tree, list(places), evidence, at, added):
        yield _problem(
            places[found.pair],
            "stricter_than",
            f"{found.pair.stricter} allows {what} ({found.document.model.uri}) that {found.pair.laxer} refuses by "
            f"{', '.join(found.rules)} ({found.shown_by} of {len(evidence)} documents)",
            found,
        )


def _problem(environment: Environment, name: str, message: str, shown: Inversion | None = None) -> Problem:
    """Return the problem at the setting `name` of the environment's `data.yaml`."""
    file = environment.settings_file
    line = file.line(f"/settings/{name}".rstrip("/"))
    return Problem(f"{file.name}:{line}", message, shown)
