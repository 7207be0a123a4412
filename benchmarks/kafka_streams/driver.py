"""The Kafka Streams program as a target: one process, which is warmed up before it is measured."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmarks import topics
from benchmarks.kafka_streams.build import jar
from benchmarks.lag import Lag
from benchmarks.progress import Progress, say
from benchmarks.targets import Job, new_app
from deploy.local.client import client_options

STOP_SECONDS = 30.0
#: A restore may be in it.
START_SECONDS = 600.0
WARM_UP_SECONDS = 600.0


class WarmUp(NamedTuple):
    """A topic of the same kind of data, which is counted first."""

    topic: str
    partitions: int = topics.PARTITIONS


@dataclass(frozen=True)
class KafkaStreams:
    """exactly_once_v2, RocksDB, all settings at their defaults but for `settings`."""

    warm_up: WarmUp
    name: str = "Kafka Streams"
    settings: Mapping[str, str] = field(default_factory=dict)
    heap: str = "2g"

    @property
    def java_flags(self) -> list[str]:
        """All others are Java's defaults: G1 on a machine with two cores and 2 GB or more."""
        return [f"-Xmx{self.heap}"]

    @asynccontextmanager
    async def start(
        self, kafka: Mapping[str, str], job: Job, folder: Path
    ) -> "AsyncIterator[Program]":
        """Start Java, let it count the warm-up topic as another application, and stop that."""
        settings = {
            "bootstrap.servers": kafka["KAFKA_BOOTSTRAP"],
            "num.stream.threads": str(job.workers),
            **self.settings,
        }
        command = ["java", *self.java_flags, "-jar", str(await asyncio.to_thread(jar))]
        command += [str(job.window_ms), str(job.grace_ms)]
        command += [f"{name}={value}" for name, value in settings.items()]
        with (folder / "java.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        program = Program(process, job, folder)
        try:
            await self._warm_up(program, kafka, job)
            yield program
        finally:
            await program.end()

    async def _warm_up(self, program: "Program", kafka: Mapping[str, str], job: Job) -> None:
        options = client_options(kafka)
        warm = Job(new_app(), self.warm_up.topic, job.window_ms, job.grace_ms)
        await topics.create(options, warm.output, partitions=self.warm_up.partitions)
        began, progress = time.monotonic(), Progress("  warming up Java")
        await program.run(warm)
        async with Lag(options, warm.app, warm.input) as lag, asyncio.timeout(WARM_UP_SECONDS):
            while (left := await lag.records()) != 0:
                program.pids()
                progress.left(left or 0)
                await asyncio.sleep(0.5)
        await program.tell("stop", "stopped")
        await topics.delete_of(options, warm.app)
        say(f"  warmed up in {time.monotonic() - began:.0f} s")


class Program:
    """The running Java process."""

    def __init__(self, process: asyncio.subprocess.Process, job: Job, folder: Path) -> None:
        self._process = process
        self._job = job
        self._folder = folder
        #: What it has said since it began the measured job, such as `restored STORE RECORDS`.
        self.said: list[str] = []
        self.started_at = 0.0

    async def begin(self) -> None:
        """Return when its stream threads begin to consume."""
        self.started_at = time.monotonic()
        await self.run(self._job)

    async def wait_until_all_run(self) -> None:
        """Return at once: it says that it runs when all its tasks do."""

    async def run(self, job: Job) -> None:
        """Run a job, in this process."""
        state = self._folder / "state"
        await self.tell(f"run {job.app} {job.input} {job.output} {state}", "running")

    async def tell(self, command: str, answer: str) -> None:
        """Give a command and wait until it is answered."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n".encode())
        self.said = []
        async with asyncio.timeout(START_SECONDS):
            while not (self.said and self.said[-1].startswith(answer)):
                line = await self._process.stdout.readline()
                if not line:
                    raise RuntimeError(f"Kafka Streams ended:\n{self._log()}")
                self.said.append(line.decode().strip())

    def pids(self) -> list[int]:
        """Its process; raises RuntimeError if it has ended."""
        if self._process.returncode is not None:
            raise RuntimeError(f"Kafka Streams ended:\n{self._log()}")
        return [self._process.pid]

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    async def end(self) -> None:
        """Stop in good order, bounded."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _log(self) -> str:
        return (self._folder / "java.log").read_text(errors="replace")[-3000:]
