"""Fetch a model from the Hugging Face Hub, at one commit, so that local scanners can look at it.

`huggingface_hub` runs in a process of its own, which is bounded in time, memory and disk, and alone gets the token.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from weightgate import strict
from weightgate.errors import InvalidDocument, ScannerError, ScannerNotInstalled
from weightgate.scanners.interface import Inventory, Limits, Progress
from weightgate.scanners.prisma_airs.references import ModelReference
from weightgate.scanners.prisma_airs.settings import endpoint
from weightgate.scanners.process import Completed, Workspace

HUB = "https://huggingface.co"
PASSED = (
    *("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
)
"""Environment names that a process gets which has to reach a server."""
_DRIVER = Path(__file__).with_name("hub_driver.py")
_MEMORY = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class Listed:
    """One file as the Hub lists it."""

    path: str
    size: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Download:
    """A model that was fetched."""

    folder: Path
    commit: str
    """The full commit, in lower case."""
    files: tuple[Listed, ...]

    def check(self, found: Inventory) -> None:
        """Raise `ScannerError` unless `found`, the walk over `folder`, has exactly the files that the Hub lists."""
        here = {file.path: file for file in found.files}
        for item in found.unreadable:
            raise ScannerError(f"the download is not usable: {item.path}: {item.reason}")
        for listed in self.files:
            file = here.pop(listed.path, None)
            if file is None or file.size != listed.size or (listed.sha256 and file.sha256 != listed.sha256):
                state = "missing" if file is None else "not what the Hub lists"
                raise ScannerError(f"the download is not complete: {listed.path} is {state}; try again")
        for path in here:
            raise ScannerError(f"the download has the file {path}, which the Hub does not list; try again")


@contextmanager
def downloaded(reference: ModelReference, *, max_bytes: int, seconds: float, progress: Progress) -> Iterator[Download]:
    """Give the model that `reference` names on the Hub, in a temporary directory that is gone afterwards.

    `HF_ENDPOINT` (https, or http on loopback) names the Hub, `HF_TOKEN` the token. Raises `ScannerNotInstalled` without
    the extra `[hub]`, `UsageError` for a bad endpoint, `ScanTimeout` after `seconds`, and `ScannerError` when the model
    cannot be fetched, is larger than `max_bytes`, or its commit is not the one that was named.
    """
    if importlib.util.find_spec("huggingface_hub") is None:
        raise ScannerNotInstalled(
            f"{reference.given}: a model is downloaded with huggingface_hub, which is not installed; run: "
            "pip install 'weightgate[hub]'"
        )
    address = endpoint("HF_ENDPOINT", os.environ.get("HF_ENDPOINT", "").strip() or HUB)
    with Workspace() as workspace:
        folder = workspace.path / "model"
        request = {
            "name": reference.name,
            "revision": reference.revision,
            "endpoint": address,
            "folder": str(folder),
            "max_bytes": max_bytes,
        }
        (workspace.path / "request.json").write_text(json.dumps(request), "utf-8")

        def watch(line: str) -> None:
            here = _bytes_below(folder)
            if here > max_bytes + 64 * 1024**2:
                raise ScannerError(
                    f"{reference.given}: the download is larger than it was said to be and was stopped at {here} bytes"
                )
            progress(f"downloading: {here / 1e6:.1f} MB")

        done = workspace.run(
            [sys.executable, "-I", _DRIVER, "request.json", "answer.json"],
            limits=Limits(seconds=seconds, memory_bytes=_MEMORY, output_bytes=max(max_bytes, 1024**2)),
            progress=watch,
            environ=_environ(),
        )
        yield _read(reference, folder, workspace.path / "answer.json", done)


def _environ() -> dict[str, str]:
    values = {name: os.environ[name] for name in (*PASSED, "HF_TOKEN") if os.environ.get(name)}
    fixed = {
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DOWNLOAD_TIMEOUT": "60",
        "HF_HUB_ETAG_TIMEOUT": "30",
    }
    return values | fixed


def _read(reference: ModelReference, folder: Path, answer: Path, done: Completed) -> Download:
    token = os.environ.get("HF_TOKEN", "")
    if done.exit_code != 0 or not answer.is_file():
        last = _scrub((done.stderr.strip().splitlines() or ["it said nothing"])[-1], token)
        raise ScannerError(f"{reference.given}: the download ended with exit code {done.exit_code}: {last[:500]}")
    try:
        value = strict.loads(answer.read_bytes(), "the download's answer")
        if value.get("error") is not None:
            raise ScannerError(f"{reference.given}: {_scrub(str(value['error']), token)}{_hint(str(value['error']))}")
        files = tuple(Listed(item["path"], item["size"], item["sha256"]) for item in value["files"])
        commit = str(value["commit"])
    except (InvalidDocument, KeyError, TypeError, AttributeError) as exc:
        raise ScannerError(f"{reference.given}: the download's answer cannot be read: {exc}") from exc
    if reference.pinned and commit != reference.revision:
        raise ScannerError(f"{reference.given}: the Hub gave commit {commit}; expected {reference.revision}")
    return Download(folder, commit, files)


def _hint(error: str) -> str:
    hints = {
        "RepositoryNotFound": "; check the name, and for a private model HF_TOKEN",
        "RevisionNotFound": "; check what stands behind /tree/",
        "GatedRepo": "; accept its terms on the Hub, and set HF_TOKEN",
        "Connect": "; check the network, HTTPS_PROXY and HF_ENDPOINT",
    }
    return next((hint for word, hint in hints.items() if error.startswith(word)), "")


def _scrub(text: str, token: str) -> str:
    return text.replace(token, "***") if token else text


def _bytes_below(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                continue
    return total
