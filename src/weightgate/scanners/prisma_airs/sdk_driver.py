"""Scan one model with the vendor's SDK: run as a program of its own by the interpreter in which the SDK is installed.

Arguments: a JSON file with the request, and the file to write the answer to. Credentials come in the environment only.
It imports nothing of weightgate, and nothing of a package that is not the vendor's.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import json
import os
import sys
from pathlib import Path
from typing import Any

PAGE = 100
MAX_ROWS = 100_000


class Refused(Exception):
    """The SDK is not there, or is not the vendor's."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def client_class() -> Any:
    """Return the SDK's client; raises `Refused` for no package, or one that is not the vendor's."""
    try:
        version = importlib.metadata.version("model-security-client")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    spec = importlib.util.find_spec("model_security_client")
    if version == "0.0.1":
        raise Refused("placeholder", "model-security-client 0.0.1")
    if spec is None:
        raise Refused("missing", f"{sys.executable} has no package model_security_client")
    # NOTE: looked for as a file: to import it would be to run whoever's package this is.
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    if not any((place / "api.py").is_file() or (place / "api").is_dir() for place in places):
        raise Refused("placeholder", f"model-security-client {version}, without model_security_client.api")
    try:
        made = getattr(importlib.import_module("model_security_client.api"), "ModelSecurityAPIClient", None)
    except Exception as exc:
        raise Refused("broken", f"model_security_client.api: {type(exc).__name__}: {_line(exc)}") from None
    if made is None:
        raise Refused("placeholder", f"model-security-client {version}, without ModelSecurityAPIClient")
    return made


def main(request: dict[str, Any], save: Any) -> dict[str, Any]:
    """Scan as `request` says and return the record and its results; `save` keeps the record while they are read."""
    client = _call(
        client_class(), base_url=request["base_url"], download_dir=request["download_dir"], cleanup_download_dir=True
    )
    try:
        record = _plain(client.scan(**request["scan"]))
        save({"error": None, "scan": record, "results": None})
        if not isinstance(record, dict) or _word(record.get("eval_outcome")) == "PENDING":
            return {"error": None, "scan": record, "results": None}
        scan_id = record.get("uuid")
        lists = {"evaluations": "get_scan_evaluations", "violations": "get_scan_violations", "files": "get_files"}
        results = {name: _rows(client, method, name, scan_id) for name, method in lists.items()}
        return {"error": None, "scan": record, "results": results}
    finally:
        if hasattr(client, "close"):
            client.close()


def _rows(client: Any, method: str, key: str, scan_id: Any) -> dict[str, Any]:
    """Return all rows of one list, the stated total, and why rows are missing."""
    rows: list[Any] = []
    stated = None
    call = getattr(client, method, None)
    if call is None:
        return {"rows": rows, "stated": None, "problem": f"the SDK has no {method}"}
    try:
        while len(rows) < MAX_ROWS:
            extra = {"query_path": "/", "recursive": True} if key == "files" else {}
            page = _plain(_call(call, scan_uuid=scan_id, limit=PAGE, skip=len(rows), **extra))
            found = page.get(key) if isinstance(page, dict) else page
            if not isinstance(found, list):
                return {"rows": rows, "stated": stated, "problem": f"{method} gave no list of {key}"}
            total = (page.get("pagination") or {}).get("total_items") if isinstance(page, dict) else None
            stated = total if total is not None else stated
            rows += found
            if not found or (len(rows) >= stated if stated is not None else len(found) < PAGE):
                return {"rows": rows, "stated": stated, "problem": None}
        return {"rows": rows, "stated": stated, "problem": f"reading was stopped after {len(rows)} rows"}
    except Exception as exc:
        return {"rows": rows, "stated": stated, "problem": f"{method}: {type(exc).__name__}: {_line(exc)}"}


def _call(call: Any, **words: Any) -> Any:
    """Call with those of `words` that the function takes: the SDK's versions differ in their optional arguments."""
    taken = inspect.signature(call).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken.values()):
        return call(**words)
    return call(**{name: value for name, value in words.items() if name in taken})


def _plain(value: Any) -> Any:
    """Return the JSON values of a Pydantic model, or of anything that is made of them."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _word(value: Any) -> str:
    return str(value).rpartition(".")[2].upper()


def _line(exc: Exception) -> str:
    return " ".join(str(exc).split())[:600]


def _run() -> int:
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)

    def save(answer: dict[str, Any]) -> None:
        temporary = sys.argv[2] + ".tmp"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(answer, file, default=str)
        os.replace(temporary, sys.argv[2])

    try:
        answer = main(request, save)
    except Refused as exc:
        answer = {"error": {"kind": exc.kind, "message": str(exc)}}
    except Exception as exc:
        answer = {"error": {"kind": "failed", "message": f"{type(exc).__name__}: {_line(exc)}"}}
    save(answer)
    return 0


if __name__ == "__main__":
    sys.exit(_run())
