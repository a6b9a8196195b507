"""Write the lock files of the scanners anew from their `.in` files. Needs `uv`; run it from the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LOCKS = Path(__file__).parent.parent / "src" / "weightgate" / "scanners" / "locks"
OPTIONS = (
    "--universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --upgrade"
    " --no-build --python-version 3.11"
)


def main(names: list[str]) -> None:
    """Lock the scanners `names`, or all."""
    for source in sorted(LOCKS.glob("*.in")):
        if not names or source.stem in names:
            lock = source.with_suffix(".txt")
            subprocess.run(["uv", "pip", "compile", "--quiet", *OPTIONS.split(), source, "-o", lock], check=True)
            print(f"{lock.name}: {lock.read_text('utf-8').count('==')} packages")


if __name__ == "__main__":
    main(sys.argv[1:])
