"""Checkov in a virtual environment of its own, for its pins clash with ours."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cloud.templates import FOLDER

VERSION = "3.3.30"


class Findings(NamedTuple):
    """What it says of the templates."""

    passed: int
    #: Each failed check, with its file and resource.
    failed: list[str]
    #: Why the templates leave checks out.
    explanations: list[str]


def run() -> Findings:
    """Check all templates."""
    # Nothing is asked of the platform that belongs to it.
    options = ["--framework", "cloudformation", "-o", "json", "--skip-download"]
    done = subprocess.run(
        [_program(), "-d", str(FOLDER), *options], capture_output=True, text=True, check=False
    )
    results = json.loads(done.stdout)["results"]
    return Findings(
        len(results["passed_checks"]),
        [f"{c['check_id']} {c['file_path']} {c['resource']}" for c in results["failed_checks"]],
        [c["check_result"].get("suppress_comment", "") for c in results["skipped_checks"]],
    )


def _program() -> str:
    """It; the environment is made on first use, below the user's cache folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "tally" / f"checkov-{VERSION}"
    done = folder / "installed"
    if not done.exists():
        venv = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)]
        subprocess.run(venv, check=True)
        # It uses a fraction of what it brings.
        options = ["install", "--quiet", "--no-compile", f"checkov=={VERSION}"]
        pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), *options]
        installed = subprocess.run(pip, check=False)
        if installed.returncode != 0:
            pytest.skip(f"checkov {VERSION} can't be installed")
        done.touch()
    return str(folder / "bin" / "checkov")
