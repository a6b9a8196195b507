"""Find the policy tree, check its data files, and name it by a digest."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from weightgate import strict
from weightgate.errors import PolicyError, UsageError

if TYPE_CHECKING:
    from weightgate.policy.environment import Environment
    from weightgate.policy.yamlfile import YamlFile

_ENVIRONMENT = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_STRICTER_THAN = re.compile(r"^ +stricter_than: *[\"']?([a-z][a-z0-9_-]*)", re.MULTILINE)
_RESERVED = ("weightgate", "environments", "system")
_PERMISSIONS = ("exceptions", "break_glass")
HERE, SHIPPED = "working directory", "shipped with weightgate"
"""Origins of a tree that nobody named."""
_DATA_SUFFIXES = (".yaml", ".yml", ".json")


# NOTE: a tuple, because classes with generated methods cost start-up time before OPA runs.
class PolicyTree(NamedTuple):
    """A directory that holds `policies/` and `environments/`."""

    root: Path
    origin: str
    """Why this tree is used: `--policy`, `WEIGHTGATE_POLICY`, `HERE` or `SHIPPED`."""

    def environments(self) -> list[str]:
        """Return the names of the environments, the laxest first as `stricter_than` says, then by name.

        Raises `PolicyError` when there is none.
        """
        folder = self.root / "environments"
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith("."))
        if not names:
            raise PolicyError(f"{folder}: no environment; each is a directory with policy.rego and data.yaml")
        return sorted(names, key=lambda name: _strictness(folder, name))

    def select(self, asked: list[str], every: bool) -> list[str]:
        """Return the environments that `asked` names, each once, or all of them; raises `UsageError` for an
        unknown name."""
        known = self.environments()
        names = known if every else list(dict.fromkeys(asked))
        if not names:
            raise UsageError(f"name an environment with --env (known: {', '.join(known)}), or give --all")
        for name in names:
            if name not in known:
                hint = strict.nearest(name, known)
                raise UsageError(f"unknown environment {name!r}{hint}; {self.root} has {', '.join(known)}")
            if not _ENVIRONMENT.fullmatch(name) or name in _RESERVED:
                raise PolicyError(
                    f"{self.root}/environments/{name}: not a name for an environment; "
                    "expected lower-case letters, digits, - and _, the first a letter, and none of the words "
                    + ", ".join(_RESERVED)
                )
        return names

    def load(self, names: list[str]) -> tuple[dict[str, Environment], str]:
        """Read the whole tree strictly; return the environments `names`, and the digest of everything that decides.

        The digest is over the sorted (path, sha256) of every Rego and data file but tests. Raises `PolicyError`
        naming file
        and line for any data file, of these environments or others, that breaks its schema or that OPA could read
        by mistake.
        """
        from weightgate.policy import yamlfile

        contents = _contents(self.root)
        files = {
            path: yamlfile.load(raw, os.path.relpath(self.root / path))
            for path, raw in contents.items()
            if not path.endswith(".rego")
        }
        environments = {name: self._environment(name, files) for name in self.environments()}
        _check_order(environments)
        for path, file in files.items():
            if path.startswith("policies/"):
                _check_library_data(path, file)
        return {name: environments[name] for name in names}, _digest(contents)

    def digest(self) -> str:
        """Return the digest of everything that decides, as `load` does, without reading what the files say."""
        return _digest(_contents(self.root))

    def contents(self) -> dict[str, bytes]:
        """Return the bytes of every file that decides, by its path below the root. Raises `PolicyError`."""
        return _contents(self.root)

    def _environment(self, name: str, files: dict[str, YamlFile]) -> Environment:
        from weightgate.policy.environment import Environment
        from weightgate.policy.permissions import read_exceptions, read_grants
        from weightgate.policy.settings import read_settings

        base = f"environments/{name}"
        if f"{base}/data.yaml" not in files:
            raise PolicyError(f"{self.root}/{base}: data.yaml is missing; it holds the environment's settings")
        if not (self.root / base / "policy.rego").is_file():
            raise PolicyError(f"{self.root}/{base}: policy.rego is missing; it holds the environment's decision")
        settings_file = files[f"{base}/data.yaml"]
        exceptions_file = files.get(f"{base}/exceptions/data.yaml")
        grants_file = files.get(f"{base}/break_glass/data.yaml")
        return Environment(
            name,
            read_settings(settings_file),
            {} if exceptions_file is None else read_exceptions(exceptions_file),
            {} if grants_file is None else read_grants(grants_file),
            settings_file,
            exceptions_file,
            grants_file,
        )


def _strictness(folder: Path, name: str) -> int:
    """Return how many environments are laxer than `name`, for the order in which environments are shown.

    NOTE: read with a pattern, because this comes before OPA is started; `load` reads the same word strictly.
    """
    seen = []
    while name not in seen:
        seen.append(name)
        try:
            text = (folder / name / "data.yaml").read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            break
        looser = _STRICTER_THAN.search(text)
        name = looser[1] if looser else name
    return len(seen)


def _contents(root: Path) -> dict[str, bytes]:
    """Return the bytes of every file that decides, by its path below the root; raises `PolicyError` for one that
    cannot be read."""
    contents = {}
    for path, full in _walk(root):
        if not path.endswith("_test.rego"):
            try:
                contents[path] = Path(full).read_bytes()
            except OSError as exc:
                raise PolicyError(f"{full}: cannot be read: {exc.strerror}") from exc
    return contents


def _digest(contents: dict[str, bytes]) -> str:
    hashes = sorted([path, hashlib.sha256(raw).hexdigest()] for path, raw in contents.items())
    return strict.digest(strict.canonical(hashes))


def _walk(root: Path) -> list[tuple[str, str]]:
    """Return (path below the root, full path) of every Rego and data file, refusing what OPA would read in another
    way."""
    found = []
    for top in ("policies", "environments"):
        for folder, folders, names in os.walk(root / top):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in folders:
                if os.path.islink(os.path.join(folder, name)):
                    where = os.path.relpath(os.path.join(folder, name))
                    raise PolicyError(f"{where}: OPA would follow this link to a directory; put the directory here")
            below = os.path.relpath(folder, root).replace(os.sep, "/")
            for name in sorted(names):
                if name.endswith(".rego") or (name.endswith(_DATA_SUFFIXES) and _is_data(below, name, folder)):
                    found.append((f"{below}/{name}", os.path.join(folder, name)))
    return found


def _is_data(below: str, name: str, folder: str) -> bool:
    """Whether the file is data that both `-d` and `--bundle` read at this place; raises `PolicyError` when it is
    not."""
    where = os.path.relpath(os.path.join(folder, name))
    if name != "data.yaml":
        raise PolicyError(f"{where}: OPA would read this file in one mode and drop it in another; name it data.yaml")
    steps = below.split("/")
    if steps[0] == "environments" and not (len(steps) == 2 or (len(steps) == 3 and steps[2] in _PERMISSIONS)):
        raise PolicyError(
            f"{where}: data at this place is used by nothing; expected environments/<name>/data.yaml, "
            "or data.yaml in its exceptions or break_glass"
        )
    if steps[0] == "policies" and (len(steps) < 3 or steps[1] != "weightgate"):
        raise PolicyError(f"{where}: data of the library lies below policies/weightgate/<topic>/")
    return True


def _check_order(environments: dict[str, Environment]) -> None:
    """Check that `stricter_than` names environments, and that following it comes to an end."""
    for environment in environments.values():
        seen = [environment.name]
        while (looser := environments[seen[-1]].settings.stricter_than) is not None:
            file = environments[seen[-1]].settings_file
            if looser not in environments:
                hint = strict.nearest(looser, environments)
                raise file.error(
                    "/settings/stricter_than",
                    f"there is no environment {strict.show(looser)}{hint}; expected one of {', '.join(environments)}",
                )
            if looser in seen:
                raise file.error(
                    "/settings/stricter_than", f"the order goes in a circle: {' > '.join([*seen, looser])}"
                )
            seen.append(looser)


def _check_library_data(path: str, file: YamlFile) -> None:
    from weightgate.policy.settings import SEVERITY_MAP, THREAT_KINDS

    if path == "policies/weightgate/severity_map/data.yaml":
        file.read(SEVERITY_MAP)
    if path == "policies/weightgate/threat_kinds/data.yaml":
        file.read(THREAT_KINDS)
    if path.startswith(tuple(f"policies/weightgate/{topic}/" for topic in ("settings", *_PERMISSIONS))):
        raise file.error("", "settings, exceptions and grants belong to an environment, not to the library")


def locate(named: Path | None = None) -> PolicyTree:
    """Return the tree to use: `named`, `WEIGHTGATE_POLICY`, the working directory, or the one shipped with weightgate.

    Raises `UsageError` when a tree that was named does not hold `policies/` and `environments/`.
    """
    variable = os.environ.get("WEIGHTGATE_POLICY")
    for root, origin in ((named, "--policy"), (Path(variable) if variable else None, "WEIGHTGATE_POLICY")):
        if root is not None:
            if not _is_tree(root):
                raise UsageError(
                    f"{root}: not a policy tree ({origin}); expected the directories policies and environments"
                )
            return PolicyTree(root, origin)
    here = Path()
    if _is_tree(here):
        return PolicyTree(here, HERE)
    return PolicyTree(shipped(), SHIPPED)


def _is_tree(root: Path) -> bool:
    return (root / "policies").is_dir() and (root / "environments").is_dir()


def shipped() -> Path:
    """Return the root of the tree that ships with weightgate: in the package, or in the checkout it runs from."""
    package = Path(__file__).resolve().parents[1]
    for root in (package / "_tree", package.parents[1]):
        if _is_tree(root):
            return root
    raise PolicyError(f"{package}: the policy tree that ships with weightgate is missing; install weightgate again")
