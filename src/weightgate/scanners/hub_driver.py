"""Download one Hugging Face repository at one commit: run as a program of its own, with `huggingface_hub`.

Arguments: a JSON file with the request, and the file to write the answer to. The token comes in `HF_TOKEN` only.
It imports nothing of weightgate.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any


class Refused(Exception):
    """The repository is not one that is downloaded; the text says why."""


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Return the commit and the files as the Hub lists them, after they were downloaded to `request["folder"]`."""
    from huggingface_hub import HfApi

    token = os.environ.get("HF_TOKEN") or False
    api = HfApi(endpoint=request["endpoint"], token=token, library_name="weightgate")
    info = api.model_info(request["name"], revision=request["revision"], files_metadata=True, timeout=30)
    commit = (info.sha or "").lower()
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
        raise Refused(f"the Hub names the commit {info.sha!r}; expected 40 or 64 hexadecimal digits")
    files = [_listed(item) for item in info.siblings or []]
    _check(files, request["max_bytes"])
    folder = Path(request["folder"])
    api.snapshot_download(request["name"], revision=commit, local_dir=folder, max_workers=4)
    _drop_bookkeeping(folder)
    return {"commit": commit, "files": files}


def _listed(item: Any) -> dict[str, Any]:
    lfs = item.lfs
    sha256 = None if lfs is None else (lfs.get("sha256") if isinstance(lfs, dict) else getattr(lfs, "sha256", None))
    return {"path": item.rfilename, "size": item.size, "sha256": sha256}


def _check(files: list[dict[str, Any]], max_bytes: int) -> None:
    total = 0
    for file in files:
        path, size = file["path"], file["size"]
        steps = str(path).split("/")
        if not isinstance(path, str) or "\\" in path or "\0" in path or any(step in ("", ".", "..") for step in steps):
            raise Refused(f"the Hub lists the file {path!r}, which would lie outside of the model")
        if steps[0] == ".cache":
            raise Refused(f"the repository has the file {path!r}, where the download keeps its own books")
        if type(size) is not int or size < 0:
            raise Refused(f"the Hub states no size of {path!r}, so the download cannot be bounded")
        total += size
    if not files:
        raise Refused("the repository holds no file")
    if total > max_bytes:
        raise Refused(
            f"the repository has {total / 1024**3:.2f} GiB, more than the limit of {max_bytes / 1024**3:.2f} GiB; "
            "raise it with --max-download"
        )


def _drop_bookkeeping(folder: Path) -> None:
    shutil.rmtree(folder / ".cache" / "huggingface", ignore_errors=True)
    (folder / ".cache").rmdir()


def _run() -> int:
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    try:
        answer = {"error": None, **main(request)}
    except Refused as exc:
        answer = {"error": str(exc)}
    except Exception as exc:
        answer = {"error": f"{type(exc).__name__}: {' '.join(str(exc).split())[:600]}"}
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(answer, file)
    return 0


if __name__ == "__main__":
    sys.exit(_run())
