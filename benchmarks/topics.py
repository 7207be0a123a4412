"""Topics of the benchmarks' own, and loading one."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

import aiokafka.errors as kafka_errors
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.hashtags import Population
from benchmarks.progress import Progress
from benchmarks.reference import Reference

PARTITIONS = 3
BATCH_BYTES = 16 * 1024
#: Records of a second of event time: 111,100 in a window of 20 s.
RECORDS_A_SECOND = 5_555
#: How far a timestamp may be behind the newest (ms).
JITTER_MS = 200
_IN_FLIGHT = 50

Options = Mapping[str, Any]


async def create(options: Options, *names: str) -> None:
    """Create topics; records are kept however old their timestamps are."""
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        response: Any = await admin.create_topics(
            [NewTopic(n, PARTITIONS, 1, topic_configs={"retention.ms": "-1"}) for n in names]
        )
    finally:
        await admin.close()
    for name, code, *_ in response.topic_errors:
        if code:
            raise kafka_errors.for_code(code)(name)


async def delete(options: Options, *names: str) -> None:
    """Delete topics, to give their disk space back."""
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        await admin.delete_topics(list(names))
    finally:
        await admin.close()


class Load(NamedTuple):
    """What to load: `records` draws whose event time ends about `ends_at` (ms)."""

    records: int
    ends_at: int
    window_ms: int
    population: Population
    seed: int = 1

    @property
    def starts_at(self) -> int:
        """The first record's event time: a window's start."""
        first = self.ends_at - self.records * 1000 // RECORDS_A_SECOND
        return first - first % self.window_ms


async def load(options: Options, topic: str, what: Load, reference: Reference) -> None:
    """Fill `topic` with full batches, one partition after the other, and tell the reference.

    A last record for each partition is far enough ahead to close every window.
    """
    producer = AIOKafkaProducer(
        **options, acks="all", enable_idempotence=True, max_batch_size=BATCH_BYTES
    )
    progress = Progress(f"loading {what.records:,} records", what.records)
    async with producer:
        waiting: set[asyncio.Future[Any]] = set()
        batch, partition = producer.create_batch(), 0
        done = 0
        for values in what.population.draw(what.seed):
            values = values[: what.records - done]
            for i, value in enumerate(values, done):
                timestamp = _timestamp(what, i)
                if batch.append(timestamp=timestamp, key=None, value=value) is None:
                    await _send(producer, batch, topic, partition, waiting)
                    batch, partition = producer.create_batch(), (partition + 1) % PARTITIONS
                    batch.append(timestamp=timestamp, key=None, value=value)
                reference.add(partition, value, timestamp)
            done += len(values)
            progress.at(done)
            if done == what.records:
                break
        await _send(producer, batch, topic, partition, waiting)
        await asyncio.gather(*waiting)
        await _close_windows(producer, topic, what, reference)


def _timestamp(what: Load, i: int) -> int:
    # A cheap jitter that is the same in every run; a multiplicative hash spreads it.
    jitter = (i * 2_654_435_761 >> 7) % JITTER_MS
    return max(what.starts_at, what.starts_at + i * 1000 // RECORDS_A_SECOND - jitter)


async def _send(
    producer: AIOKafkaProducer,
    batch: Any,
    topic: str,
    partition: int,
    waiting: set[asyncio.Future[Any]],
) -> None:
    sent = await producer.send_batch(batch, topic, partition=partition)
    waiting.add(sent)
    if len(waiting) >= _IN_FLIGHT:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for future in done:
            future.result()
        waiting -= done


async def _close_windows(
    producer: AIOKafkaProducer, topic: str, what: Load, reference: Reference
) -> None:
    ahead = what.ends_at + 3 * what.window_ms
    for partition in range(PARTITIONS):
        await producer.send_and_wait(topic, b"far ahead", partition=partition, timestamp_ms=ahead)
        reference.add(partition, b"far ahead", ahead)
