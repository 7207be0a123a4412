"""`tally archive` at full speed on a loaded topic, and the plain writers."""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import topics
from benchmarks.archive import plain
from benchmarks.archive.quotes import load
from benchmarks.lag import Lag
from benchmarks.proc import peak_rss
from benchmarks.progress import say
from benchmarks.results import Results
from benchmarks.run import Kafka
from benchmarks.sampler import CpuSampler
from deploy.local.ports import accepts_connections, free_port

#: Values' bytes of an interval: less than the default, so that a short run has many.
INTERVAL_BYTES = 2**23
#: A run is over when so little of the topic is left, or the last intervals' age would count.
LEFT = 0.1
SECONDS = 600.0
STOP_SECONDS = 20.0


async def measure(kafka: Kafka, results: Results, records: int, runs: int) -> None:
    """Measure each format and writer so often, in turns; kept at the end."""
    topic = f"bench-quotes-{uuid.uuid4().hex[:8]}"
    await topics.create(kafka.options, topic)
    size = await load(kafka.options, topic, records)
    say(f"{records:,} quotes, {size / 1e6:.0f} MB")
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(runs):
        for name in plain.WRITERS:
            found.setdefault(name, []).append(_plain(name, records, size))
        for format_ in ("json", "parquet"):
            run = await _archive(kafka, topic, format_, records, size)
            found.setdefault(f"tally archive, {format_}", []).append(run)
    await topics.delete(kafka.options, topic)
    rows = [{"name": name, "runs": of} for name, of in found.items()]
    results.save("archive", {"records": records, "bytes": size, "rows": rows})


def _plain(name: str, records: int, size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
        command = [sys.executable, "-m", "benchmarks.archive.plain", name, str(records), folder]
        taken = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return _told(name, size, taken["seconds"], taken["cpu_seconds"], 0)


def _told(name: str, size: float, seconds: float, cpu: float, rss: int) -> dict[str, float]:
    run = {"mb_per_s": size / 1e6 / seconds, "mb_per_cpu_s": size / 1e6 / cpu, "peak_rss": rss}
    say(f"  {name}: {run['mb_per_s']:.1f} MB/s, {run['mb_per_cpu_s']:.1f} MB a CPU second")
    return run


async def _archive(
    kafka: Kafka, topic: str, format_: str, records: int, size: int
) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as name, _sinkhole() as url:
        folder, app = Path(name), f"bench-{uuid.uuid4().hex[:8]}"
        env = _environment(kafka, folder, app, topic, format_, url)
        process = _start(env, folder / "log")
        try:
            with CpuSampler({"archive": lambda: [process.pid]}) as sampler:
                await _until_running(process, folder / "log", topic)
                began = time.monotonic()
                ended, left = await _until_done(kafka, f"{app}-archive", topic, records)
                rss = peak_rss(process.pid)
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
        cpu = sampler.used("archive", began, ended)
    done = size * (1 - left / records)
    return _told(f"tally archive, {format_}", done, ended - began, cpu, rss)


def _environment(
    kafka: Kafka, folder: Path, app: str, topic: str, format_: str, url: str
) -> dict[str, str]:
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("STREAMS_", "KAFKA_", "AWS_"))}
    columns = {"STREAMS_ARCHIVE_COLUMNS": "price:double"} if format_ == "parquet" else {}
    return {
        **ours,
        **kafka.env,
        **columns,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": url,
        "STREAMS_APP_ID": app,
        "STREAMS_DATA_DIR": str(folder / "data"),
        "STREAMS_WEB_PORT": str(free_port()),
        "STREAMS_ARCHIVE_URL": "s3://bucket/quotes",
        "STREAMS_ARCHIVE_TOPICS": topic,
        "STREAMS_ARCHIVE_FORMAT": format_,
        "STREAMS_ARCHIVE_PATH": "ticker",
        "STREAMS_ARCHIVE_EVENT_TIME": "event_time",
        "STREAMS_ARCHIVE_WHERE": "price > 50",
        "STREAMS_ARCHIVE_BYTES": str(INTERVAL_BYTES),
    }


@contextmanager
def _sinkhole() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.archive.sinkhole", str(port)])
    try:
        deadline = time.monotonic() + STOP_SECONDS
        while not accepts_connections(port):
            if time.monotonic() > deadline:
                raise RuntimeError("the S3 that keeps nothing doesn't serve")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _start(env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "streams.cli", "archive"]
    with log.open("wb") as output:
        return subprocess.Popen(command, env=env, stdout=output, stderr=output)


def _runs(process: subprocess.Popen[bytes], log: Path, topic: str) -> bool:
    """Whether it has begun to read; raises RuntimeError if it has ended."""
    said = log.read_text()
    if process.poll() is not None:
        raise RuntimeError(f"the archive ended:\n{said[-2000:]}")
    return re.search(f"Task {re.escape(topic)}-[0-9]+ runs from offset", said) is not None


async def _until_running(process: subprocess.Popen[bytes], log: Path, topic: str) -> None:
    async with asyncio.timeout(SECONDS):
        while True:
            if _runs(process, log, topic):
                return
            await asyncio.sleep(0.02)


async def _until_done(kafka: Kafka, group: str, topic: str, records: int) -> tuple[float, int]:
    """When nearly all was archived; and how much was left then."""
    deadline = time.monotonic() + SECONDS
    async with Lag(kafka.options, group, topic) as lag:
        while True:
            left = await lag.records()
            if left is not None and left <= records * LEFT:
                return time.monotonic(), left
            if time.monotonic() > deadline:
                raise RuntimeError(f"{left} records are not archived in time")
            await asyncio.sleep(0.1)
