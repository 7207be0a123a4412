"""Faust and Quix Streams on a small topic: what a record costs, and how the finals differ."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from subprocess import Popen
from typing import Any

from benchmarks import topics
from benchmarks.finals import FinalsReader
from benchmarks.lag import Lag
from benchmarks.loaded import Data, Loaded, loaded
from benchmarks.peers import quix_venv
from benchmarks.peers.script import Script
from benchmarks.proc import cpu_seconds, peak_rss
from benchmarks.progress import say
from benchmarks.reference import judge
from benchmarks.results import Results
from benchmarks.run import Kafka

HERE = Path(__file__).parent
#: A job that hasn't read all by then is stopped, and what it did is reported.
MAX_SECONDS = 420.0
QUIX_TIMES = 5
#: Faust closes windows by the wall clock, and looks for them every 30 s.
LINGER_SECONDS = 90.0


def faust() -> list[Script]:
    """Stock Faust, with each kind of table and guarantee."""
    found = []
    for store in ("memory", "rocksdb"):
        for guarantee in ("at_least_once", "exactly_once"):
            settings = {"PEER_STORE": f"{store}://", "PEER_GUARANTEE": guarantee}
            command = [sys.executable, str(HERE / "faust_job.py"), "worker", "-l", "warn"]
            name = f"Faust, {store} table, {guarantee.replace('_', ' ')}"
            found.append(Script(name, [*command, "--without-web"], settings))
    return found


def quix() -> list[Script]:
    """Quix Streams, exactly once."""
    command = [quix_venv.python(), str(HERE / "quix_job.py")]
    return [Script("Quix Streams, exactly once", command, {"PEER_GUARANTEE": "exactly-once"})]


async def measure(kafka: Kafka, results: Results, records: int) -> None:
    """Run each once; Quix Streams gets more records, for it is faster."""
    rows: list[dict[str, Any]] = []
    for scripts, n in ((quix(), records * QUIX_TIMES), (faust(), records)):
        # Slow enough for some windows to close. With several partitions a fetch of 1 MB would be
        # ahead of the other partitions by more than the grace, and judging after the shuffle lose
        # them.
        data = Data(n, rate=max(1, n // 110), distinct=1_000, partitions=1)
        async with loaded(kafka, data) as topic:
            for script in scripts:
                say(script.name)
                try:
                    row = await _run(kafka, script, topic)
                except (RuntimeError, TimeoutError) as exc:
                    row = {"failed": str(exc)[-500:]}
                say(f"  {row}")
                rows.append({"name": script.name, "data": topic.as_json(), **row})
                results.save("peers", {"rows": rows})


async def _run(kafka: Kafka, script: Script, topic: Loaded) -> dict[str, Any]:
    job = topic.job()
    await topics.create(kafka.options, job.output, partitions=job.partitions)
    try:
        with tempfile.TemporaryDirectory(prefix="tally-bench-") as folder:
            async with (
                FinalsReader(kafka.options, job.output, job.partitions) as reader,
                Lag(kafka.options, job.app, job.input) as lag,
                script.start(kafka.env, job, Path(folder)) as process,
            ):
                began, before = time.monotonic(), cpu_seconds(process.pid)
                left = await _until_all_is_read(process, lag, reader)
                seconds = time.monotonic() - began
                used = cpu_seconds(process.pid) - before
                peak = peak_rss(process.pid)
                await reader.linger(LINGER_SECONDS)
    finally:
        await topics.delete_of(kafka.options, job.app)
    seen, _ = reader.decode()
    return {
        "seconds": seconds,
        "cpu_seconds": used,
        "peak_rss": peak,
        "left": left,
        "finals": reader.count,
        "verdict": judge(topic.finals, seen)._asdict(),
    }


async def _until_all_is_read(process: "Popen[bytes]", lag: Lag, reader: FinalsReader) -> int:
    deadline = time.monotonic() + MAX_SECONDS
    left: int | None = None
    while left != 0 and time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("it ended by itself")
        left = await lag.records()
        await reader.fetch(0.5)
        await asyncio.sleep(0.5)
    return left or 0
