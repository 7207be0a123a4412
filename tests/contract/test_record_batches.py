"""Reading Kafka's own record batches gives what plain `getmany` gives, record for record."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local import LocalKafka
from streams.core.columns import TP, Columns, KeyedRow, Row
from streams.core.value_table import PythonTable, new_table
from streams.kafka.record_batches import fetched_batches
from tests.application import create_topics
from tests.polling import until_true

Seen = list[KeyedRow]
Options = Mapping[str, Any]

#: The first makes small fetches, so that positions lie within what was written together.
FETCHES = [{"max_partition_fetch_bytes": 300}, {}]
LEVELS = ["read_committed", "read_uncommitted"]
#: A broker that looks for something to compact twenty times a second finds it within so long.
QUIET_SECONDS = 4.0


@pytest.fixture(scope="module")
def tidy_kafka() -> Iterator[LocalKafka]:
    """A broker that looks for something to compact all the time."""
    with LocalKafka(config={"log.cleaner.backoff.ms": "50"}) as cluster:
        yield cluster


async def plain(consumer: AIOKafkaConsumer, tp: TopicPartition, end: int) -> tuple[Seen, int]:
    seen: Seen = []
    while await consumer.position(tp) < end:
        for records in (await consumer.getmany(tp, timeout_ms=100)).values():
            seen += [(r.offset, r.timestamp, r.key, r.value) for r in records]
    return seen, await consumer.position(tp)


async def by_batches(consumer: AIOKafkaConsumer, tp: TopicPartition, end: int) -> tuple[Seen, int]:
    seen: Seen = []
    while (position := await consumer.position(tp)) < end:
        for fetched in await fetched_batches(consumer._fetcher, {TP(*tp)}, 0.1):
            assert fetched.error is None
            assert fetched.from_offset == position
            chunk = fetched.decode()
            for columns in chunk.batches:
                rows = list(columns.rows())
                assert not rows or columns.high == max(timestamp for _, timestamp, _ in rows)
                assert columns.values_since(columns.high) == [
                    value for _, timestamp, value in rows if timestamp == columns.high
                ]
                assert len(columns) == len(rows)
                assert_counted(columns, rows)
                keyed = list(columns.keyed_rows())
                assert [(offset, at, value) for offset, at, _, value in keyed] == rows
                seen += keyed
            position = chunk.next_offset
            assert await consumer.position(tp) == position
    return seen, position


def assert_counted(columns: Columns, rows: list[Row]) -> None:
    """Counting a batch where it lies is counting its values, or none if one is too old."""
    oldest = min((timestamp for _, timestamp, _ in rows), default=0)
    for make in (new_table, PythonTable):
        table = make()
        assert columns.count_into(table, oldest)
        values = table.newest(len(table))
        assert dict(zip(values, table.counts(), strict=True)) == Counter(v for _, _, v in rows)
        assert not rows or not columns.count_into(make(), oldest + 1)


def consumer_of(options: Options, **fetch: Any) -> AIOKafkaConsumer:
    # Fetches that wait for what never comes would be most of the time.
    return AIOKafkaConsumer(**options, enable_auto_commit=False, fetch_max_wait_ms=10, **fetch)


async def compare(options: Options, topic: str, **fetch: Any) -> Seen:
    """Compare both ways from several offsets on; returns what is seen from the first."""
    tp = TopicPartition(topic, 0)
    async with consumer_of(options, **fetch) as one, consumer_of(options, **fetch) as other:
        one.assign([tp])
        other.assign([tp])
        [begin] = (await one.beginning_offsets([tp])).values()
        [end] = (await one.end_offsets([tp])).values()
        starts = [begin, *random.Random(0).sample(range(begin, end), min(8, end - begin))]
        results = []
        for start in starts:
            one.seek(tp, start)
            other.seek(tp, start)
            expected, found = await plain(one, tp, end), await by_batches(other, tp, end)
            assert found == expected, f"{topic} from {start}, {fetch}"
            results.append(expected[0])
        return results[0]


async def compare_all(options: Options, topic: str) -> Seen:
    """Compare for all sizes of fetches and isolation levels; returns what is committed."""
    seen = {
        level: await compare(options, topic, isolation_level=level, **fetch)
        for level in LEVELS
        for fetch in FETCHES
    }
    return seen["read_committed"]


async def write_transactions(
    options: Options, topic: str, codec: str | None, *, commit_last: bool
) -> set[bytes]:
    """Write batches in and out of transactions, two of them at a time; returns what is visible."""
    visible: set[bytes] = set()
    numbers = iter(range(10_000))

    async def send(producer: AIOKafkaProducer, n: int) -> set[bytes]:
        values = {b"value %d" % next(numbers) for _ in range(n)}
        pending = [
            # The first one's key is its own, so that compaction leaves it where it is.
            await producer.send(topic, value, key=value if i == 0 else b"0", partition=0)
            for i, value in enumerate(sorted(values))
        ]
        await asyncio.gather(*pending)
        return values

    async with (
        AIOKafkaProducer(**options, compression_type=codec) as free,
        AIOKafkaProducer(**options, compression_type=codec, transactional_id=f"{topic}-1") as one,
        AIOKafkaProducer(**options, compression_type=codec, transactional_id=f"{topic}-2") as two,
    ):
        for commit in (True, False, False, True, commit_last):
            await one.begin_transaction()
            kept = await send(one, 7)
            visible |= await send(free, 3)
            await two.begin_transaction()
            await send(two, 5)
            kept |= await send(one, 2)
            await two.abort_transaction()
            visible |= await send(free, 4)
            await (one.commit_transaction() if commit else one.abort_transaction())
            visible |= kept if commit else set()
    return visible


@pytest.mark.parametrize("commit_last", [True, False])
@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
async def test_transactions(
    tidy_kafka: LocalKafka, topic: str, codec: str | None, commit_last: bool
) -> None:
    options = tidy_kafka.client_options()
    await create_topics(options, topic, partitions=1)
    visible = await write_transactions(options, topic, codec, commit_last=commit_last)
    seen = await compare_all(options, topic)
    assert {value for *_, value in seen} == visible
    assert len(seen) == len(visible)


async def test_gaps_left_by_compaction(tidy_kafka: LocalKafka, topic: str) -> None:
    options = tidy_kafka.client_options()
    await create_topics(
        options,
        topic,
        partitions=1,
        cleanup_policy="compact",
        segment_ms="1",
        min_cleanable_dirty_ratio="0.0",
        delete_retention_ms="0",
    )
    written = await write_transactions(options, topic, None, commit_last=False)
    seen = await until_compacted(options, topic)
    offsets = [offset for offset, *_ in seen]
    assert offsets != list(range(offsets[0], offsets[-1] + 1))
    assert {value for *_, value in seen} < written
    assert await compare_all(options, topic) == seen


async def until_compacted(options: Options, topic: str) -> Seen:
    """What is left once the broker has compacted the topic, and has nothing more to compact."""
    tp = TopicPartition(topic, 0)
    async with consumer_of(options, isolation_level="read_committed") as consumer:
        consumer.assign([tp])
        [end] = (await consumer.end_offsets([tp])).values()
        before: Seen = []
        since = time.monotonic()

        async def has_settled() -> bool:
            nonlocal before, since
            await consumer.seek_to_beginning(tp)
            seen, _ = await plain(consumer, tp, end)
            compacted = any(b[0] - a[0] > 3 for a, b in pairwise(seen))
            if not compacted or seen != before:
                since = time.monotonic()
            before = seen
            return time.monotonic() - since > QUIET_SECONDS

        await until_true(has_settled, 200)
        return before
