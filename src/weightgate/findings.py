"""The findings document, `weightgate.findings/v1`: what scanners said about a model, in one shape.

`read` takes bytes from outside, `write` gives the canonical bytes. The JSON Schema of the same document is
`schemas/findings.schema.json` (`weightgate schema findings`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Any

from weightgate import strict
from weightgate.errors import InvalidDocument

SCHEMA = "weightgate.findings/v1"


class Severity(str, Enum):
    """How bad a finding is. `UNKNOWN` means that the scanner states none; the policy derives it."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    INFO = "INFO"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def of(cls, native: object) -> Severity:
        """Return the severity that `native` spells (any case), `UNKNOWN` for every other value."""
        try:
            return cls(str(native).upper())
        except ValueError:
            return cls.UNKNOWN


class Source(str, Enum):
    """Where a model lies."""

    HUGGINGFACE = "huggingface"
    LOCAL = "local"
    S3 = "s3"
    GCS = "gcs"
    AZURE = "azure"
    ARTIFACTORY = "artifactory"
    GITLAB = "gitlab"


class Status(str, Enum):
    """Whether a scan can be relied on: `completed` lost nothing, `partial` lost files, `failed` says nothing."""

    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"


class Enforcement(str, Enum):
    """What a scan service does with a violated rule, where it says."""

    BLOCKING = "BLOCKING"
    ALLOWING = "ALLOWING"


@dataclass(frozen=True, slots=True)
class Generator:
    """The program that wrote the document."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model."""

    path: str
    """Relative to the model's directory, `/` between the steps."""
    size: int
    """In bytes; 0 when it is not known, in which case `sha256` is `None`."""
    sha256: str | None
    """64 hexadecimal digits, or `None` when the file was never here."""
    format: str
    """What the content is (see `weightgate.inventory`), `unknown` when nothing tells."""


@dataclass(frozen=True, slots=True)
class Model:
    """The model that was scanned."""

    uri: str
    source: Source
    name: str | None
    revision: str | None
    digest: str | None
    """`model_digest` of `files`; `None` only when the files were never here."""
    files: tuple[ModelFile, ...]


@dataclass(frozen=True, slots=True)
class Unscanned:
    """A file that a scanner did not look at, or not to its end."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class ScanErrorRecord:
    """An error that a scanner reports about itself or about one file."""

    code: str
    message: str
    path: str | None


@dataclass(frozen=True, slots=True)
class Reference:
    """The scan in the service that made it."""

    id: str
    url: str | None
    profile: str | None


@dataclass(frozen=True, slots=True)
class Scan:
    """One run of one scanner."""

    scanner: str
    version: str | None
    status: Status
    outcome: str | None
    """The scanner's own word on the whole scan, upper case. A local scanner that ran to its end says `CLEAN`."""
    started_at: str | None
    finished_at: str | None
    files_scanned: int | None
    unscanned: tuple[Unscanned, ...]
    errors: tuple[ScanErrorRecord, ...]
    reference: Reference | None
    report_sha256: str
    """64 hexadecimal digits of the raw report's SHA-256."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One scanner's statement about one file of a model."""

    id: str
    """Stable fingerprint; made by `identify`."""
    scanner: str
    rule: str
    threat: str | None
    category: str
    severity: Severity
    """Normalized; what the scanner itself said stays in `native_severity`."""
    native_severity: str | None
    title: str
    description: str
    path: str | None
    location: str | None
    """Where in the file: an archive member, a position, a layer; free text."""
    remediation: str | None
    references: tuple[str, ...]
    enforcement: Enforcement | None


@dataclass(frozen=True, slots=True)
class FindingsDocument:
    """What every scanner said about one model."""

    generated_at: str
    generator: Generator
    model: Model
    scans: tuple[Scan, ...]
    findings: tuple[Finding, ...]


def model_digest(files: tuple[ModelFile, ...]) -> str | None:
    """Return the digest over the sorted (path, sha256) of `files`; `None` when a file's sha256 is not known.

    It is the SHA-256 of the canonical JSON list of `[path, sha256]` pairs.
    """
    if any(file.sha256 is None for file in files):
        return None
    return strict.digest(strict.canonical(sorted([file.path, file.sha256] for file in files)))


def fingerprint(*parts: str | None) -> str:
    """Return the id of the finding that `parts` identify: `wgf-` and 24 hexadecimal digits (96 bits of SHA-256).

    Give only what stays the same in the next scan: scanner, rule, relative path, place, evidence. No time,
    absolute path, severity or version.
    """
    return "wgf-" + hashlib.sha256(strict.canonical(list(parts))).hexdigest()[:24]


def identify(findings: list[Finding]) -> tuple[Finding, ...]:
    """Give each finding its id and sort them; those that nothing tells apart are numbered in their order.

    The id is made of scanner, rule, threat, path, location and description. The `id` that the findings come with
    is not used.
    """
    from dataclasses import replace

    counts: dict[tuple[str | None, ...], int] = {}
    named = []
    for finding in findings:
        key = (finding.scanner, finding.rule, finding.threat, finding.path, finding.location, finding.description)
        counts[key] = number = counts.get(key, 0) + 1
        named.append(replace(finding, id=fingerprint(*key) if number == 1 else fingerprint(*key, str(number))))
    return tuple(sorted(named, key=lambda f: (f.path or "", f.scanner, f.rule, f.location or "", f.id)))


