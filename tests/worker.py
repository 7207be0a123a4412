"""Worker processes: started, asked, frozen and killed by tests."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from deploy.local import tether
from deploy.local.ports import HOST, allocate
from tests.polling import until

#: How long a busy machine may take for what takes a moment.
ANSWER_SECONDS = 30.0
STOP_SECONDS = 60.0
START_SECONDS = 120.0
#: The variables of the project itself: a worker gets only those that its test means it to have.
OURS = re.compile("(STREAMS|KAFKA|TALLY)_")


def free_port() -> int:
    """A loopback port that nothing listens on; another one each time."""
    return allocate(1, 0)[1].client


def clean_environment() -> dict[str, str]:
    """This process's environment without the project's variables."""
    return {name: value for name, value in os.environ.items() if not OURS.match(name)}


class Worker:
    """One worker with a data folder of its own; it may be started again after it ended."""

    def __init__(self, name: str, folder: Path, variables: Mapping[str, str]) -> None:
        self.name = name
        self.port = free_port()
        self.data = folder / f"{name}-data"
        self.log = folder / f"{name}.log"
        self._environment = {
            **clean_environment(),
            "STREAMS_DATA_DIR": str(self.data),
            "STREAMS_WEB_PORT": str(self.port),
            # Its first WebSocket client waits until it has connected to Kafka.
            "STREAMS_LIVE_HANDSHAKE_SECONDS": "60",
            **variables,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._said_from = 0

    def start(self, crash_at: str = "", command: Sequence[str] = ()) -> "Worker":
        """Start it; `crash_at` is "name:n" of `streams.crash_points`."""
        assert not self.alive
        # It dies with the thread that starts it, which is pytest's: no run leaves workers behind.
        mortal = [sys.executable, "-ISs", tether.__file__, str(os.getpid())]
        worker = [sys.executable, "-m", "streams.cli", "worker"]
        crashing = {"TALLY_CRASH_AT": crash_at} if crash_at else {}
        self._said_from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [*mortal, *(command or worker)],
                env={**self._environment, **crashing},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started last."""
        assert self._process is not None, "the worker was never started"
        return self._process

    @property
    def alive(self) -> bool:
        """Whether the process exists; a frozen one does."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """SIGSTOP: its connections stay open, nothing answers."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """SIGTERM, and wait; returns the exit code."""
        self.process.terminate()
        return self.wait()

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """The exit code, once it has ended."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.name} still runs after {seconds:g} s\n{self.tail()}"
            ) from None

    def end(self) -> None:
        """Leave nothing behind, whatever state it is in."""
        if self.alive:
            self.kill()

    def said(self) -> str:
        """What it has logged since it was last started."""
        with self.log.open("rb") as file:
            file.seek(self._said_from)
            return file.read().decode(errors="replace")

    def tail(self, lines: int = 25) -> str:
        """The end of its log."""
        return "\n".join(self.said().splitlines()[-lines:])

    def page(self, path: str, seconds: float = ANSWER_SECONDS) -> tuple[int, bytes]:
        """Status and body of one of its pages; raises OSError while it doesn't serve."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}{path}", timeout=seconds) as r:
                return r.status, r.read()
        except urllib.error.HTTPError as exc:
            return exc.code, exc.read()
        except http.client.HTTPException as exc:  # killed as it answered
            raise ConnectionError(f"{self.name} broke off: {exc!r}") from exc

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and content of `/health`."""
        status, body = self.page("/health")
        return status, json.loads(body)

    def metrics(self) -> dict[tuple[str, ...], float]:
        """All samples of `/metrics` by name and label values, those in the order of label names."""
        _, body = self.page("/metrics")
        return {
            (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(body.decode())
            for sample in family.samples
        }

    def running(self) -> set[str]:
        """Topic-partitions whose tasks run; none while it doesn't serve."""
        with contextlib.suppress(OSError):
            return {
                f"{task['topic']}-{task['partition']}"
                for task in self.health()[1]["tasks"]
                if task["status"] == "running"
            }
        return set()

    def until_running(self, tasks: int = 1, seconds: float = START_SECONDS) -> "Worker":
        """Wait until so many tasks run."""

        def enough() -> bool:
            assert self.alive, f"{self.name} ended: {self.process.returncode}\n{self.tail()}"
            return len(self.running()) >= tasks

        until(enough, f"{self.name} runs {tasks} tasks", seconds, self.tail)
        return self

    def until_said(self, text: str, seconds: float = START_SECONDS) -> None:
        """Wait until its log holds `text`."""
        until(lambda: text in self.said(), f"{self.name} says {text!r}", seconds, self.tail)

    def froze(self) -> bool:
        """Whether it was frozen since this was last asked; it may do so by `crash_points`."""
        pid, status = os.waitpid(self.process.pid, os.WNOHANG | os.WUNTRACED)
        assert not pid or os.WIFSTOPPED(status), f"{self.name} ended: {status}\n{self.tail()}"
        return pid != 0

    def until_killed(self, seconds: float = START_SECONDS) -> None:
        """Wait until it has ended, and that by SIGKILL."""
        until(lambda: not self.alive, f"{self.name} ends by itself", seconds, self.tail)
        assert self.process.returncode == -signal.SIGKILL, self.tail()
