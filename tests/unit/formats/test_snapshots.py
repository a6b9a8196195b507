"""Every format over plain and hostile reports, compared with the committed texts.

After a change that is meant: `WEIGHTGATE_UPDATE_SNAPSHOTS=1 pytest tests/unit/formats/test_snapshots.py`, and read the
diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import weightgate
from support import reports
from weightgate.formats import registry, sarif

SNAPSHOTS = Path(__file__).parent / "snapshots"
REPORTS = {"allowed": reports.allowed, "mixed": reports.mixed, "hostile": reports.hostile, "broken": reports.broken}


@pytest.mark.parametrize("kind", REPORTS)
@pytest.mark.parametrize("name", registry.HOMES)
def test_format_writes_the_committed_text(name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "__version__", "0.0.0")
    rendered = (
        registry.load(name).render(REPORTS[kind]()).replace(f"weightgate {weightgate.__version__}", "weightgate 0.0.0")
    )
    stored = SNAPSHOTS / f"{kind}-{registry.FILES[name]}"
    if os.environ.get("WEIGHTGATE_UPDATE_SNAPSHOTS"):
        stored.parent.mkdir(exist_ok=True)
        stored.write_bytes(rendered.encode())
    assert stored.read_bytes().decode() == rendered, (
        f"{stored.name} differs; the module's docstring says how to renew it"
    )


@pytest.mark.parametrize("name", registry.HOMES)
def test_the_same_report_gives_the_same_bytes(name: str) -> None:
    assert registry.load(name).render(reports.hostile()) == registry.load(name).render(reports.hostile())


def test_no_snapshot_is_left_over() -> None:
    expected = {f"{kind}-{file}" for kind in REPORTS for file in registry.FILES.values()}
    assert {path.name for path in SNAPSHOTS.iterdir()} == expected
