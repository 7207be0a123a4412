"""Runs the servers in turns, sends them records, and keeps what they cost."""

import asyncio
import json
import os
import statistics
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from benchmarks import topics
from benchmarks.ingest import clients
from benchmarks.proc import cpu_seconds
from benchmarks.progress import say
from benchmarks.results import Results
from benchmarks.run import Kafka
from deploy.local.ports import free_port

#: Records of a request, and the connections that send them.
SHAPES = {1: 64, 500: 4}
START_SECONDS = 60.0
#: Requests before the measured ones.
WARM_UP = 0.1
SERVERS = ("Tally", "bare aiohttp")


async def measure(kafka: Kafka, results: Results, singles: int, batched: int, runs: int) -> None:
    """Measure all servers `runs` times, in turns; kept after each run."""
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    for number in range(runs):
        for size, records in zip(SHAPES, (singles, batched), strict=True):
            for name in SERVERS:
                say(f"ingestion, run {number + 1}: {name}, {size} in a request")
                run = await _run(kafka, name, size, records // size)
                say(f"  {run}")
                found.setdefault((name, size), []).append(run)
        rows = [_row(name, size, some) for (name, size), some in found.items()]
        results.save("ingest", {"value_bytes": len(_record(0)), "rows": rows})


def _record(n: int) -> str:
    """One record's JSON, always of the same length."""
    return json.dumps({"event_time": 1763000000000 + n, "ticker": "AAPL", "price": 271.25})


async def _run(kafka: Kafka, name: str, size: int, requests: int) -> dict[str, float]:
    topic = f"bench-ingest-{uuid.uuid4().hex[:8]}"
    await topics.create(kafka.options, topic)
    items = [_record(n) for n in range(size)]
    body = (items[0] if size == 1 else f"[{','.join(items)}]").encode()
    async with _server(kafka, name, topic) as (port, pid):
        warm_up = max(1, int(requests * WARM_UP))
        await clients.send(port, topic, body, warm_up, SHAPES[size])
        began, used = time.monotonic(), cpu_seconds(pid)
        await clients.send(port, topic, body, requests, SHAPES[size])
        seconds, cpu = time.monotonic() - began, cpu_seconds(pid) - used
    there = await topics.records(kafka.options, topic, topic)
    if there != (warm_up + requests) * size:
        raise RuntimeError(f"{name}: {there} records in the topic")
    await topics.delete(kafka.options, topic)
    records = requests * size
    return {"records_per_second": records / seconds, "cpu_us": cpu / records * 1e6}


@asynccontextmanager
async def _server(kafka: Kafka, name: str, topic: str) -> AsyncIterator[tuple[int, int]]:
    """A server's port and process id, once it serves."""
    port = free_port()
    if name == "Tally":
        command = ["streams.cli", "ingest", "http", "--loglevel", "warning"]
    else:
        command = ["benchmarks.ingest.bare", str(port), topic]
    environ = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("STREAMS_", "KAFKA_"))},
        **kafka.env,
        "STREAMS_APP_ID": topic,
        "STREAMS_INPUT_TOPIC": topic,
        "STREAMS_INGEST_PORT": str(port),
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", *command, env=environ)
    try:
        async with asyncio.timeout(START_SECONDS):
            await _until_served(port, process)
        yield port, process.pid
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _until_served(port: int, process: asyncio.subprocess.Process) -> None:
    async with aiohttp.ClientSession() as session:
        while process.returncode is None:
            try:
                async with session.get(f"http://{clients.HOST}:{port}/health"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
    raise RuntimeError("the server has ended; see above")


def _row(name: str, size: int, runs: list[dict[str, float]]) -> dict[str, Any]:
    medians = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    return {"name": name, "size": size, "runs": runs, **medians}
