"""Processes that are measured: the worker and what is beside it. Linux only, by /proc."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

STOP_SECONDS = 20.0
START_SECONDS = 60.0
#: What a worker says when a task begins to consume.
_CONSUMES = "Task {topic}-0 runs from offset"


class Usage(NamedTuple):
    """What a process has used since it began: CPU seconds of all threads, peak RSS in bytes."""

    cpu_seconds: float
    peak_rss: int


def usage(pid: int) -> Usage:
    """The usage of a running process until now."""
    # The name, in parentheses, may hold spaces; utime and stime are fields 14 and 15.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    status = Path(f"/proc/{pid}/status").read_text()
    peak_kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), int(peak_kib) * 1024)


class Worker:
    """`tally worker` as shipped, in a process of its own; its output goes to a file."""

    def __init__(self, folder: Path, kafka: Mapping[str, str], settings: Mapping[str, str]) -> None:
        self._log = folder / "worker.log"
        self._topic = settings["STREAMS_INPUT_TOPIC"]
        self._env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("STREAMS_", "KAFKA_"))},
            **kafka,
            "STREAMS_DATA_DIR": str(folder / "data"),
            "STREAMS_WEB_PORT": str(_free_port()),
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "worker"],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process."""
        assert self._process is not None, "the worker is started before it is measured"
        return self._process

    def usage(self) -> Usage:
        """What it has used until now; raises RuntimeError if it has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the worker ended:\n{self._log.read_text()[-2000:]}")
        return usage(self.process.pid)

    def wait_until_consuming(self) -> None:
        """Return when the first task of the input topic begins to consume."""
        wanted = _CONSUMES.format(topic=self._topic)
        deadline = time.monotonic() + START_SECONDS
        while wanted not in self._log.read_text(errors="replace"):
            self.usage()
            if time.monotonic() > deadline:
                raise RuntimeError(f"the worker did not say {wanted!r} within {START_SECONDS:g} s")
            time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
