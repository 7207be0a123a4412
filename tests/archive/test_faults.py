"""`tally archive` under kill -9 and SIGSTOP: the bucket holds what the topic does, each once."""

import asyncio
import contextlib
import os
import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from streams.core.columns import TP
from streams.core.ports import Committed
from streams.kafka.cluster import KafkaCluster
from tests.application import Application, Kafka
from tests.archive.buckets import TestBucket
from tests.archive.objects import intervals, read_as_dataset, same, union
from tests.archive.quotes import TICKERS, Quote, passes, read, write_all
from tests.polling import until
from tests.scene import seed_of_run
from tests.worker import Worker

Name = Callable[[str], str]
Make = Callable[[], TestBucket]

PARTITIONS = 3
PREFIX = "kept/"
RULES = {
    "STREAMS_ARCHIVE_PATH": "ticker",
    "STREAMS_ARCHIVE_EVENT_TIME": "event_time",
    "STREAMS_ARCHIVE_WHERE": "price > 50",
    "STREAMS_ARCHIVE_AGE_SECONDS": "2",
}
#: How often the long test kills.
KILLS = 20
COMMAND = (sys.executable, "-m", "streams.cli", "archive")


class Archiving(Application):
    """An archive of a topic of quotes. Its bucket and the group's offsets can be asked for."""

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

    def start(self, name: str, crash_at: str = "") -> Worker:
        """Start a process that archives."""
        return self.worker(name).start(crash_at, command=COMMAND)

    def write_quotes(self, n: int, seed: int, part: int = 0) -> None:
        """Write `n` quotes to the topic."""
        asyncio.run(write_all(self.options, self.topic, PARTITIONS, n, seed, part))

    def stored(self) -> int:
        """How many objects there are."""
        return len(self.bucket.keys())

    def done(self) -> bool:
        """Whether all of the topic is committed, and no plan is open."""
        return asyncio.run(self._done())

    async def _done(self) -> bool:
        cluster = KafkaCluster(self.options, 10_000)
        await cluster.start()
        try:
            tps = [TP(self.topic, p) for p in range(PARTITIONS)]
            committed = await cluster.committed(f"{self.app_id}-archive", tps, stable=False)
            ends = {tp: (await cluster.log_range(tp)).end for tp in tps}
            return committed == {tp: Committed(end, "") for tp, end in ends.items()}
        finally:
            await cluster.stop()

    def finish(self, seconds: float = 120) -> None:
        """Wait until all is archived, and compare it with the topic."""
        until(self.done, "all is archived", seconds, self.tails)
        for worker in self.workers.values():
            if worker.alive:
                assert worker.stop() == 0, worker.tail()
        self.check()

    def check(self) -> None:
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
        assert not self.bucket.begun()
        if any(key.endswith(".parquet") for key in objects):
            table = read_as_dataset(objects, self._folder / "objects")
            assert table.num_rows == len(found)
            assert set(table["ticker"].to_pylist()) == set(TICKERS)
        print(f"{len(topic)} records, {len(found)} kept in {len(objects)} objects")
        print({p: len(of) for p, of in intervals(objects, PREFIX).items()}, "intervals")

    async def _records(self) -> dict[tuple[int, int], Quote]:
        return {at: quote async for at, quote in read(self.options, self.topic, PARTITIONS)}


def until_more(archiving: Archiving, objects: int) -> None:
    """Wait until so many more objects are there, or all is done."""
    goal = archiving.stored() + objects
    until(
        lambda: archiving.stored() >= goal or archiving.done(),
        f"{objects} more objects",
        90,
        archiving.tails,
    )


@pytest.mark.timeout(300)
def test_kills_at_each_step(kafka: Kafka, unique: Name, tmp_path: Path, new_bucket: Make) -> None:
    seed = seed_of_run()
    with Archiving(
        kafka, unique("arch"), tmp_path, new_bucket(), FORMAT="json", BYTES="30000"
    ) as archiving:
        archiving.write_quotes(6_000, seed)
        for point in ("after-plan:2", "in-upload:7", "after-upload:2"):
            archiving.start("a", point).until_killed()
        archiving.start("a")
        archiving.finish()


@pytest.mark.timeout(300)
def test_a_zombie(kafka: Kafka, unique: Name, tmp_path: Path, new_bucket: Make) -> None:
    seed = seed_of_run()
    with Archiving(
        kafka, unique("arch"), tmp_path, new_bucket(), FORMAT="parquet", BYTES="30000"
    ) as archiving:
        archiving.write_quotes(12_000, seed)
        sleeper = archiving.start("sleeper")
        until_more(archiving, 5)
        sleeper.freeze()
        archiving.start("owner").until_running(PARTITIONS)
        until_more(archiving, 5)
        sleeper.thaw()
        archiving.finish()


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_twenty_kills_and_zombies_while_a_million_records_are_archived(
    kafka: Kafka, unique: Name, tmp_path: Path, new_bucket: Make
) -> None:
    seed = seed_of_run()
    records = int(os.environ.get("TALLY_ARCHIVE_RECORDS", "1000000")) // KILLS
    format_ = os.environ.get("TALLY_ARCHIVE_FORMAT", "parquet")
    options = {"FORMAT": format_, "BYTES": str(4 * records)}
    met_work, random_ = 0, random.Random(seed)
    with Archiving(kafka, unique("arch"), tmp_path, new_bucket(), **options) as archiving:
        archiving.start("a")
        archiving.start("b")
        for n in range(KILLS):
            archiving.worker("a").until_running()
            with writing(archiving, records, seed, n):
                until_more(archiving, random_.randrange(1, 30))
                if n % 4 == 3:
                    sleep_through_a_session(archiving)
                met_work += not archiving.done()
                archiving.worker("a").kill()
                archiving.start("a")
        archiving.finish(600)
    print(f"{met_work} of {KILLS} kills met work")
    assert met_work > KILLS / 2


@contextlib.contextmanager
def writing(archiving: Archiving, records: int, seed: int, part: int) -> Iterator[None]:
    """So many more quotes are written meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(archiving.write_quotes, records, seed, part)
        yield
        written.result()


def sleep_through_a_session(archiving: Archiving) -> None:
    """The other one sleeps until its partitions are taken over, and wakes up as a zombie."""
    sleeper, owner = archiving.worker("b"), archiving.worker("a")
    sleeper.freeze()
    owner.until_running(PARTITIONS)
    until_more(archiving, 5)
    sleeper.thaw()
    until(lambda: bool(sleeper.running()), "it is back", 60, archiving.tails)
