"""Checkov in a virtual environment of its own, for its pins clash with ours."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cloud.templates import FOLDER

VERSION = "3.2.500"


def program() -> Path:
    """It; the environment is made on first use, below the user's cache folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "tally" / f"checkov-{VERSION}"
    done = folder / "installed"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q"]
        subprocess.run([*pip, f"checkov=={VERSION}"], check=True)
        done.touch()
    return folder / "bin" / "checkov"


def findings() -> Iterator[tuple[str, str, str]]:
    """Each failed check: its id, the file and the resource."""
    for found in _results("failed_checks"):
        yield found["check_id"], Path(found["file_path"]).name, found["resource"]


def explanations() -> Iterator[str]:
    """What is said of the checks that a template leaves out."""
    for found in _results("skipped_checks"):
        yield found["check_result"].get("suppress_comment", "")
