"""Full speed: a topic is loaded once, and fresh workers count it, beside the raw limits."""

import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmarks import limits, topics
from benchmarks.finals import FinalsReader
from benchmarks.hashtags import Population
from benchmarks.limits import Limit
from benchmarks.processes import Worker
from benchmarks.progress import say
from benchmarks.reference import Finals, Reference, Verdict, judge
from deploy.local.client import client_options

WINDOW_MS = 20_000
MIN_MENTIONED = 4
STALLED_SECONDS = 30.0
LINGER_SECONDS = 1.5


class Plan(NamedTuple):
    """How much to measure, and with what."""

    records: int
    runs: int
    distinct: int
    skew: float


@dataclass(frozen=True, slots=True)
class Run:
    """One worker's run. CPU seconds count from the start of consumption to the last final."""

    cpu_seconds: float
    start_cpu_seconds: float
    seconds: float
    peak_rss: int
    verdict: Verdict


@dataclass(slots=True)
class Throughput:
    """All runs over the same records."""

    plan: Plan
    finals: int
    late: int
    runs: list[Run] = field(default_factory=list)
    limits: dict[str, list[Limit]] = field(default_factory=dict)


async def measure(kafka: Mapping[str, str], plan: Plan) -> Throughput:
    """Load a topic and measure; workers and raw limits take turns, so that a busy hour hits all."""
    options = client_options(kafka)
    topic = f"bench-{uuid.uuid4().hex[:8]}"
    population = Population(plan.distinct, plan.skew)
    load = topics.Load(plan.records, time.time_ns() // 1_000_000, WINDOW_MS, population)
    reference = Reference(topics.PARTITIONS, WINDOW_MS, MIN_MENTIONED)
    await topics.create(options, topic)
    await topics.load(options, topic, load, reference)
    expected = reference.finals()
    found = Throughput(plan, len(expected), reference.late)
    total = plan.records + topics.PARTITIONS
    try:
        for n in range(plan.runs):
            say(f"run {n + 1} of {plan.runs}: worker")
            run = await _run_worker(kafka, topic, expected)
            say(f"  {run.cpu_seconds / plan.records * 1e6:.2f} CPU s per million, {run.verdict}")
            found.runs.append(run)
            for way in limits.WAYS:
                say(f"run {n + 1} of {plan.runs}: {way}")
                found.limits.setdefault(way, []).append(limits.measure(way, topic, total, kafka))
    finally:
        await topics.delete(options, topic)
    return found


async def _run_worker(kafka: Mapping[str, str], topic: str, expected: Finals) -> Run:
    app = f"bench-{uuid.uuid4().hex[:8]}"
    output = f"{app}-output"
    options = client_options(kafka)
    await topics.create(options, output)
    settings = {
        "STREAMS_APP_ID": app,
        "STREAMS_INPUT_TOPIC": topic,
        "STREAMS_OUTPUT_TOPIC": output,
    }
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        async with FinalsReader(options, output) as reader:
            with Worker(Path(folder), kafka, settings) as worker:
                worker.wait_until_consuming()
                began, before = time.monotonic(), worker.usage()
                ended = await reader.wait_for(len(expected), STALLED_SECONDS)
                after = worker.usage()
                await reader.linger(LINGER_SECONDS)
    seen, _ = reader.decode()
    return Run(
        after.cpu_seconds - before.cpu_seconds,
        before.cpu_seconds,
        ended - began,
        after.peak_rss,
        judge(expected, seen),
    )
