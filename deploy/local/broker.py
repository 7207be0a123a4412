"""One broker: a process of its own, and the means to hurt it in a test."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from deploy.local.errors import BrokerDiedError
from deploy.local.ports import HOST, Addresses
from deploy.local.process import last_words, spawn

STOP_SECONDS = 10.0


class Broker:
    """A broker that can be started, stopped, killed and frozen as often as one likes."""

    def __init__(
        self,
        node_id: int,
        addresses: Addresses,
        command: list[str],
        log: Path,
        wait_until_ready: Callable[[Broker], None],
    ) -> None:
        self.node_id = node_id
        self.address = f"{HOST}:{addresses.client}"
        self.detours = addresses.detours
        self.log = log
        self._command = command
        self._wait_until_ready = wait_until_ready
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process exists; a paused broker is running."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id; it stays that of the last process once that has ended."""
        if self._process is None:
            raise RuntimeError(f"broker {self.node_id} was never started")
        return self._process.pid

    def start(self) -> None:
        """Start on the same data and port, and return when clients can work with it."""
        self.launch()
        self._wait_until_ready(self)

    def launch(self) -> None:
        """Start without waiting; nothing happens if it runs."""
        if not self.running:
            self._process = spawn(self._command, self.log)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Let it shut down in order (SIGTERM); kill it when that takes longer than ``timeout``."""
        self.terminate()
        self.wait_stopped(timeout)

    def terminate(self) -> None:
        """Ask it to shut down, without waiting."""
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)

    def wait_stopped(self, timeout: float) -> None:
        """Wait for the end of a shutdown; kill it when that takes longer than ``timeout``."""
        if self._process is not None:
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): its connections stay open, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen one go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def check_alive(self) -> None:
        """Raise, with the end of the log, if the process has ended."""
        if self._process is not None and not self.running:
            raise BrokerDiedError(
                f"Broker {self.node_id} ended by itself with code {self._process.returncode}; "
                f"from its log {self.log}:\n{last_words(self.log)}"
            )

    def _signal(self, number: signal.Signals) -> None:
        # Popen sends nothing to a process that has been waited for, so this never hits another
        # program that got the same id afterwards.
        if self._process is not None:
            self._process.send_signal(number)
