"""The dashboard's logic, by Node's own test runner: these tests are in JavaScript."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")
FOLDER = Path(__file__).with_name("dashboard")


@pytest.mark.skipif(NODE is None, reason="Node is missing (Debian: apt-get install nodejs)")
def test_javascript() -> None:
    files = sorted(FOLDER.glob("*.test.js"))
    assert len(files) >= 4
    done = subprocess.run(
        [str(NODE), "--test", *map(str, files)],
        env={**os.environ, "LC_ALL": "C", "LANG": "C"},  # numbers are written as in English
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
