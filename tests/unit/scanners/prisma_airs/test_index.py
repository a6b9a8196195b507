"""The vendor's SDK comes from the private index alone, and the index's address is seen by nobody."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.aims_server import AimsServer
from support.pip_index import PipIndex
from support.watch import CommandLines
from weightgate.errors import ScannerError, UsageError
from weightgate.scanners.prisma_airs import index, sdk

CLIENT = {
    "model_security_client/__init__.py": "",
    "model_security_client/api.py": "class ModelSecurityAPIClient: pass\n",
}


@pytest.fixture
def private() -> Iterator[PipIndex]:
    with PipIndex("_token", secrets.token_urlsafe(24)) as running:
        running.add(
            "model-security-client", "1.1.2", CLIENT, ("airs-schemas>=1", "tiny-dep; extra == 'aws'", "six-ish")
        )
        running.add("airs-schemas", "1.0", {"airs_schemas.py": "WHOSE = 'vendor'\n"})
        yield running


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> Iterator[PipIndex]:
    """The public index, with a third party's packages of the vendor's names."""
    with PipIndex() as running:
        running.add("model-security-client", "99.0", {"model_security_client/__init__.py": "raise SystemExit('evil')"})
        running.add("airs-schemas", "99.0", {"airs_schemas.py": "WHOSE = 'third party'\n"})
        running.add("six-ish", "2.0", {"six_ish.py": ""}, ("model-security-client>=1",))
        running.add("tiny-dep", "3.0", {"tiny_dep.py": ""})
        for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PIP_INDEX_URL", running.url)
        yield running


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEIGHTGATE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv(sdk.PYTHON_VARIABLE, raising=False)
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def aims(private: PipIndex, monkeypatch: pytest.MonkeyPatch) -> Iterator[AimsServer]:
    with AimsServer() as server:
        server.index_url = private.url
        for name, value in server.environ().items():
            monkeypatch.setenv(name, value)
        yield server


def install(**options: str) -> tuple[str, list[str]]:
    lines: list[str] = []
    return index.install(report=lines.append, **options), lines  # type: ignore[arg-type]


def test_the_sdk_is_installed_from_the_private_index_alone(
    private: PipIndex,
    public: PipIndex,
    aims: AimsServer,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", public.url)
    with CommandLines() as seen:
        version, lines = install(extras="aws")
    assert version == "1.1.2"
    python = index.installed()
    assert python is not None
    assert sdk.find() == sdk.Interpreter(python, None)
    library = next((index.folder() / "lib").glob("python3*/site-packages"))
    assert (library / "airs_schemas.py").read_text() == "WHOSE = 'vendor'\n"
    assert (library / "model_security_client" / "api.py").is_file()
    assert {"six_ish.py", "tiny_dep.py"} <= {path.name for path in library.iterdir()}
    assert not {"model-security-client", "airs-schemas"} & set(public.asked)
    assert set(public.asked) == {"six-ish", "tiny-dep"}
    assert any("pip download" in line for line in seen.lines), "pip was not seen, so this proves nothing"
    captured = capfd.readouterr()
    kept = [path.read_text("utf-8", "replace") for path in place.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    for text in (*seen.lines, *lines, captured.out, captured.err, *kept):
        for secret in (private.password, aims.client_secret):
            assert secret not in text
    assert list(place.parent.glob("weightgate-*")) == []


@pytest.mark.parametrize(
    ("files", "version", "says"),
    [
        (CLIENT, "0.0.1", "placeholder"),
        ({"model_security_client/__init__.py": ""}, "1.0", "does not work"),
    ],
    ids=["version", "no-client"],
)
def test_what_is_not_the_vendors_is_not_installed(
    files: dict[str, str], version: str, says: str, private: PipIndex, public: PipIndex
) -> None:
    private.files.clear()
    private.add("model-security-client", version, files)
    with pytest.raises(ScannerError, match=says):
        install()
    assert index.installed() is None
    assert not index.folder().exists()


@pytest.mark.parametrize("status", [500, 403, 302])
def test_an_unclear_answer_of_the_private_index_sends_nobody_to_the_public_one(
    status: int, private: PipIndex, public: PipIndex
) -> None:
    private.status["airs-schemas"] = status
    with pytest.raises(ScannerError, match="does not say whether it has airs-schemas") as caught:
        install()
    assert private.password not in str(caught.value)
    assert public.asked == []
    assert index.installed() is None


def test_an_sdk_that_the_private_index_lacks_is_not_taken_from_the_public_one(
    private: PipIndex, public: PipIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    private.files.clear()
    with pytest.raises(ScannerError, match="could not download model-security-client") as caught:
        install()
    assert private.password not in str(caught.value)
    assert public.asked == []


@pytest.mark.parametrize(
    "options",
    [{"version": "--pre"}, {"version": ""}, {"extras": "aws;x"}, {"extras": "-x ]"}, {"python": "/no/python"}],
)
def test_bad_arguments_are_refused(options: dict[str, str], private: PipIndex) -> None:
    with pytest.raises(UsageError):
        install(**options)
    assert private.asked == []
