"""Where help is written for the day when the gate is red; paths are those of weightgate's repository."""

from __future__ import annotations

REFUSED = "docs/incident-response.md"
"""What to do about a model that was refused."""
FAILED = "docs/troubleshooting.md"
"""What each error message means, and the command that diagnoses it."""
