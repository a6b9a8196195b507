"""Install what tests use and pip cannot bring: conftest and actionlint when Go is here, Chromium where apt can.

    python tests/support/tools.py FOLDER

What cannot be had is said; the tests that need it are skipped and say so, too.
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
    _chromium()
    return 0


def _chromium() -> None:
    """Install Debian's Chromium, as root on a machine that has apt."""
    if shutil.which("chromium") is not None:
        return
    apt = shutil.which("apt-get")
    if apt is not None and hasattr(os, "geteuid") and os.geteuid() == 0:
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
            print(f"apt-get {' '.join(words)}", flush=True)
            try:
                subprocess.run([apt, "-qq", *words], env=environ, check=False, timeout=300, stdin=subprocess.DEVNULL)
            except subprocess.TimeoutExpired:
                break
    if shutil.which("chromium") is None:
        print("chromium cannot be had here; the tests that need it are skipped", flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
