"""One measured run: a target counts a loaded topic from its beginning to its end."""

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import topics
from benchmarks.finals import FinalsReader
from benchmarks.lag import Lag
from benchmarks.proc import peak_rss, reset_peak_rss
from benchmarks.progress import say
from benchmarks.reference import Finals, Verdict, judge
from benchmarks.sampler import CpuSampler
from benchmarks.targets import Job, Target
from deploy.local import LocalKafka, local_or_external
from deploy.local.client import client_options

#: A run has ended when nothing is left to read and no final has come for so long.
QUIET_SECONDS = 3.0
STALLED_SECONDS = 120.0


class Kafka(NamedTuple):
    """The cluster: its KAFKA_* variables; its brokers' processes and folder if they are ours."""

    env: dict[str, str]
    broker_pids: Sequence[int]
    folder: Path | None

    @property
    def options(self) -> dict[str, Any]:
        """aiokafka's keyword arguments."""
        return client_options(self.env)


@contextmanager
def cluster() -> Iterator[Kafka]:
    """The external cluster, else one broker. A long load is worth the Java compiler's time."""
    with local_or_external(tiered=True) as found:
        if isinstance(found, LocalKafka):
            yield Kafka(found.env(), [broker.pid for broker in found.brokers], found.folder)
        else:
            yield Kafka(found.env(), [], None)


@dataclass(frozen=True, slots=True)
class Run:
    """A run. All times are from the start of consumption to the last final."""

    seconds: float
    cpu_seconds: float
    broker_cpu_seconds: float
    peak_rss: int
    finals: int
    #: Records that were left unread when nothing moved any more; 0 unless it got stuck.
    left: int
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self) | {"verdict": self.verdict._asdict()}


async def run(kafka: Kafka, target: Target, job: Job, expected: Finals) -> Run:
    """Run a target once, and delete what it has written."""
    await topics.create(kafka.options, job.output, partitions=job.partitions)
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        async with (
            FinalsReader(kafka.options, job.output, job.partitions) as reader,
            target.start(kafka.env, job, Path(folder)) as running,
        ):
            groups = {"target": running.pids, "brokers": lambda: kafka.broker_pids}
            with CpuSampler(groups) as sampler:
                for pid in running.pids():
                    reset_peak_rss(pid)
                await running.begin()
                began = time.monotonic()
                ended, left = await _until_the_end(kafka, job, reader, began, bool(expected))
                peak = sum(peak_rss(pid) for pid in running.pids())
    await topics.delete_of(kafka.options, job.app)
    seen, _ = reader.decode()
    found = Run(
        ended - began,
        sampler.used("target", began, ended),
        sampler.used("brokers", began, ended),
        peak,
        reader.count,
        left,
        judge(expected, seen),
    )
    say(f"  {found.seconds:.1f} s, {found.cpu_seconds:.1f} CPU s, {found.verdict}")
    return found


async def _until_the_end(
    kafka: Kafka, job: Job, reader: FinalsReader, began: float, finals: bool
) -> tuple[float, int]:
    """Wait for the last final; returns its time, and how many records were never read."""
    left: int | None = None
    moved = began
    async with Lag(kafka.options, job.app, job.input) as lag:
        while True:
            await reader.fetch(0.5)
            quiet = time.monotonic() - max(reader.newest, began)
            if quiet < QUIET_SECONDS:
                continue
            before, left = left, await lag.records()
            if left == 0 and (reader.count or not finals):
                return max(reader.newest, began), 0
            if left != before:
                moved = time.monotonic()
            if time.monotonic() - max(moved, reader.newest) > STALLED_SECONDS:
                say(f"  stuck: {left} records left")
                return max(reader.newest, began), left or 0
            await asyncio.sleep(0.2)
