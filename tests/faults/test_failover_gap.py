"""How long nothing is written after a kill -9, with a large state and the shipped timeouts.

TALLY_KEYS and TALLY_STANDBYS make it a measurement: five million keys, or no standby to compare.
"""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks.proc import peak_rss
from tests.application import BATCH_BYTES, Application, Kafka
from tests.faults.test_crash_points import restored
from tests.load import Row, send_rows
from tests.polling import until

Name = Callable[[str], str]

PARTITIONS = 3
KEYS = int(os.environ.get("TALLY_KEYS") or 300_000)
STANDBYS = int(os.environ.get("TALLY_STANDBYS", "1"))
GAP_SECONDS = 10.0

WINDOW_MS = 200
#: So long do windows stay open: the large one outlives the test, and those whose finals are
#: watched are as far in the past.
GRACE_MS = 3_600_000
STEADY = [b"#steady%d" % i for i in range(30)]
TICK_SECONDS = 0.05
#: So far behind the wall clock may finals be where nothing is wrong: less than a session lasts.
CLOSE_MS = 4_000


def large_window(begin: int, partition: int) -> Iterator[list[Row]]:
    """Every key once, in one window."""
    keys = range(partition, KEYS, PARTITIONS)
    for first in range(0, len(keys), 20_000):
        yield [(b"#key%08d" % key, begin) for key in keys[first : first + 20_000]]


def tick(now: int) -> list[Row]:
    """Finals of windows an hour ago, and the time that closes them."""
    rows: list[Row] = [(tag, now - GRACE_MS + 100) for tag in STEADY for _ in range(2)]
    return [*rows, (b"#now", now)]


class Steady:
    """In a thread: fills the large window, then writes what makes finals all the time."""

    def __init__(self, options: Mapping[str, Any], topic: str) -> None:
        self.filled = 0
        self._options = options
        self._topic = topic
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._write()))

    def __enter__(self) -> "Steady":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _write(self) -> None:
        begin = time.time_ns() // 1_000_000
        async with AIOKafkaProducer(**self._options, max_batch_size=BATCH_BYTES) as producer:
            for partition in range(PARTITIONS):
                for rows in large_window(begin, partition):
                    await (await send_rows(producer, self._topic, partition, rows))
                    self.filled += len(rows)
            while not self._stop.is_set():
                now = max(begin, time.time_ns() // 1_000_000)
                for partition in range(PARTITIONS):
                    await send_rows(producer, self._topic, partition, tick(now))
                await asyncio.sleep(TICK_SECONDS)


class Arrivals:
    """In a thread: when finals of each partition became readable (monotonic seconds).

    `newest` is the wall clock's time (ms) at which the newest window of each could close.
    """

    def __init__(self, options: Mapping[str, Any], topic: str) -> None:
        self.times: dict[int, list[float]] = {p: [] for p in range(PARTITIONS)}
        self.newest = dict.fromkeys(range(PARTITIONS), 0)
        self._options = options
        self._topic = topic
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._read()))

    def __enter__(self) -> "Arrivals":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def up_to_date(self) -> bool:
        """Whether the finals of all partitions follow the wall clock closely."""
        return min(self.newest.values()) > time.time_ns() // 1_000_000 - CLOSE_MS

    def gaps(self, around: float) -> dict[int, float]:
        """The longest time without a final of each partition that ended after `around`."""
        return {
            p: max(b - a for a, b in pairwise(times) if b > around)
            for p, times in self.times.items()
        }

    async def _read(self) -> None:
        tps = [TopicPartition(self._topic, p) for p in range(PARTITIONS)]
        async with AIOKafkaConsumer(
            **self._options, enable_auto_commit=False, isolation_level="read_committed"
        ) as consumer:
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            while not self._stop.is_set():
                for tp, records in (await consumer.getmany(timeout_ms=50)).items():
                    self.times[tp.partition].append(time.monotonic())
                    self.newest[tp.partition] = records[-1].timestamp + GRACE_MS


def standbys_are_ready(app: Application) -> None:
    def lags() -> list[int | None]:
        with contextlib.suppress(OSError):  # one may not serve yet
            return [s["lag"] for w in app.workers.values() for s in w.health()[1]["standbys"]]
        return []

    def ready() -> bool:
        found = lags()
        return len(found) == STANDBYS * PARTITIONS and all(n is not None and n < 100 for n in found)

    until(ready, "standbys are up to date", 200, lambda: f"{lags()}\n{app.tails()}")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_gap_after_a_kill(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    variables = {
        "STREAMS_WINDOW_SECONDS": str(WINDOW_MS / 1000),
        "STREAMS_GRACE_SECONDS": str(GRACE_MS // 1000),
        "STREAMS_STANDBYS": str(STANDBYS),
        "STREAMS_LOG_FINALS": "false",
    }
    app = Application(kafka, unique("gap"), tmp_path, partitions=PARTITIONS, variables=variables)
    app.use_shipped_timeouts()
    app.create_topics()
    with app, Steady(app.options, app.input), Arrivals(app.options, app.output_topic) as arrivals:
        for name in "abc":
            app.worker(name).start()
        for worker in app.workers.values():
            worker.until_running()
        until(arrivals.up_to_date, "finals follow", 300, app.tails)
        standbys_are_ready(app)
        until(arrivals.up_to_date, "finals follow", 120, app.tails)
        victim = app.workers["b"]
        assert victim.running()
        victim.kill()
        killed = time.monotonic()
        until(lambda: not arrivals.up_to_date(), "finals are missed", 60, app.tails)
        until(arrivals.up_to_date, "finals follow again", 120, app.tails)
        gaps = arrivals.gaps(killed)
        replayed = {w.name: restored(w) for w in app.workers.values() if w.alive}
        peak = {w.name: peak_rss(w.process.pid) for w in app.workers.values() if w.alive}
    print(f"{KEYS:,} keys, {STANDBYS} standbys: no finals for {gaps} s; replayed {replayed}")
    print(f"peak RSS {peak}")
    assert STANDBYS == 0 or max(gaps.values()) < GAP_SECONDS
