"""The policy tree of a git revision, written to a temporary directory; the work tree is never touched."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from weightgate.errors import EngineError, PolicyError, UsageError
from weightgate.policy.tree import PolicyTree, locate

_TIMEOUT_S = 60.0


@contextmanager
def tree_at(name: str, repository: Path) -> Iterator[PolicyTree]:
    """Yield the policy tree that `name` names: a directory, else a git revision of the repository of `repository`.

    Raises `UsageError` for what is neither, `PolicyError` for a revision with links or other entries that are no plain
    files, `EngineError` when git cannot be run.
    """
    if Path(name).is_dir():
        yield locate(Path(name))
        return
    commit = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if commit is None:
        raise UsageError(f"{name}: neither a directory nor a git revision of {repository.resolve()}")
    with tempfile.TemporaryDirectory(prefix="weightgate-revision-") as folder:
        _write(name, commit.decode().strip(), repository, Path(folder))
        yield PolicyTree(Path(folder), f"git revision {name}")


def _write(name: str, commit: str, repository: Path, folder: Path) -> None:
    """Write the policy files of `commit`, byte by byte as git has them.

    NOTE: not by `git archive`, which leaves out and rewrites files as the revision's own .gitattributes ask for.
    """
    listed = _git(repository, "ls-tree", "-r", "-z", commit, "--", "policies", "environments")
    entries = [entry.partition(b"\t") for entry in (listed or b"").split(b"\0") if entry]
    if not {"policies", "environments"} <= {os.fsdecode(path).partition("/")[0] for _, _, path in entries}:
        raise UsageError(
            f"{name}: this revision has no policy tree; expected the directories policies and environments"
        )
    blobs = []
    for facts, _, raw in entries:
        path = os.fsdecode(raw)
        mode, kind, blob = facts.decode().split()
        if kind != "blob" or mode == "120000" or not _plain(path):
            raise PolicyError(f"{name}: {path}: expected a plain file; a policy tree holds no links and no submodules")
        blobs.append((path, blob))
    contents = _git(repository, "cat-file", "--batch", stdin="".join(f"{blob}\n" for _, blob in blobs).encode())
    if contents is None:
        raise EngineError(f"{name}: git cannot read the files of this revision; is the clone complete?")
    _unpack(contents, blobs, folder)


def _unpack(contents: bytes, blobs: list[tuple[str, str]], folder: Path) -> None:
    """Write what `git cat-file --batch` answered: for each blob a line `<id> blob <size>`, the bytes, a line break."""
    place = 0
    for path, blob in blobs:
        end = contents.find(b"\n", place)
        words = contents[place:end].decode("ascii", "replace").split()
        if end < 0 or len(words) != 3 or words[:2] != [blob, "blob"]:
            raise EngineError(f"git cannot read {path}: {' '.join(words)}; is the clone complete?")
        start, size = end + 1, int(words[2])
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(contents[start : start + size])
        place = start + size + 1


def _plain(path: str) -> bool:
    steps = PurePosixPath(path).parts
    return bool(steps) and not path.startswith("/") and ".." not in steps


def _git(repository: Path, *words: str, stdin: bytes | None = None) -> bytes | None:
    """Return what git prints, `None` when it refuses. Raises `EngineError` when it cannot be run."""
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(repository), *words]
    environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, input=stdin or b"", capture_output=True, timeout=_TIMEOUT_S, check=False, env=environ
        )
    except subprocess.TimeoutExpired as exc:
        raise EngineError(f"git {words[0]} did not end within {_TIMEOUT_S:g} s") from exc
    except OSError as exc:
        raise EngineError(f"git cannot be started: {exc.strerror}; name directories instead of revisions") from exc
    return done.stdout if done.returncode == 0 else None
