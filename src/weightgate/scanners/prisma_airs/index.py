"""The vendor's private package index, and the SDK from it in an environment of its own.

The name `model-security-client` also exists on the public index, where it is a third party's. So nothing is left to
pip's choice between two indexes: the SDK, and each of its requirements that the private index has, is downloaded from
there alone (`--index-url` by the environment, without dependencies and without the user's pip configuration). The
wheels are then installed by their paths, which fixes their names; only names that the private index does not know
are resolved on the public index. A private index that does not answer clearly ends the installation.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from weightgate import strict
from weightgate.errors import ScannerError, UsageError
from weightgate.paths import cache_dir
from weightgate.scanners.hub import PASSED
from weightgate.scanners.interface import Limits
from weightgate.scanners.prisma_airs.answers import ServiceError
from weightgate.scanners.prisma_airs.client import Client
from weightgate.scanners.prisma_airs.http import Wire
from weightgate.scanners.prisma_airs.settings import Secret, from_environment
from weightgate.scanners.process import Completed, Workspace

SDK = "model-security-client"
PYTHONS = ("3.12", "3.11", "3.13")
NO_URL = "Failed to retrieve PyPI URL"
_CAUSES = (
    "likely causes: the service account lacks the permission ai_ms_pypi_auth, the deployment profile has expired, or "
    "MODEL_SECURITY_API_ENDPOINT is another region's"
)
_MARKER = "complete.json"
_PROBE = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
_REQUIREMENTS = """
import email, json, sys, zipfile
from pip._vendor.packaging.requirements import Requirement
with zipfile.ZipFile(sys.argv[1]) as wheel:
    (name,) = [n for n in wheel.namelist() if n.count("/") == 1 and n.endswith(".dist-info/METADATA")]
    metadata = email.message_from_bytes(wheel.read(name))
extras = sys.argv[2].split(",") if sys.argv[2] else [""]
found = []
for line in metadata.get_all("Requires-Dist", []):
    need = Requirement(line)
    if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras):
        found.append([need.name, str(need.specifier), ",".join(sorted(need.extras)), need.url])
