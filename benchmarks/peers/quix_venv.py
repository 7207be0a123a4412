"""Quix Streams in a virtual environment of its own, for its pins may clash with ours."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.progress import say

VERSION = "3.28.1"


def python() -> str:
    """Its interpreter; the environment is made on first use, below the user's cache folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "tally" / f"quixstreams-{VERSION}"
    done = folder / "installed"
    if not done.exists():
        say(f"installing Quix Streams {VERSION} in {folder}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q"]
        subprocess.run([*pip, f"quixstreams=={VERSION}"], check=True)
        done.touch()
    return str(folder / "bin" / "python")
