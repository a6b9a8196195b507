"""A model is downloaded from the Hub at one commit, within a limit, and nothing of it is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.hub_server import COMMIT, HubServer
from support.watch import CommandLines
from weightgate.errors import ScannerError, ScannerNotInstalled, ScanTimeout, UsageError
from weightgate.findings import Source
from weightgate.scanners import hub
from weightgate.scanners.prisma_airs.references import parse
from weightgate.subject import Subject, opened

pytest.importorskip("huggingface_hub", reason="the extra [hub] is not installed")

FILES = {"README.md": b"# tiny\n", "model.safetensors": b"\x02\0\0\0\0\0\0\0{}", "sub/config.json": b"{}"}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with HubServer(dict(FILES)) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield running
    assert list(tmp_path.iterdir()) == [], "something was left behind"


def fetch(given: str, *, max_bytes: int = 1024**3, seconds: float = 60) -> Subject:
    with opened(given, files=True, max_download=max_bytes, seconds=seconds, progress=lambda line: None) as subject:
        return subject


@pytest.mark.parametrize("revision", ["", "/tree/main", f"/tree/{COMMIT}"], ids=["default", "branch", "commit"])
def test_a_model_is_fetched_at_its_commit(server: HubServer, revision: str) -> None:
    model = fetch(server.model + revision).model()
    assert (model.uri, model.source, model.name) == (server.model, Source.HUGGINGFACE, "acme/tiny")
    assert model.revision == COMMIT
    assert model.digest is not None
    assert [file.path for file in model.files] == ["README.md", "model.safetensors", "sub/config.json"]
    asked = {path for method, path, _ in server.requests if "/resolve/" in path}
    assert asked == {f"/acme/tiny/resolve/{COMMIT}/{path}" for path in FILES}


def test_the_files_are_there_while_it_is_open_and_are_no_links(server: HubServer, tmp_path: Path) -> None:
    with hub.downloaded(parse(server.model), max_bytes=10**6, seconds=60, progress=lambda line: None) as download:
        here = sorted(path for path in download.folder.rglob("*") if not path.is_dir())
        assert {str(path.relative_to(download.folder)): path.read_bytes() for path in here} == FILES
        assert not any(path.is_symlink() for path in here)
        assert download.folder.is_relative_to(tmp_path)


def test_the_token_reaches_the_hub_and_nothing_else(
    server: HubServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    server.private = True
    monkeypatch.setenv("HF_TOKEN", server.token)
    with CommandLines() as seen:
        fetch(server.model)
    assert {authorization for _, _, authorization in server.requests} == {f"Bearer {server.token}"}
    assert any("hub_driver.py" in line for line in seen.lines), "the child was not seen, so this proves nothing"
    assert not any(server.token in line for line in seen.lines)
    captured = capfd.readouterr()
    assert server.token not in captured.out + captured.err


def test_a_private_model_without_a_token_says_what_to_do(server: HubServer) -> None:
    server.private = True
    with pytest.raises(ScannerError, match="HF_TOKEN"):
        fetch(server.model)


def test_no_error_repeats_the_token(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", f"{server.token}x")
    monkeypatch.setattr(server, "name", "acme/other")
    server.commit = f"{server.token}x"
    with pytest.raises(ScannerError, match=r"commit '\*\*\*'") as caught:
        fetch("https://huggingface.co/acme/other")
    assert server.token not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sizes": {"README.md": 2 * 1024**3}}, "--max-download"),
        ({"sizes": {"README.md": None}}, "states no size"),
        ({"listed": []}, "holds no file"),
        ({"listed": ["../evil"]}, "outside of the model"),
        ({"listed": ["/evil"]}, "outside of the model"),
        ({"listed": [".cache/huggingface/evil.pkl"]}, "keeps its own books"),
        ({"served": {"model.safetensors": b"\x02\0\0\0\0\0\0\0[]"}}, "not what the Hub lists"),
        ({"sizes": {"README.md": 6}}, "README.md"),
        ({"commit": "main"}, "names the commit 'main'"),
        ({"commit": ""}, "names the commit"),
    ],
    ids=["large", "no-size", "empty", "parent", "absolute", "books", "content", "size", "no-commit", "empty-commit"],
)
def test_a_hub_that_misleads_is_not_believed(server: HubServer, change: dict[str, object], says: str) -> None:
    for name, value in change.items():
        setattr(server, name, value)
    with pytest.raises(ScannerError, match=says):
        fetch(server.model)


def test_another_commit_than_the_named_one_is_an_error(server: HubServer) -> None:
    server.aliases = {"f" * 40}
    with pytest.raises(ScannerError, match=f"gave commit {COMMIT}; expected ffff"):
        fetch(f"{server.model}/tree/{'f' * 40}")


def test_a_commit_that_is_not_there_is_an_error(server: HubServer) -> None:
    with pytest.raises(ScannerError, match="check what stands behind /tree/"):
        fetch(f"{server.model}/tree/{'f' * 40}")


def test_a_file_without_an_end_is_stopped(server: HubServer) -> None:
    server.endless = {"README.md"}
    with pytest.raises(ScannerError):
        fetch(server.model, max_bytes=1024**2)


def test_a_download_ends_in_time(server: HubServer) -> None:
    server.endless = {"README.md"}
    with pytest.raises(ScanTimeout):
        fetch(server.model, max_bytes=10**12, seconds=2)


def test_an_interrupt_leaves_nothing(server: HubServer) -> None:
    server.endless = {"README.md"}

    def stop(line: str) -> None:
        raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        hub.downloaded(parse(server.model), max_bytes=10**12, seconds=60, progress=stop),
    ):
        pass


@pytest.mark.parametrize("value", ["http://hub.example.org", "ftp://127.0.0.1", "https://user:pw@hub.example.org"])
def test_an_endpoint_that_protects_nothing_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", value)
    with pytest.raises(UsageError, match="HF_ENDPOINT"):
        fetch("https://huggingface.co/acme/tiny")


def test_a_hub_that_is_not_there_is_a_scanner_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ScannerError, match="acme/tiny"):
        fetch("https://huggingface.co/acme/tiny")


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ScannerNotInstalled, match=r"weightgate\[hub\]"):
        fetch("https://huggingface.co/acme/tiny")


def test_other_stores_are_not_downloaded() -> None:
    with pytest.raises(UsageError, match="download it first"):
        fetch("s3://bucket/model")
