"""`tally worker` as shipped, as a target."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.proc import children
from benchmarks.targets import Job

STOP_SECONDS = 20.0
#: A restore may be in it.
START_SECONDS = 300.0


@dataclass(frozen=True)
class Tally:
    """Exactly once, RocksDB, all settings at their defaults but for `settings`."""

    name: str = "Tally"
    settings: Mapping[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def start(
        self, kafka: Mapping[str, str], job: Job, folder: Path
    ) -> "AsyncIterator[Workers]":
        """Prepare the worker; its output goes to files in `folder`."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("STREAMS_", "KAFKA_"))}
        env |= {
            **kafka,
            "STREAMS_DATA_DIR": str(folder / "data"),
            "STREAMS_WEB_PORT": str(_free_port()),
            "STREAMS_APP_ID": job.app,
            "STREAMS_INPUT_TOPIC": job.input,
            "STREAMS_OUTPUT_TOPIC": job.output,
            "STREAMS_WINDOW_SECONDS": f"{job.window_ms / 1000:g}",
            "STREAMS_GRACE_SECONDS": f"{job.grace_ms / 1000:g}",
            **self.settings,
        }
        workers = Workers(env, job, folder)
        try:
            yield workers
        finally:
            await asyncio.to_thread(workers.stop)


def for_old_data() -> Tally:
    """For a topic that was loaded: a source at its end is not idle, and closes no more windows."""
    return Tally(settings={"STREAMS_WINDOW_IDLE_SECONDS": "0"})


class Workers:
    """A worker, or several below one process."""

    def __init__(self, env: Mapping[str, str], job: Job, folder: Path) -> None:
        self._env = env
        self._job = job
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0

    async def begin(self) -> None:
        """Start, and return when a task of the input topic begins to consume."""
        self.started_at = time.monotonic()
        self._process = self._spawn()
        await self._wait_for_tasks(self._job.input, 1)

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "streams.cli", "worker"]
        with (self._folder / "worker.log").open("wb") as log:
            return subprocess.Popen(
                [*command, "--processes", str(self._job.workers)],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    async def wait_until_all_run(self) -> None:
        """Return when all tasks of both stages have begun to consume."""
        await self._wait_for_tasks(self._job.input, self._job.partitions)
        await self._wait_for_tasks(
            f"{self._job.app}-hashtag_counts-repartition", self._job.partitions
        )

    async def _wait_for_tasks(self, topic: str, n: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        runs = re.compile(f"Task {re.escape(topic)}-[0-9]+ runs from offset")
        while len(set(runs.findall(self.logs()))) < n:
            self.pids()
            if time.monotonic() > deadline:
                raise RuntimeError(f"not {n} tasks of {topic} ran in time:\n{self.logs()[-2000:]}")
            await asyncio.sleep(0.02)

    def logs(self) -> str:
        """What all of them have logged."""
        files = [self._folder / "worker.log", *self._folder.glob("data/worker-*/worker.log")]
        return "".join(file.read_text(errors="replace") for file in files)

    def pids(self) -> list[int]:
        """All processes, none before it begins; raises RuntimeError if it has ended."""
        if self._process is None:
            return []
        if self._process.poll() is not None:
            raise RuntimeError(f"the worker ended:\n{self.logs()[-2000:]}")
        return [self._process.pid, *children(self._process.pid)]

    def kill(self) -> None:
        """SIGKILL, for a single worker."""
        assert self._process is not None, "it has begun"
        self._process.kill()

    def stop(self) -> None:
        """Stop in good order, bounded."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
