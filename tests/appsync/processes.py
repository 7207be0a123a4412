"""Peers that run as processes of their own, and end with the test."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local import tether
from tests.polling import until
from tests.worker import clean_environment

STOP_SECONDS = 30.0


class Process:
    """A program whose output goes to a file; a context manager."""

    def __init__(
        self, name: str, folder: Path, command: Sequence[str], variables: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        # It dies with the thread that starts it, which is pytest's.
        mortal = [sys.executable, "-ISs", tether.__file__, str(os.getpid())]
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [*mortal, *command],
                env={**clean_environment(), **variables},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def said(self) -> str:
        """All its output."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def lines(self) -> list[str]:
        """Those that it has ended: another one may be half written."""
        whole, _, _ = self.said().rpartition("\n")
        return whole.splitlines()

    def tail(self) -> str:
        """The end of its output."""
        return "\n".join(self.said().splitlines()[-25:])

    def until_said(self, text: str, seconds: float = 120) -> None:
        """Wait until it has printed `text`."""

        def has() -> bool:
            if text in self.said():
                return True
            code = self._process.poll()
            assert code is None, f"{self.name} ended with {code}\n{self.tail()}"
            return False

        until(has, f"{self.name} says {text!r}", seconds, self.tail)
