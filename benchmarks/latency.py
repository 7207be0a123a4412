"""Latency: at a steady rate, how soon after its window could have closed a final is readable."""

import asyncio
import json
import os
import sys
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import topics
from benchmarks.finals import FinalsReader
from benchmarks.paced import Closed
from benchmarks.processes import Usage, Worker
from benchmarks.progress import say
from benchmarks.reference import Finals, Verdict, judge
from deploy.local.client import client_options

STALLED_SECONDS = 10.0
LINGER_SECONDS = 1.0


class Plan(NamedTuple):
    """How fast, how long, and with what windows; all other settings are the defaults."""

    rate: int
    seconds: float
    window_ms: int


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from the acknowledged append to the readable final, ascending.

    `windows` holds each window's last final, `finals` every final; `from_sending` is as `windows`,
    but from when that append was handed to the producer: nothing that happened can be missing.
    """

    plan: Plan
    rate: float
    windows: list[float]
    finals: list[float]
    from_sending: list[float]
    cpu_seconds_per_million: float
    peak_rss: int
    verdict: Verdict


def percentile(ascending: list[float], percent: float) -> float:
    """The value that `percent` of the values don't exceed."""
    return ascending[min(len(ascending) - 1, int(len(ascending) * percent / 100))]


async def measure(kafka: Mapping[str, str], plan: Plan) -> Latency:
    """Run a worker under a steady load."""
    say(f"latency: {plan.rate:,}/s for {plan.seconds:g} s, windows of {plan.window_ms / 1000:g} s")
    app = f"bench-{uuid.uuid4().hex[:8]}"
    topic, output = f"{app}-input", f"{app}-output"
    options = client_options(kafka)
    await topics.create(options, topic, output)
    settings = {
        "STREAMS_APP_ID": app,
        "STREAMS_INPUT_TOPIC": topic,
        "STREAMS_OUTPUT_TOPIC": output,
        "STREAMS_WINDOW_SECONDS": f"{plan.window_ms / 1000:g}",
    }
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        async with FinalsReader(options, output) as reader:
            with Worker(Path(folder), kafka, settings) as worker:
                worker.wait_until_consuming()
                before = worker.usage()
                produced = await _read_while_producing(kafka, plan, topic, folder, reader)
                await reader.wait_for(len(produced["finals"]), STALLED_SECONDS)
                after = worker.usage()
                await reader.linger(LINGER_SECONDS)
    await topics.delete(options, topic, output)
    return _result(plan, produced, reader, before, after)


async def _read_while_producing(
    kafka: Mapping[str, str], plan: Plan, topic: str, folder: str, reader: FinalsReader
) -> Any:
    file = Path(folder) / "produced.json"
    arguments = [topic, str(plan.rate), str(plan.seconds), str(plan.window_ms), str(file)]
    env = {k: v for k, v in os.environ.items() if not k.startswith("KAFKA_")} | dict(kafka)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.paced", *arguments, env=env
    )
    ended = asyncio.ensure_future(process.wait())
    while not ended.done():
        await reader.fetch(0.5)
    if ended.result():
        raise RuntimeError("the producer of the load failed; see above")
    return json.loads(file.read_text())


def _result(
    plan: Plan, produced: Any, reader: FinalsReader, before: Usage, after: Usage
) -> Latency:
    expected: Finals = {(tag.encode(), end): n for tag, end, n in produced["finals"]}
    seen, times = reader.decode()
    closed = [Closed(*fields) for fields in produced["closings"]]
    closed = [window for window in closed if window.end in times]
    return Latency(
        plan,
        produced["records"] / produced["seconds"],
        sorted(1000 * (max(times[w.end]) - w.acked) for w in closed),
        sorted(1000 * (at - w.acked) for w in closed for at in times[w.end]),
        sorted(1000 * (max(times[w.end]) - w.sent) for w in closed),
        (after.cpu_seconds - before.cpu_seconds) / produced["records"] * 1e6,
        after.peak_rss,
        judge(expected, seen),
    )
