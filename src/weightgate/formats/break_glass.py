"""What every format says, first of all, when a break-glass grant was used."""

from __future__ import annotations

from weightgate.decision import Decision, broken_glass


def told(decisions: tuple[Decision, ...]) -> list[str]:
    """Return one sentence for each grant and environment, `[]` when none was used; its words are not ours."""
    return [
        f"BREAK-GLASS {grant.id} in {decision.environment} until {grant.expires}: overrides {', '.join(grant.rules)}"
        f"{_findings(len(grant.findings))}; {grant.told}"
        for decision in decisions
        for grant in broken_glass(decision)
    ]


def _findings(count: int) -> str:
    return f" for {count} finding{'s' * (count != 1)}" if count else ""