_FILE = strict.record(
    ModelFile,
    {"path": strict.text, "size": strict.count, "sha256": strict.nullable(strict.sha256), "format": strict.text},
)


def _enum(kind: type[Enum]) -> strict.Reader[Any]:
    read_word = strict.word(*(member.value for member in kind))
    return lambda value, at: kind(read_word(value, at))


_MODEL = strict.record(
    Model,
    {
        "uri": strict.text,
        "source": _enum(Source),
        "name": strict.nullable(strict.text),
        "revision": strict.nullable(strict.text),
        "digest": strict.nullable(strict.prefixed_digest),
        "files": strict.array(_FILE),
    },
)

_SCAN = strict.record(
    Scan,
    {
        "scanner": strict.text,
        "version": strict.nullable(strict.text),
        "status": _enum(Status),
        "outcome": strict.nullable(strict.text),
        "started_at": strict.nullable(strict.time),
        "finished_at": strict.nullable(strict.time),
        "files_scanned": strict.nullable(strict.count),
        "unscanned": strict.array(strict.record(Unscanned, {"path": strict.text, "reason": strict.text})),
        "errors": strict.array(
            strict.record(
                ScanErrorRecord,
                {"code": strict.text, "message": strict.string, "path": strict.nullable(strict.text)},
            )
        ),
        "reference": strict.nullable(
            strict.record(
                Reference,
                {"id": strict.text, "url": strict.nullable(strict.text), "profile": strict.nullable(strict.text)},
            )
        ),
        "report_sha256": strict.sha256,
    },
)

_FINDING = strict.record(
    Finding,
    {
        "id": strict.text,
        "scanner": strict.text,
        "rule": strict.text,
        "threat": strict.nullable(strict.text),
        "category": strict.text,
        "severity": _enum(Severity),
        "native_severity": strict.nullable(strict.string),
        "title": strict.text,
        "description": strict.string,
        "path": strict.nullable(strict.text),
        "location": strict.nullable(strict.text),
        "remediation": strict.nullable(strict.text),
        "references": strict.array(strict.text),
        "enforcement": strict.nullable(_enum(Enforcement)),
    },
)

_GENERATOR = strict.record(Generator, {"name": strict.text, "version": strict.text})


def _document(schema: str, **fields: Any) -> FindingsDocument:
    return FindingsDocument(**fields)


_DOCUMENT = strict.record(
    _document,
    {
        "schema": strict.word(SCHEMA),
        "generated_at": strict.time,
        "generator": _GENERATOR,
        "model": _MODEL,
        "scans": strict.array(_SCAN),
        "findings": strict.array(_FINDING),
    },
)


def read(raw: bytes, where: str = "findings document") -> FindingsDocument:
    """Return the document that `raw` holds.

    Raises `InvalidDocument` naming `where` and a JSON pointer: for anything but strict JSON, an unknown or missing
    key, a wrong type or word, two files with one path, two findings with one id.
    """
    return parse(strict.loads(raw, where), where)


def parse(value: Any, where: str) -> FindingsDocument:
    """Return the document that the JSON value `value` is; raises as `read` does."""
    try:
        document = _DOCUMENT(value, "")
        _check(document)
    except InvalidDocument as exc:
        raise InvalidDocument(where, exc.pointer, exc.problem) from None
    return document


def _check(document: FindingsDocument) -> None:
    """Check what no single field shows."""
    _no_twins([file.path for file in document.model.files], "/model/files/{}/path", "path")
    _no_twins([finding.id for finding in document.findings], "/findings/{}/id", "id")


def _no_twins(values: list[str], pointer: str, what: str) -> None:
    if len(set(values)) == len(values):
        return
    seen: set[str] = set()
    for number, value in enumerate(values):
        if value in seen:
            strict.fail(pointer.format(number), f"the {what} {strict.show(value)} stands twice in the document")
        seen.add(value)


def to_json(document: FindingsDocument) -> dict[str, Any]:
    """Return the document as plain JSON values, in the contract's key order."""
    model = document.model
    return {
        "schema": SCHEMA,
        "generated_at": document.generated_at,
        "generator": _plain(document.generator),
        "model": {**_plain(model), "files": [_plain(file) for file in model.files]},
        "scans": [_scan_json(scan) for scan in document.scans],
        "findings": [_plain(finding) for finding in document.findings],
    }


def _scan_json(scan: Scan) -> dict[str, Any]:
    return {
        **_plain(scan),
        "unscanned": [_plain(item) for item in scan.unscanned],
        "errors": [_plain(item) for item in scan.errors],
        "reference": None if scan.reference is None else _plain(scan.reference),
    }


def _plain(item: Any) -> dict[str, Any]:
    values = {name: getattr(item, name) for name in item.__slots__}
    return {
        name: value.value if isinstance(value, Enum) else list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
    }


def write(document: FindingsDocument) -> bytes:
    """Return the canonical bytes of `document`, without a newline: `sha256sum` of the file is its `input_digest`.

    Raises `InvalidDocument` when the document would not be read back.
    """
    raw = strict.canonical(to_json(document))
    read(raw, "the document to be written")
    return raw
