"""Install the checkers that are Go programs (conftest, actionlint) into a folder, when Go is here.

    python tests/support/tools.py FOLDER

Without Go, or without the module proxy, the tests that need them say so and are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

TOOLS = {
    "conftest": "github.com/open-policy-agent/conftest@v0.71.1",
    "actionlint": "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12",
}
"""Program → Go module at the pinned version."""


def main(folder: Path) -> int:
    """Install what is missing; return 0 also when it cannot be had, since the tests then say what they leave out."""
    folder.mkdir(parents=True, exist_ok=True)
    go = shutil.which("go")
    for name, module in TOOLS.items():
        target = folder / f"{name}-{module.rpartition('@')[2]}"
        if not target.exists() and go is not None:
            print(f"go install {module}", flush=True)
            work = folder / f".work-{name}"
            environ = {**os.environ, "GOBIN": str(work.resolve()), "CGO_ENABLED": "0"}
            if subprocess.run([go, "install", module], env=environ, check=False).returncode == 0:
                os.replace(work / name, target)
            shutil.rmtree(work, ignore_errors=True)
        if target.exists():
            link = folder / name
            link.unlink(missing_ok=True)
            link.symlink_to(target.name)
        else:
            print(f"{name} cannot be had here; the tests that need it are skipped", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
