"""What may be named as a remote model."""

from __future__ import annotations

import pytest

from weightgate.errors import UsageError
from weightgate.findings import Source
from weightgate.scanners.prisma_airs import is_reference, parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HF = "https://huggingface.co/acme/tiny"


@pytest.mark.parametrize(
    ("text", "uri", "source", "name", "revision"),
    [
        (HF, HF, Source.HUGGINGFACE, "acme/tiny", None),
        (f"{HF}/", HF, Source.HUGGINGFACE, "acme/tiny", None),
        ("HTTPS://HuggingFace.co/acme/tiny", HF, Source.HUGGINGFACE, "acme/tiny", None),
        (f"{HF}/tree/main", HF, Source.HUGGINGFACE, "acme/tiny", "main"),
        (f"{HF}/tree/{COMMIT}", HF, Source.HUGGINGFACE, "acme/tiny", COMMIT),
        (f"{HF}/tree/{COMMIT.upper()}", HF, Source.HUGGINGFACE, "acme/tiny", COMMIT),
        (f"{HF}/tree/refs/pr/1", HF, Source.HUGGINGFACE, "acme/tiny", "refs/pr/1"),
        (f"{HF}/tree/refs%2Fpr%2F1", HF, Source.HUGGINGFACE, "acme/tiny", "refs/pr/1"),
        (f"{HF}/tree/v1.0", HF, Source.HUGGINGFACE, "acme/tiny", "v1.0"),
        ("s3://bucket/a/b", "s3://bucket/a/b", Source.S3, "bucket/a/b", None),
        ("gs://bucket/a/", "gs://bucket/a", Source.GCS, "bucket/a", None),
        (
            "https://acct.blob.core.windows.net/models/tiny",
            "https://acct.blob.core.windows.net/models/tiny",
            Source.AZURE,
            "models/tiny",
            None,
        ),
        (
            "https://acme.jfrog.io/artifactory/models/tiny",
            "https://acme.jfrog.io/artifactory/models/tiny",
            Source.ARTIFACTORY,
            "artifactory/models/tiny",
            None,
        ),
        (
            "https://gitlab.example.com/acme/tiny/-/ml/models/7",
            "https://gitlab.example.com/acme/tiny/-/ml/models/7",
            Source.GITLAB,
            "acme/tiny/-/ml/models/7",
            None,
        ),
    ],
)
def test_a_model_address_is_read(text: str, uri: str, source: Source, name: str, revision: str | None) -> None:
    reference = parse(text)
    assert (reference.uri, reference.source, reference.name, reference.revision) == (uri, source, name, revision)
    assert parse(reference.given) == reference


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("http://huggingface.co/acme/tiny", "http is refused"),
        ("http://127.0.0.1/acme/tiny", "http is refused"),
        ("HTTP://huggingface.co/acme/tiny", "http is refused"),
        ("ftp://huggingface.co/acme/tiny", "not a model address"),
        ("file:///etc/passwd", "not a model address"),
        ("https://huggingface.co", "empty"),
        ("https://huggingface.co/tiny", "not a model on Hugging Face"),
        ("https://huggingface.co/datasets/tiny", "not a model on Hugging Face"),
        ("https://huggingface.co/acme/-tiny", "not a model on Hugging Face"),
        ("https://huggingface.co/acme/../tiny", "step"),
        ("https://huggingface.co/acme/%2e%2e", "step"),
        (f"{HF}/blob/main/model.bin", "only a whole model"),
        (f"{HF}/resolve/main/model.bin", "only a whole model"),
        (f"{HF}/tree", "only a whole model"),
        (f"{HF}/tree/main/sub", "only a whole model"),
        (f"{HF}/tree/a%00b", "only a whole model"),
        (f"{HF}/tree/-x", "only a whole model"),
        (f"{HF}?revision=main", "query"),
        (f"{HF}#x", "fragment"),
        ("https://huggingface.co:444/acme/tiny", "port"),
        ("https://huggingface.co:x/acme/tiny", "not an address"),
        ("https://huggingface.co.example.com/acme/tiny", "no model store"),
        ("https://evilhuggingface.co/acme/tiny", "no model store"),
        ("https://example.com/acme/tiny", "no model store"),
        ("https://acct.blob.core.windows.net/models", "no model store"),
        ("https://blob.core.windows.net.example.com/a/b", "no model store"),
        ("s3://", "no bucket"),
        ("s3://bucket", "empty"),
        ("s3://bucket/../x", "step"),
        ("s3://UPPER/x", "no bucket"),
        (f"{HF}\n", "space or a character"),
        (f"{HF} x", "space or a character"),
        ("https://huggingface.co\\acme\\tiny", "space or a character"),
        ("https://hüggingface.co/acme/tiny", "space or a character"),
    ],
)
def test_anything_else_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://user:hunter2@huggingface.co/acme/tiny",
        "https://hunter2@huggingface.co/acme/tiny",
        "https://acct.blob.core.windows.net/models/tiny?sig=hunter2",
        "s3://bucket/a?token=hunter2",
    ],
)
def test_a_secret_in_an_address_is_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(HF, True), ("http://x", True), ("s3://b/k", True), ("model", False), ("./a://b", False), ("C:\\models", False)],
)
def test_an_address_is_told_from_a_path(text: str, expected: bool) -> None:
    assert is_reference(text) is expected


@pytest.mark.parametrize(
    ("revision", "pinned"), [(COMMIT, True), (COMMIT[:39], False), ("main", False), (COMMIT + "0" * 24, True)]
)
def test_only_a_full_commit_is_pinned(revision: str, pinned: bool) -> None:
    assert parse(f"{HF}/tree/{revision}").pinned is pinned


def test_the_default_branch_is_not_pinned() -> None:
    assert not parse(HF).pinned
