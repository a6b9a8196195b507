"""Put a stand-in of the vendor's SDK on disk: the same names, arguments and shapes, and a script for what it answers.

It is run by a process of its own, so a file beside it tells it what to do, and another tells what it saw.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from support import aims_server
from support.aims_server import GROUP, TENANT, evaluation, file, identifier

API = '''\
import enum, json, os, time
from pathlib import Path

HERE = Path(__file__).parent
SCRIPT = json.loads((HERE / "script.json").read_text())


class EvalOutcome(str, enum.Enum):
    PENDING = "PENDING"
    ALLOWED = "ALLOWED"
    BLOCKED = "BLOCKED"
    ERROR = "ERROR"


class Model:
    """Stands for a Pydantic model."""

    def __init__(self, value):
        self._value = value
        for name, item in value.items() if isinstance(value, dict) else ():
            setattr(self, name, item)

    def model_dump(self, mode="python"):
        assert mode == "json"
        return self._value


class ModelSecurityAPIClient:
    def __init__(self, base_url=None, timeout=None, download_timeout_secs=600, download_dir="~/.cache/airsms/",
                 cleanup_download_dir=False):
        note(base_url=base_url, environ=dict(os.environ), pid=os.getpid(), cwd=os.getcwd(), closed=False)

    def close(self):
        note(closed=True)

    def scan(self, security_group_uuid, model_uri=None, model_path=None, model_name=None, model_author=None,
             model_version=None, labels=None, allow_patterns=None, ignore_patterns=None, poll_interval_secs=5,
             poll_timeout_secs=600):
        asked = {name: value for name, value in locals().items() if name != "self" and value is not None}
        note(scan=asked, files=sorted(os.listdir(model_path)) if model_path and os.path.isdir(model_path) else None)
        print("scanning ...")
        time.sleep(SCRIPT["seconds"])
        if SCRIPT["raises"]:
            raise RuntimeError(SCRIPT["raises"].replace("SECRET", os.environ["MODEL_SECURITY_CLIENT_SECRET"]))
        if SCRIPT["dies"]:
            os._exit(7)
        record = dict(SCRIPT["record"])
        record["model_uri"] = model_uri or model_path
        record["security_group_uuid"] = security_group_uuid
        record["labels"] = [{"key": key, "value": value} for key, value in labels.items()]
        return Model(record)

    def get_scan_evaluations(self, scan_uuid, limit=10, skip=0):
        return page("evaluations", limit, skip)

    def get_scan_violations(self, scan_uuid, limit=10, skip=0):
        return page("violations", limit, skip)

    def get_files(self, scan_uuid, query_path="/", recursive=False, limit=10, skip=0):
        return page("files", limit, skip)


def page(key, limit, skip):
    if key in SCRIPT["broken"]:
        raise RuntimeError("the list is broken")
    rows = SCRIPT[key]
    total = len(rows) if SCRIPT["totals"] else None
    return Model({"pagination": {"total_items": total}, key: rows[skip : skip + limit]})


def note(**values):
    place = HERE / "seen.json"
    seen = json.loads(place.read_text()) if place.exists() else {}
    place.write_text(json.dumps({**seen, **values}))
'''


class Sdk:
    """The stand-in in a directory of its own, to be put on the search path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = folder / "model_security_client"
        self.package.mkdir(parents=True)
        (self.package / "__init__.py").write_text("")
        (self.package / "api.py").write_text(textwrap.dedent(API))
        self.script: dict[str, Any] = {
            "record": record(),
            "evaluations": [evaluation()],
            "violations": [],
            "files": [file("README.md")],
            "totals": True,
            "seconds": 0,
            "raises": None,
            "dies": False,
            "broken": [],
        }
        self.save()

    def save(self) -> None:
        """Write the script; call it after every change."""
        (self.package / "script.json").write_text(json.dumps(self.script))

    def seen(self) -> Any:
        """Return what the client was given."""
        return json.loads((self.package / "seen.json").read_text())

    def describe(self, version: str) -> None:
        """Add the metadata of an installed distribution."""
        metadata = self.folder / f"model_security_client-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: model-security-client\nVersion: {version}\n")


def record(**fields: Any) -> dict[str, Any]:
    """Return the record of a finished scan; `fields` replace or add."""
    return {
        "uuid": identifier("sdk-scan"),
        "tsg_id": TENANT,
        "created_at": "2026-11-23T09:00:00Z",
        "updated_at": "2026-11-23T09:00:30Z",
        "model_uri": aims_server.MODEL,
        "owner": "svc",
        "scan_origin": "MODEL_SECURITY_SDK",
        "security_group_uuid": GROUP,
        "security_group_name": "models-local",
        "eval_outcome": "ALLOWED",
        "source_type": "LOCAL",
        "total_files_scanned": 1,
        "total_files_skipped": 0,
        "eval_summary": {"rules_passed": 1, "rules_failed": 0, "total_rules": 1},
        "scanner_version": "4.2.0",
        **fields,
    }
