"""Where weightgate keeps what it can make again: one folder in the user's cache."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_dir() -> Path:
    """Return weightgate's cache folder (not created).

    `WEIGHTGATE_CACHE_DIR`, else `weightgate` below `XDG_CACHE_HOME`, else below the platform's own place.
    """
    named = os.environ.get("WEIGHTGATE_CACHE_DIR")
    if named:
        return Path(named).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    if base and os.path.isabs(base):
        return Path(base) / "weightgate"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "weightgate"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "weightgate" / "cache"
    return Path.home() / ".cache" / "weightgate"
