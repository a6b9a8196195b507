"""What a user may name as a remote model: the vendor's source forms, read strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from weightgate.errors import UsageError
from weightgate.findings import Source

FORMS = (
    "https://huggingface.co/ORG/NAME[/tree/REVISION], s3://BUCKET/KEY, gs://BUCKET/KEY, "
    "https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH, https://HOST.jfrog.io/PATH, "
    "https://GITLAB/PROJECT/-/ml/models/ID"
)

_COMMIT = re.compile(r"[0-9a-fA-F]{40}([0-9a-fA-F]{24})?")
_HF_NAME = re.compile(r"(?!.*(?:\.\.|--))[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?")
_HF_REVISION = re.compile(r"(?!.*\.\.)[A-Za-z0-9_](?:[A-Za-z0-9._/+-]{0,253}[A-Za-z0-9_+-])?")
_HF_NOT_MODELS = frozenset({"datasets", "spaces", "collections", "papers", "docs", "blog", "api", "models", "settings"})


@dataclass(frozen=True, slots=True)
class ModelReference:
    """A model that lies elsewhere."""

    uri: str
    """The model's address without its revision, as a scan service is given it."""
    source: Source
    name: str
    """`ORG/NAME` on Hugging Face; elsewhere the path that names the model in its store."""
    revision: str | None
    """What stands behind `/tree/`: a commit in lower case, or a branch or tag; `None` for the default branch."""

    @property
    def pinned(self) -> bool:
        """Whether the revision is a full commit, which cannot move."""
        return self.revision is not None and is_commit(self.revision)

    @property
    def given(self) -> str:
        """The whole address, with the revision."""
        return self.uri if self.revision is None else f"{self.uri}/tree/{self.revision}"


def is_commit(revision: str) -> bool:
    """Whether `revision` is a full commit: 40 or 64 hexadecimal digits."""
    return _COMMIT.fullmatch(revision) is not None


def is_reference(text: str) -> bool:
    """Whether `text` names a remote model (it has a scheme) rather than a path on this machine."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def parse(text: str) -> ModelReference:
    """Return the remote model that `text` names.

    Raises `UsageError` for http, a form that is none of `FORMS`, and an address with a user, password, query or
    fragment, which are not repeated in the message.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as exc:
        raise UsageError(f"model address: not an address; expected one of {FORMS}") from exc
    if parts.username is not None or parts.password is not None or "?" in text or "#" in text:
        raise UsageError(f"model address on {host or 'no host'}: holds a user, password, query or fragment; remove it")
    if re.search(r"[^\x21-\x7e]", text) or "\\" in text:
        raise UsageError(f"model address {text!a}: holds a space or a character that no address has")
    if parts.scheme == "http":
        raise UsageError(f"{text}: http is refused, since anybody on the way could change the model; use https")
    if port is not None:
        raise UsageError(f"{text}: names a port; expected one of {FORMS}")
    if parts.scheme in ("s3", "gs"):
        return _bucket(text, parts, host)
    if parts.scheme == "https" and host == "huggingface.co":
        return _hugging_face(text, parts.path)
    if parts.scheme == "https":
        return _store(text, parts, host)
    raise UsageError(f"{text}: not a model address; expected one of {FORMS}")


def _steps(text: str, path: str) -> list[str]:
    steps = path.strip("/").split("/")
    if any(unquote(step) in ("", ".", "..") for step in steps):
        raise UsageError(f"{text}: the path is empty or has an empty, `.` or `..` step; expected one of {FORMS}")
    return steps


def _hugging_face(text: str, path: str) -> ModelReference:
    expected = "expected https://huggingface.co/ORG/NAME or https://huggingface.co/ORG/NAME/tree/REVISION"
    steps = _steps(text, path)
    if len(steps) < 2 or steps[0] in _HF_NOT_MODELS or not all(_HF_NAME.fullmatch(step) for step in steps[:2]):
        raise UsageError(f"{text}: not a model on Hugging Face; {expected}")
    name = "/".join(steps[:2])
    return ModelReference(f"https://huggingface.co/{name}", Source.HUGGINGFACE, name, _revision(text, steps[2:]))


def _revision(text: str, steps: list[str]) -> str | None:
    if not steps:
        return None
    revision = unquote("/".join(steps[1:]))
    # NOTE: `refs/pr/1` is the one kind of revision with slashes; in any other they would lead into a subfolder,
    # and the scan would be of the whole repository, which is not what was named.
    whole = len(steps) == 2 or (len(steps) == 4 and steps[1] == "refs")
    if steps[0] != "tree" or not whole or not _HF_REVISION.fullmatch(revision):
        raise UsageError(
            f"{text}: only a whole model can be named; expected nothing behind its name, or /tree/ and a commit, "
            "branch or tag"
        )
    return revision.lower() if is_commit(revision) else revision


def _bucket(text: str, parts: SplitResult, host: str) -> ModelReference:
    bucket = parts.netloc
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", bucket):
        raise UsageError(f"{text}: {bucket or 'nothing'} is no bucket; expected {parts.scheme}://BUCKET/KEY")
    steps = _steps(text, parts.path)
    source = Source.S3 if parts.scheme == "s3" else Source.GCS
    return ModelReference(text.rstrip("/"), source, "/".join([bucket, *steps]), None)


def _store(text: str, parts: SplitResult, host: str) -> ModelReference:
    steps = _steps(text, parts.path)
    path = "/".join(steps)
    if host.endswith(".blob.core.windows.net") and len(steps) >= 2:
        source = Source.AZURE
    elif host.endswith(".jfrog.io"):
        source = Source.ARTIFACTORY
    elif re.fullmatch(r".+/-/ml/models/[^/]+", path) or re.fullmatch(r"-/ml/models/[^/]+", path):
        source = Source.GITLAB
    else:
        raise UsageError(f"{text}: no model store that is known; expected one of {FORMS}")
    return ModelReference(text.rstrip("/"), source, path, None)
