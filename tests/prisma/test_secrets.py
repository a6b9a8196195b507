"""The look for secrets after every fault (`test_command_faults`) finds what leaks; and the commands beside `gate`."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import observe
from support.aims_server import AimsServer

LEAKS = {
    "stdout": "print(secret, flush=True)",
    "stderr": "print(secret, file=sys.stderr, flush=True)",
    "artifacts": "open(sys.argv[-1] + '/x.json', 'w').write(secret)",
    "command line": "subprocess.run([sys.executable, '-c', 'import time; time.sleep(0.5)', secret])",
    "files": "f = tempfile.NamedTemporaryFile('w'); f.write(secret); f.flush(); time.sleep(0.5)",
    "nameless files": "f = tempfile.TemporaryFile('w'); f.write(secret); f.flush(); time.sleep(0.5)",
}


@pytest.mark.parametrize("place", LEAKS)
def test_a_program_that_leaks_is_caught(place: str, tmp_path: Path) -> None:
    program = "import os, subprocess, sys, tempfile, time; secret = os.environ['MODEL_SECURITY_CLIENT_SECRET']; "
    with AimsServer() as aims:
        run = observe.run(["-W", "ignore", "-c", program + LEAKS[place]], aims, tmp_path)
    assert run.code == 0, run.err
    expected = place.removeprefix("nameless ")
    assert expected in run.leaks()
    assert run.leaks() <= {expected, "files"}
