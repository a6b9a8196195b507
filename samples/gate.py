"""Gate the two sample models against every environment; exit 0 when both decisions are the expected ones.

python samples/gate.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
EXPECTED = {"sentiment-tiny": 0, "sentiment-poisoned": 1}
"""Sample model → exit code of `weightgate gate` with all environments."""


def main() -> int:
    """Run the gate on each sample, show it, and compare the exit codes."""
    wrong = 0
    for name, expected in EXPECTED.items():
        model = os.path.relpath(HERE / name)
        command = ["weightgate", "gate", model, "--all"]
        print(f"$ {' '.join(command)}", flush=True)
        code = subprocess.run(command, check=False).returncode
        verdict = "as expected" if code == expected else f"EXPECTED {expected}"
        print(f"exit code {code}, {verdict}\n", flush=True)
        wrong += code != expected
    print("both decisions are the expected ones" if not wrong else f"{wrong} of {len(EXPECTED)} decisions are wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
