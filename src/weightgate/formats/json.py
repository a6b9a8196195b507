"""Decisions as one JSON document."""

from __future__ import annotations

import json

from weightgate.decision import Decision, list_to_json, to_json
from weightgate.formats.escape import json_text
from weightgate.formats.interface import Format, Report


class JsonFormat(Format):
    """The contract's decision document, for programs."""

    name = "json"
    file_name = "decision.json"

    def render(self, report: Report) -> str:
        """Return the decisions as `render` does."""
        return render(report.decisions)


def render(decisions: tuple[Decision, ...]) -> str:
    """Return one decision as `weightgate.decision/v1`, several as `weightgate.decisions/v1`, with a newline at the
    end."""
    value = to_json(decisions[0]) if len(decisions) == 1 else list_to_json(decisions)
    return json_text(json.dumps(value, ensure_ascii=False, indent=2)) + "\n"
