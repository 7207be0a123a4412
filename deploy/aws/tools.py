"""The command-line programs that deploy: `aws`, and `docker` for the image."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


class DeployError(Exception):
    """What went wrong, for people."""


def aws(*arguments: str) -> Any:
    """Run `aws`; returns its answer, None if it has none. Raises DeployError."""
    out = _run(["aws", "--output", "json", *arguments], capture=True)
    return json.loads(out) if out.strip() else None


def aws_aloud(*arguments: str) -> None:
    """Run `aws` and let it tell people what it does. Raises DeployError."""
    _run(["aws", *arguments])


@contextmanager
def argument_file(text: str) -> Iterator[str]:
    """An argument of `aws` for a text that may be long, or that `ps` mustn't show."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        yield f"file://{file.name}"


def docker(*arguments: str, stdin: str | None = None) -> None:
    """Run `docker`. Raises DeployError."""
    _run(["docker", *arguments], stdin=stdin)


def _run(command: Sequence[str], *, capture: bool = False, stdin: str | None = None) -> str:
    if shutil.which(command[0]) is None:
        raise DeployError(f"{command[0]} isn't installed")
    done = subprocess.run(
        command,
        input=stdin,
        stdout=subprocess.PIPE if capture else None,
        stderr=subprocess.PIPE if capture else None,
        text=True,
        check=False,
        # Nobody is there to turn pages.
        env={**os.environ, "AWS_PAGER": ""},
    )
    if done.returncode != 0:
        reason = (done.stderr or "").strip() or f"exit code {done.returncode}"
        raise DeployError(f"{' '.join(command[:4])} ...: {reason}")
    return done.stdout or ""
