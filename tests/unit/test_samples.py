from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from weightgate.filetypes import INERT
from weightgate.inventory import walk

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
MODELS = ("sentiment-tiny", "sentiment-poisoned")


def _contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for name in MODELS
        for path in (root / name).rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("samples")
    subprocess.run([sys.executable, SAMPLES / "build.py", target], check=True, timeout=60)
    return target


def test_the_samples_are_what_their_script_builds(rebuilt: Path) -> None:
    built = _contents(rebuilt)
    assert len(built) == 15
    assert _contents(SAMPLES) == built


def test_every_file_of_the_good_model_is_proven_data() -> None:
    inventory = walk(SAMPLES / "sentiment-tiny")
    assert len(inventory.files) == 7
    assert inventory.unreadable == ()
    assert {file.format for file in inventory.files} == {"safetensors", "json", "text"} < INERT


def test_the_poisoned_model_is_the_good_one_and_a_checkpoint() -> None:
    good, bad = (set(walk(SAMPLES / name).files) for name in MODELS)
    assert good < bad
    assert [(file.path, file.format) for file in bad - good] == [("pytorch_model.bin", "torch-zip")]


def test_the_samples_are_small() -> None:
    assert sum(map(len, _contents(SAMPLES).values())) < 100_000
