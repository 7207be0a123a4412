"""Latency: at a steady rate, how soon after its window could have closed a final is readable."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import topics
from benchmarks.disk import written
from benchmarks.finals import FinalsReader
from benchmarks.paced import Closed
from benchmarks.proc import peak_rss, reset_peak_rss
from benchmarks.progress import say
from benchmarks.reference import Finals, Verdict, judge
from benchmarks.run import Kafka
from benchmarks.sampler import CpuSampler
from benchmarks.targets import Job, Target, new_app

STALLED_SECONDS = 10.0
LINGER_SECONDS = 1.0


class Plan(NamedTuple):
    """How fast, how long, and with what windows; all other settings are the defaults."""

    rate: int
    seconds: float
    window_ms: int
    grace_ms: int


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from the acknowledged append to the readable final, ascending.

    `windows` holds each window's last final, `finals` every final; `from_sending` is as `windows`,
    but from when that append was handed to the producer: nothing that happened can be missing.
    """

    name: str
    plan: Plan
    rate: float
    windows: list[float]
    finals: list[float]
    from_sending: list[float]
    cpu_seconds_per_million: float
    broker_cpu_seconds_per_million: float
    peak_rss: int
    #: Bytes that the broker has written, by kind of topic, and for how many records of input.
    written: Mapping[str, int]
    records: int
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "name": self.name,
            **self.plan._asdict(),
            "measured_rate": self.rate,
            "windows": len(self.windows),
            "last_final": _p50_p99(self.windows),
            "each_final": _p50_p99(self.finals),
            "from_sending": _p50_p99(self.from_sending),
            "cpu_seconds_per_million": self.cpu_seconds_per_million,
            "broker_cpu_seconds_per_million": self.broker_cpu_seconds_per_million,
            "peak_rss": self.peak_rss,
            "written": dict(self.written),
            "records": self.records,
            "verdict": self.verdict._asdict(),
        }


def percentile(ascending: list[float], percent: float) -> float:
    """The value that `percent` of the values don't exceed."""
    return ascending[min(len(ascending) - 1, int(len(ascending) * percent / 100))]


def _p50_p99(ascending: list[float]) -> list[float]:
    return [percentile(ascending, 50), percentile(ascending, 99)] if ascending else []


async def measure(
    kafka: Kafka, target: Target, plan: Plan, read: Callable[..., Any] = FinalsReader
) -> Latency:
    """Run a target under a steady load; `read` makes what finals are read with."""
    window = f"windows of {plan.window_ms / 1000:g} s"
    say(f"latency of {target.name}: {plan.rate:,}/s for {plan.seconds:g} s, {window}")
    app = new_app()
    topic = f"{app}-input"
    job = Job(app, topic, plan.window_ms, plan.grace_ms)
    await topics.create(kafka.options, topic, job.output)
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        async with (
            read(kafka.options, job.output) as reader,
            target.start(kafka.env, job, Path(folder)) as running,
        ):
            groups = {"target": running.pids, "brokers": lambda: kafka.broker_pids}
            for pid in running.pids():
                reset_peak_rss(pid)
            before = written(kafka.folder, app) if kafka.folder else Counter()
            await running.begin()
            await reader.until_reading()
            with CpuSampler(groups) as sampler:
                began = time.monotonic()
                produced = await read_while_producing(kafka.env, job, plan, folder, reader)
                await reader.wait_for(len(produced["finals"]), STALLED_SECONDS)
            await reader.linger(LINGER_SECONDS)
            peak = sum(peak_rss(pid) for pid in running.pids())
            after = written(kafka.folder, app) if kafka.folder else Counter()
    await topics.delete_of(kafka.options, app)
    cpu = [sampler.used(name, began, reader.newest) for name in groups]
    return _result(target.name, plan, produced, reader, cpu, peak, after - before)


async def read_while_producing(
    kafka: Mapping[str, str], job: Job, plan: Plan, folder: str, reader: FinalsReader
) -> Any:
    """Run the load in a process of its own, and read finals meanwhile; returns what it says."""
    file = Path(folder) / "produced.json"
    arguments = [job.input, *map(str, plan), str(file)]
    env = {k: v for k, v in os.environ.items() if not k.startswith("KAFKA_")} | dict(kafka)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.paced", *arguments, env=env
    )
    ended = asyncio.ensure_future(process.wait())
    try:
        while not ended.done():
            await reader.fetch(0.5)
    finally:
        if not ended.done():
            process.kill()
    if await ended:
        raise RuntimeError("the producer of the load failed; see above")
    return json.loads(file.read_text())


def _result(
    name: str,
    plan: Plan,
    produced: Any,
    reader: FinalsReader,
    cpu: list[float],
    peak: int,
    bytes_written: Mapping[str, int],
) -> Latency:
    expected: Finals = {(tag.encode(), end): n for tag, end, n in produced["finals"]}
    seen, times = reader.decode()
    closed = [Closed(*fields) for fields in produced["closings"]]
    closed = [window for window in closed if window.end in times]
    millions = produced["records"] / 1e6
    found = Latency(
        name,
        plan,
        produced["records"] / produced["seconds"],
        sorted(1000 * (max(times[w.end]) - w.acked) for w in closed),
        sorted(1000 * (at - w.acked) for w in closed for at in times[w.end]),
        sorted(1000 * (max(times[w.end]) - w.sent) for w in closed),
        cpu[0] / millions,
        cpu[1] / millions,
        peak,
        bytes_written,
        produced["records"],
        judge(expected, seen),
    )
    say(f"  {_p50_p99(found.windows)} ms, {found.verdict}")
    return found
