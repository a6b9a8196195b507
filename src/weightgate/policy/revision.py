"""The git commit of a policy tree, asked of git while other work goes on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class Revision:
    """A question to git that runs beside the evaluation; `commit` waits for its answer."""

    def __init__(self, root: Path) -> None:
        """Ask git about `root`, when that lies in a git checkout."""
        self._process: subprocess.Popen[bytes] | None = None
        resolved = root.resolve()
        if not any((folder / ".git").exists() for folder in (resolved, *resolved.parents)):
            return
        command = ["git", "-c", "core.fsmonitor=false", "-C", str(root), "status", "--porcelain=v2", "--branch"]
        command += ["--untracked-files=all", "--", "policies", "environments"]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            )
        except OSError:
            # NOTE: without git the revision is not known, which the decision says; its digest still names the tree.
            self._process = None

    def commit(self) -> str | None:
        """Return the commit whose files the tree holds; `None` outside git and when a file of the tree differs
        from it."""
        if self._process is None:
            return None
        try:
            stdout, _ = self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            return None
        if self._process.returncode != 0:
            return None
        lines = stdout.decode("utf-8", "replace").splitlines()
        commits = [line.removeprefix("# branch.oid ") for line in lines if line.startswith("# branch.oid ")]
        clean = all(line.startswith("#") for line in lines)
        return commits[0] if clean and len(commits) == 1 and commits[0] != "(initial)" else None

    def close(self) -> None:
        """End git if it still runs."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process.wait()
