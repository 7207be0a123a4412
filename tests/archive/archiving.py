"""Processes that archive a topic of quotes, and the comparison of the bucket with the topic."""

import asyncio
import sys
from pathlib import Path

from streams.core.columns import TP
from streams.core.ports import Committed
from streams.kafka.cluster import KafkaCluster
from tests.application import Application, Kafka
from tests.archive.buckets import TestBucket
from tests.archive.objects import intervals, read_as_dataset, same, union
from tests.archive.quotes import TICKERS, Quote, large_quotes, passes, read, write, write_all
from tests.polling import until
from tests.worker import Worker

PARTITIONS = 3
PREFIX = "kept/"
RULES = {
    "STREAMS_ARCHIVE_PATH": "ticker",
    "STREAMS_ARCHIVE_EVENT_TIME": "event_time",
    "STREAMS_ARCHIVE_WHERE": "price > 50",
    "STREAMS_ARCHIVE_AGE_SECONDS": "2",
}
COMMAND = (sys.executable, "-m", "streams.cli", "archive")
#: Seconds for what takes a moment on a machine that has nothing else to do.
SECONDS = 120


class Archiving(Application):
    """See the module. `variables` are those of STREAMS_ARCHIVE_*."""

    def __init__(
        self, kafka: Kafka, name: str, folder: Path, bucket: TestBucket, **variables: str
    ) -> None:
        self.topic = f"{name}-quotes"
        self.bucket = bucket
        named = {f"STREAMS_ARCHIVE_{key}": value for key, value in variables.items()}
        ours = {**bucket.variables, **RULES, "STREAMS_ARCHIVE_TOPICS": self.topic, **named}
        super().__init__(kafka, name, folder, partitions=PARTITIONS, variables=ours)
        self.create_topics(self.topic)

    def __enter__(self) -> "Archiving":
        return self

    def start(self, name: str, crash_at: str = "", **variables: str) -> Worker:
        """Start a process that archives, with `variables` of its own since its first start."""
        return self.worker(name, **variables).start(crash_at, command=COMMAND)

    def write_quotes(self, n: int, seed: int, part: int = 0) -> None:
        """Write `n` quotes to the topic."""
        asyncio.run(write_all(self.options, self.topic, PARTITIONS, n, seed, part))

    def write_large_quotes(self, n: int, seed: int) -> None:
        """Write `n` quotes of 2 kB to one partition."""
        asyncio.run(write(self.options, self.topic, 0, large_quotes(n, seed)))

    def until_more(self, objects: int) -> None:
        """Wait until so many more objects are there, or all is done."""
        goal = len(self.bucket.keys()) + objects
        until(
            lambda: len(self.bucket.keys()) >= goal or self.done(),
            f"{objects} more objects",
            SECONDS,
            self.tails,
        )

    def until_done(self, seconds: float = SECONDS) -> None:
        """Wait until all is archived."""
        until(self.done, "all is archived", seconds, self.tails)

    def done(self) -> bool:
        """Whether all of the topic is committed, and no plan is open."""
        return asyncio.run(self._done())

    async def _done(self) -> bool:
        cluster = KafkaCluster(self.options, 60_000)
        await cluster.start()
        try:
            tps = [TP(self.topic, p) for p in range(PARTITIONS)]
            committed = await cluster.committed(f"{self.app_id}-archive", tps, stable=False)
            ends = {tp: (await cluster.log_range(tp)).end for tp in tps}
            return committed == {tp: Committed(end, "") for tp, end in ends.items() if end}
        finally:
            await cluster.stop()

    def finish(self, seconds: float = SECONDS) -> str:
        """Wait until all is archived, and compare it with the topic; returns what it was."""
        self.until_done(seconds)
        for worker in self.workers.values():
            if worker.alive:
                assert worker.stop() == 0, worker.tail()
        return self._check()

    def _check(self) -> str:
        """The bucket holds what the topic does and passes; bad records are dead letters, once."""
        topic = asyncio.run(self._records())
        objects = self.bucket.objects()
        found = union(objects, PREFIX)
        wanted = {at: quote for at, quote in topic.items() if passes(quote.value)}
        assert len(wanted) > len(topic) / 2
        assert found.keys() == wanted.keys()
        for at, quote in wanted.items():
            assert same(quote.value, found[at].value)
            assert (quote.key, quote.timestamp) == (found[at].key, found[at].timestamp)
        bad = sorted(at for at, quote in topic.items() if passes(quote.value) is None)
        letters = [dict(letter.headers) for letter in self.read(self.dead_letters)]
        assert sorted((int(h["partition"]), int(h["offset"])) for h in letters) == bad
        if any(key.endswith(".parquet") for key in objects):
            self._check_as_dataset(objects, len(found))
        assert not self.bucket.begun()
        n = sum(map(len, intervals(objects, PREFIX).values()))
        return (
            f"{len(topic)} records, {len(found)} kept in {len(objects)} objects of {n} intervals, "
            f"{len(bad)} dead letters; {self.bucket.repeats()} times an object was stored again"
        )

    def _check_as_dataset(self, objects: dict[str, bytes], rows: int) -> None:
        table = read_as_dataset(objects, self._folder / "objects")
        assert table.num_rows == rows
        assert set(table["ticker"].to_pylist()) == set(TICKERS)

    async def _records(self) -> dict[tuple[int, int], Quote]:
        return {at: quote async for at, quote in read(self.options, self.topic, PARTITIONS)}
