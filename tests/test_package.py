"""What is built for users: the wheel holds everything that runs, and works away from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support.documents import document

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_every_file_of_the_package_and_of_the_policy_tree_is_in_the_wheel(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src/weightgate", "policies", "environments"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    shipped = {path.relative_to(wheel).as_posix() for path in wheel.rglob("*") if path.is_file()}
    expected = {path.removeprefix("src/") if path.startswith("src/") else f"weightgate/_tree/{path}" for path in listed}
    assert expected <= shipped
    assert "weightgate/py.typed" in shipped


def test_the_wheel_decides_with_the_tree_that_ships_with_it(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "findings.json").write_text(json.dumps(document()))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WEIGHTGATE_POLICY")}
    done = subprocess.run(
        [sys.executable, "-m", "weightgate", "check", "findings.json", "--all"],
        cwd=tmp_path,
        env={**environ, "PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "(shipped with weightgate)" in " ".join(done.stdout.split())


def test_the_core_depends_on_yaml_alone(wheel: Path) -> None:
    (metadata,) = wheel.glob("*.dist-info/METADATA")
    needed = [line for line in metadata.read_text().splitlines() if line.startswith("Requires-Dist")]
    assert [line for line in needed if "extra ==" not in line] == ["Requires-Dist: pyyaml>=6.0.2"]
    assert not any("model-security-client" in line or "model_security_client" in line for line in needed)
