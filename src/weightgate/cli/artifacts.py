"""The files that a run leaves for auditors: each written whole or not at all, and none left over from an earlier
run."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from weightgate.errors import UsageError
from weightgate.formats.registry import FILES

if TYPE_CHECKING:
    from weightgate.scanning import Attempt

RAW = "model-scan-report.json"
FINDINGS = "findings.json"
DECISION = "decision.json"
ERROR = "error.json"
NAMES = (RAW, FINDINGS, DECISION, ERROR, *FILES.values())


class Artifacts:
    """A directory for artifacts; one without a directory takes everything and keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        """Make `folder` and remove the artifacts of an earlier run. Raises `UsageError` when it cannot be written
        to."""
        self.folder = folder
        if folder is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in NAMES:
                (folder / name).unlink(missing_ok=True)
        except OSError as exc:
            raise UsageError(
                f"--out {folder}: cannot be written to: {exc.strerror}; name a directory of your own"
            ) from exc

    def below(self, name: str) -> Artifacts:
        """Return the artifacts in the directory `name` below this one."""
        return Artifacts(None if self.folder is None else self.folder / name)

    def write(self, name: str, content: bytes) -> None:
        """Write one artifact: a reader sees the whole of it or nothing. Raises `UsageError` when that fails."""
        if self.folder is not None:
            write_whole(self.folder / name, content)

    def error(self, kind: str, message: str, scans: Sequence[Mapping[str, str | None]] = ()) -> None:
        """Write what went wrong; `scans` are those in a service that can be resumed, with scanner, id and state."""
        value: dict[str, object] = {"schema": "weightgate.error/v1", "error": kind, "message": message}
        if scans:
            value["scans"] = list(scans)
        self.write(ERROR, json.dumps(value, ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n")


def model_folders(artifacts: Artifacts, models: Sequence[str]) -> list[Artifacts]:
    """Return where each model's artifacts go: the directory itself for one model, else one below it for each."""
    if len(models) == 1:
        return [artifacts]
    names = [
        f"{number:02}-{re.sub(r'[^A-Za-z0-9._-]+', '-', Path(model).name)[:60]}"
        for number, model in enumerate(models, 1)
    ]
    return [artifacts.below(name) for name in names]


def write_whole(path: Path, content: bytes) -> None:
    """Write the file `path` in one step. Raises `UsageError` naming the path."""
    import tempfile

    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as exc:
        raise UsageError(f"{path}: cannot be written: {exc.strerror}") from exc


def raw_reports(attempts: Sequence[Attempt]) -> bytes | None:
    """Return the raw report as the scanner wrote it; of several scanners, one JSON document that holds each unchanged.

    `None` when no scanner left a report.
    """
    left = [(attempt.scanner, attempt.report.content) for attempt in attempts if attempt.report is not None]
    if len(left) == 1:
        return left[0][1]
    if not left:
        return None
    reports = [{"scanner": name, **_encoded(content)} for name, content in left]
    value = {"schema": "weightgate.raw-reports/v1", "reports": reports}
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


def _encoded(content: bytes) -> dict[str, str]:
    import base64

    try:
        return {"encoding": "utf-8", "content": content.decode("utf-8")}
    except UnicodeDecodeError:
        return {"encoding": "base64", "content": base64.b64encode(content).decode()}
