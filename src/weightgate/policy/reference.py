"""The rule reference in `policies/README.md`, written from the rules' own annotations and the environments' settings.

    python -m weightgate.policy.reference [TREE]

writes it anew; a test compares what stands there with what would be written.
"""

from __future__ import annotations

import sys
from pathlib import Path

from weightgate.errors import PolicyError
from weightgate.policy import rules
from weightgate.policy.rules import Rule
from weightgate.policy.settings import PARAMETERS, Settings
from weightgate.policy.tree import PolicyTree

PAGE = "policies/README.md"
BEGIN = "<!-- rule reference: begin; written by `python -m weightgate.policy.reference` -->\n"
END = "<!-- rule reference: end -->\n"

FLOORS = frozenset({"document.valid", "settings.valid", "outcome.safe", "severity.threshold"})
"""The rules that no setting weakens, as `policies/weightgate/lib/levels` has them."""


def render(tree: PolicyTree) -> str:
    """Return the reference of all rules of `tree` as Markdown. Raises `PolicyError`, `EngineError`."""
    environments, _ = tree.load(tree.environments())
    settings = {name: environment.settings for name, environment in environments.items()}
    known = sorted(rules.annotated(tree).values(), key=lambda rule: (rule.id not in FLOORS, rule.id))
    return _table(known, settings) + "".join(_section(rule) for rule in known)


def page(text: str, reference: str, where: str = PAGE) -> str:
    """Return the page `text` with `reference` between its marks; raises `PolicyError` without both of them, once."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise PolicyError(
            f"{where}: expected the lines {BEGIN.strip()!r} and {END.strip()!r}, each once and in this order"
        )
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{reference}{END}{rest.partition(END)[2]}"


def _table(known: list[Rule], settings: dict[str, Settings]) -> str:
    lines = [
        f"| rule | {' | '.join(settings)} | told |",
        f"|---|{'---|' * len(settings)}---|",
    ]
    for rule in known:
        levels = [_level(rule.id, environment) for environment in settings.values()]
        told = ", ".join(f"`{name}`" for name in PARAMETERS.get(rule.id, {}))
        lines.append(f"| [`{rule.id}`](#{_anchor(rule)}) | {' | '.join(levels)} | {told} |")
    return "\n".join(lines) + "\n\n"


def _level(rule: str, settings: Settings) -> str:
    if rule in FLOORS:
        return "always"
    setting = settings.rules.get(rule)
    if setting is None:
        return "deny"
    return setting.level + (f" from {setting.effective_on}" if setting.effective_on else "")


def _anchor(rule: Rule) -> str:
    return rule.id.replace(".", "")


def _section(rule: Rule) -> str:
    broken = "never overrides it." if rule.never_override else "may override it."
    return (
        f"### {rule.id}\n\n**{rule.title}.** {rule.description}\n\nTo do: {rule.remediation}\n\n"
        f"Break-glass {broken}\n\n"
    )


def main(root: Path) -> int:
    """Write the reference of the tree at `root` into its page."""
    path = root / PAGE
    path.write_text(page(path.read_text(encoding="utf-8"), render(PolicyTree(root, "argument"))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
