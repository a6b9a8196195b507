"""Run by the Python of picklescan's own environment, never imported: scan the files that a JSON list names.

    python -I picklescan_driver.py TASKS

TASKS is a JSON list of `[path, file, format]`: the name for the report, the file to open, what its content is.
Standard output gets one `weightgate.picklescan-run/v1` document. picklescan's own program goes by file extensions,
stops at the first exception and does not say what it read; here its functions are called file by file, by content.
"""

import importlib
import importlib.metadata
import json
import logging
import os
import sys
from collections.abc import Sequence
from typing import IO, Any

PICKLE_SUFFIXES = (".pkl", ".pickle", ".joblib", ".dat", ".data")
NUMPY_MAGIC = b"\x93NUMPY"


class Log(logging.Handler):
    """Keeps what picklescan complains about; the findings, which it also logs, are in what it returns."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        if record.levelno < logging.WARNING:
            # NOTE: of torch's old format, a pickle that cannot be parsed is passed over without a warning.
            wanted = line.startswith("Error parsing pickle")
        else:
            wanted = not str(record.msg).startswith("%s: %s import")
        if wanted:
            self.lines.append(line)


class Driver:
    """picklescan, set up to be called stream by stream."""

    def __init__(self) -> None:
        self.picklescan = importlib.import_module("picklescan.scanner")
        self.zipfile = importlib.import_module("picklescan.relaxed_zipfile").RelaxedZipFile
        self.log = Log()
        self.logger = logging.getLogger("picklescan")
        self.logger.handlers[:] = [self.log]
        self.logger.propagate = False

    def scan(self, path: str, file: str, kind: str) -> dict[str, Any]:
        """Return the report on one file: its parts, and the exception that ended it, if any."""
        parts: list[dict[str, Any]] = []
        error = None
        try:
            with open(file, "rb") as data:
                if kind in ("zip", "npz", "torch-zip"):
                    self.members(path, data, parts)
                else:
                    parts.append(self.part(None, kind, data, path))
        except Exception as exc:
            error = explain(exc)
        return {"path": path, "format": kind, "parts": parts, "error": error}

    def members(self, path: str, data: IO[bytes], parts: list[dict[str, Any]]) -> None:
        """Add one part to `parts` for each member of a zip; one that cannot be read does not stop the others."""
        with self.zipfile(data, "r") as archive:
            for info in archive.infolist():
                if info.is_dir() and info.file_size == 0:
                    continue
                name = info.filename
                try:
                    with archive.open(info) as stream:
                        kind = kind_of(name, stream.read(8))
                    with archive.open(info) as stream:
                        parts.append(self.part(name, kind, stream, f"{path}:{name}"))
                except Exception as exc:
                    parts.append(part(name, error=explain(exc)))

    def part(self, member: str | None, kind: str | None, data: IO[bytes], label: str) -> dict[str, Any]:
        """Return what picklescan says about one stream; `kind` is `None` for what it does not read."""
        scan = {
            "pickle": self.picklescan.scan_pickle_bytes,
            "numpy": self.picklescan.scan_numpy,
            "torch-legacy": self.picklescan.scan_pytorch,
        }
        if kind is None:
            return part(member, error="picklescan does not read such a member")
        self.log.lines.clear()
        self.logger.setLevel(logging.DEBUG if kind == "torch-legacy" else logging.WARNING)
        return part(member, found=scan[kind](data, label), warnings=self.log.lines)


def kind_of(name: str, head: bytes) -> str | None:
    """Return what picklescan can read an archive's member as, by its first bytes or its name."""
    if head.startswith(NUMPY_MAGIC):
        return "numpy"
    if os.path.splitext(name)[1] in PICKLE_SUFFIXES or (head[:1] == b"\x80" and head[1:2] <= b"\x05"):
        return "pickle"
    return "numpy" if name.endswith(".npy") else None


def part(
    member: str | None, *, found: Any = None, error: str | None = None, warnings: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the record of one stream; `found` is picklescan's own result."""
    return {
        "member": member,
        "globals": [{"module": g.module, "name": g.name, "safety": g.safety.value} for g in found.globals]
        if found
        else [],
        "issues_count": found.issues_count if found else 0,
        "scan_err": found.scan_err if found else False,
        "warnings": list(dict.fromkeys(warnings)),
        "error": error,
    }


def explain(exc: Exception) -> str:
    """Return one line."""
    return f"{type(exc).__name__}: {exc}"


def printable(value: Any) -> Any:
    """Return `value` with lone surrogates, which names in pickles and archives can hold, as backslash escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {key: printable(item) for key, item in value.items()}
    return [printable(item) for item in value] if isinstance(value, list) else value


def main() -> None:
    """Scan what the file named on the command line lists."""
    with open(sys.argv[1], "rb") as file:
        tasks = json.load(file)
    driver = Driver()
    report = {
        "schema": "weightgate.picklescan-run/v1",
        "picklescan": importlib.metadata.version("picklescan"),
        "files": [driver.scan(*task) for task in tasks],
    }
    json.dump(printable(report), sys.stdout)


if __name__ == "__main__":
    main()
