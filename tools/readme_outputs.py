"""Put today's output of the two sample runs into the README.

python tools/readme_outputs.py
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = {"gate-allow": "sentiment-tiny", "gate-deny": "sentiment-poisoned"}


def main() -> int:
    """Run both samples and rewrite the README's blocks."""
    readme = ROOT / "README.md"
    text = readme.read_text("utf-8")
    for block, sample in BLOCKS.items():
        command = [sys.executable, "-m", "weightgate", "gate", f"samples/{sample}", "--all"]
        output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
        shown = f"<!-- output: {block} -->\n```text\n{output.strip()}\n```\n<!-- /output -->"
        pattern = rf"<!-- output: {block} -->.*?<!-- /output -->"
        text, count = re.subn(pattern, lambda _, shown=shown: shown, text, flags=re.DOTALL)
        if count != 1:
            sys.exit(f"README.md: {count} blocks named {block}; expected 1")
    readme.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
