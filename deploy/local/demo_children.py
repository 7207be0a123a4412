"""The worker and the simulator: processes of their own, each with its log in a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from deploy.local.process import last_words, spawn
from streams.errors import TallyError

STOP_SECONDS = 8.0


class ChildDiedError(TallyError):
    """A process of the demo ended although nobody stopped it."""


class Child:
    """One module run by this Python, in a process group of its own."""

    def __init__(
        self, name: str, module: str, arguments: Iterable[str], folder: Path, env: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = [sys.executable, "-m", module, *arguments]
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        self._process = spawn(self._command, self.log, self._env)

    def check_alive(self) -> None:
        """Raise, with the end of the log, if the process has ended."""
        if self._process is not None and (code := self._process.poll()) is not None:
            raise ChildDiedError(
                f"The {self.name} ended by itself with code {code}; "
                f"from its log {self.log}:\n{last_words(self.log)}"
            )

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        if self._process is not None:
            self._process.terminate()

    def wait_stopped(self, seconds: float) -> None:
        """Wait for its end; then kill it, and whatever it may have started."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def stop_all(children: Iterable[Child]) -> None:
    """End all of them, the last started first, within STOP_SECONDS."""
    last_first = list(children)[::-1]
    for child in last_first:
        child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in last_first:
        child.wait_stopped(max(0.0, deadline - time.monotonic()))