print(json.dumps({"name": metadata["Name"], "version": metadata["Version"], "requires": found}))
"""
_SMOKE = "from model_security_client.api import ModelSecurityAPIClient; print(ModelSecurityAPIClient.__name__)"


def index_url() -> Secret:
    """Return the address of the private index, with a token in it that lasts about an hour.

    Raises `AuthenticationError` ("Failed to obtain SCM access token …") and `ScannerError` ("Failed to retrieve PyPI
    URL …"), each with its likely causes.
    """
    with Wire() as wire:
        try:
            return Client(from_environment(), wire).index_address().url
        except ServiceError as exc:
            if str(exc).startswith(NO_URL):
                exc.args = (f"{exc}; {_CAUSES}",)
            raise


def installed() -> Path | None:
    """Return the interpreter of the installed SDK's environment; `None` if there is none, or none that works."""
    try:
        json.loads((folder() / _MARKER).read_bytes())
    except (OSError, ValueError):
        return None
    python = folder() / "bin" / "python"
    return python if python.is_file() and os.access(python, os.X_OK) else None


def folder() -> Path:
    """Return where the SDK's environment belongs (it need not exist)."""
    return cache_dir() / "scanners" / "prisma-airs-sdk"


def install(
    *, version: str | None = None, extras: str = "", python: str | None = None, report: Callable[[str], None]
) -> str:
    """Install the SDK into its own environment and return its version; nothing is left of an attempt that fails.

    `version` and `extras` (`aws,gcp`) are as the vendor names them. `python` is an interpreter to build with. `report`
    gets a line about what is fetched. Raises `UsageError` for a bad argument, and what `index_url` raises.
    """
    from weightgate.scanners.environment import locked

    if version is not None and not re.fullmatch(r"[0-9][A-Za-z0-9.!+-]*", version):
        raise UsageError(f"--version {version}: expected a version such as 1.1.2")
    if not re.fullmatch(r"([a-z0-9-]+(,[a-z0-9-]+)*)?", extras):
        raise UsageError(f"--extras {extras}: expected names with commas between, such as aws,gcp")
    with Workspace() as workspace:
        interpreter = _interpreter(workspace, python)
        index = _Index(index_url())
        place = folder()
        try:
            with locked(place.with_name(f"{place.name}.lock"), report):
                return _Installation(workspace, index, place, report).run(interpreter, version, extras)
        except OSError as exc:
            raise ScannerError(f"could not install {SDK} into {place}: {exc}") from exc


def _interpreter(workspace: Workspace, python: str | None) -> Path:
    candidates = [python] if python is not None else [sys.executable, *(f"python{release}" for release in PYTHONS)]
    for candidate in candidates:
        path = shutil.which(candidate)
        if path is None:
            continue
        try:
            done = workspace.run([Path(path).absolute(), "-I", "-c", _PROBE], limits=Limits(seconds=30))
        except ScannerError:
            continue
        if done.exit_code == 0 and done.stdout.decode("ascii", "replace").strip() in PYTHONS:
            return Path(path).absolute()
    where = f"--python {python}" if python is not None else "no Python on PATH"
    kind = UsageError if python is not None else ScannerError
    raise kind(f"{where}: the SDK needs Python {' or '.join(PYTHONS)}; name an interpreter with --python PATH")


class _Index:
    """The private index: says which projects it has. Its address is never part of a message."""

    def __init__(self, url: Secret) -> None:
        self.url = url
        parts = urlsplit(url.reveal())
        self._origin = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
        self._path = parts.path.rstrip("/")
        self._auth = None if parts.username is None else (parts.username, parts.password or "")
        steps = [step for step in parts.path.split("/") if len(step) >= 12]
        secrets = [url.reveal(), parts.netloc.rpartition("@")[0], parts.password or "", parts.query, *steps]
        secrets += [parts.username or ""] if len(parts.username or "") >= 12 else []
        self._secrets = [text for text in secrets if text]

    def scrub(self, text: str) -> str:
        """Return `text` without the address and the parts of it that are secret."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def has(self, project: str) -> bool:
        """Whether the index has `project`; raises `ScannerError` when it does not say clearly yes or no."""
        import httpx

        name = re.sub(r"[-_.]+", "-", project).lower()
        problem = ""
        try:
            with httpx.Client(timeout=30, follow_redirects=False, mounts={"http://": None}) as client:
                answer = client.get(f"{self._origin}{self._path}/{name}/", auth=self._auth)
            if answer.status_code in (200, 404):
                return answer.status_code == 200
            problem = f"HTTP {answer.status_code}"
        except httpx.HTTPError as exc:
            problem = type(exc).__name__
        # NOTE: to take this for "no" would be to look for a private name on the public index.
        raise ScannerError(f"the private index does not say whether it has {name}: {problem}; try again")


class _Installation:
    def __init__(self, workspace: Workspace, index: _Index, place: Path, report: Callable[[str], None]) -> None:
        self._workspace = workspace
        self._index = index
        self._place = place
        self._report = report
        self._wheels = workspace.path / "wheels"

    def run(self, interpreter: Path, version: str | None, extras: str) -> str:
        python = self._place / "bin" / "python"
        if self._place.exists():
            (self._place / _MARKER).unlink(missing_ok=True)
            shutil.rmtree(self._place)
        try:
            self._place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._child([interpreter, "-I", "-m", "venv", self._place], {}, "could not create an environment")
            self._wheels.mkdir()
            found = self._private(python, f"{SDK}=={version}" if version else SDK, extras)
            self._public(python, found, extras)
            done = self._child([python, "-I", "-c", _SMOKE], {}, f"{SDK} {found[SDK]} was installed but does not work")
            if b"ModelSecurityAPIClient" not in done.stdout:
                raise ScannerError(f"{SDK} {found[SDK]} has no ModelSecurityAPIClient, so it is not the vendor's")
            marker = {"package": SDK, "version": found[SDK], "private": found}
            (self._place / _MARKER).write_text(json.dumps(marker) + "\n", "utf-8")
        except BaseException:
            shutil.rmtree(self._place, ignore_errors=True)
            raise
        return found[SDK]

    def _private(self, python: Path, first: str, extras: str) -> dict[str, str]:
        """Download the SDK and every requirement of it that the private index has; return name → version."""
        self._report(f"fetching {first} from the vendor's private index")
        waiting, found = [(SDK, first, extras)], {}
        while waiting:
            name, wanted, wanted_extras = waiting.pop(0)
            if name in found:
                continue
            if name != SDK and not self._index.has(name):
                continue
            wheel = self._download(python, name, wanted)
            metadata = self._metadata(python, wheel, wanted_extras)
            if _normal(metadata["name"]) != name:
                raise ScannerError(f"the private index gave {metadata['name']} for {name}")
            if name == SDK and metadata["version"] == "0.0.1":
                raise ScannerError(f"the index gave {SDK} 0.0.1, a third party's placeholder and not the vendor's SDK")
            found[name] = str(metadata["version"])
            for required, specifier, its_extras, url in metadata["requires"]:
                if url is not None:
                    raise ScannerError(f"{name} requires {required} from an address, which is not followed")
                waiting.append((_normal(required), f"{required}{specifier}", its_extras))
        return found

    def _download(self, python: Path, name: str, wanted: str) -> Path:
        into = self._wheels / name
        words: list[str | Path] = [python, "-I", "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
        words += ["--only-binary", ":all:", "--dest", into, wanted]
        # NOTE: the address goes by the environment: a command line can be read by every user of the machine.
        environ = {"PIP_INDEX_URL": self._index.url.reveal(), "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INPUT": "1"}
        self._child(words, environ, f"pip could not download {wanted} from the private index")
        wheels = list(into.glob("*.whl"))
        if len(wheels) != 1:
            raise ScannerError(f"the private index gave {len(wheels)} wheels for {wanted}; expected one")
        return wheels[0]

    def _metadata(self, python: Path, wheel: Path, extras: str) -> dict[str, Any]:
        done = self._child([python, "-I", "-c", _REQUIREMENTS, wheel, extras], {}, f"{wheel.name} cannot be read")
        value = strict.loads(done.stdout, wheel.name)
        if not isinstance(value, dict) or not isinstance(value.get("version"), str):
            raise ScannerError(f"{wheel.name} cannot be read: its metadata names no version")
        return value

    def _public(self, python: Path, private: Mapping[str, str], extras: str) -> None:
        """Install the private wheels by their paths, and from the public index what they need besides."""
        self._report("fetching its other requirements with pip")
        paths = [str(next((self._wheels / name).glob("*.whl"))) for name in private]
        if extras:
            paths[0] += f"[{extras}]"
        words: list[str | Path] = [python, "-I", "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *paths]
        mirrors = {name: os.environ[name] for name in ("PIP_INDEX_URL", "PIP_CERT", "PIP_PROXY") if name in os.environ}
        self._child(words, {**mirrors, "PIP_NO_INPUT": "1"}, f"pip could not install {SDK}")

    def _child(self, words: list[str | Path], environ: Mapping[str, str], failure: str) -> Completed:
        passed = {name: os.environ[name] for name in PASSED if os.environ.get(name)}
        try:
            done = self._workspace.run(
                words,
                limits=Limits(seconds=1800, output_bytes=2 * 1024**3),
                environ={**passed, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environ},
            )
        except ScannerError as exc:
            raise ScannerError(f"{failure}: {self._index.scrub(str(exc))}") from None
        if done.exit_code != 0:
            said = self._index.scrub(done.stderr).strip().splitlines()[-10:]
            raise ScannerError(f"{failure}; nothing was installed. It said:\n  " + "\n  ".join(said))
        return done


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
