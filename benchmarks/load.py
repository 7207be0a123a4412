"""Loading a topic with hashtags whose event time runs at a given rate."""

import asyncio
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from benchmarks.hashtags import Draws
from benchmarks.progress import Progress
from benchmarks.reference import Reference
from benchmarks.topics import PARTITIONS, Options

BATCH_BYTES = 16 * 1024
#: How far a timestamp may be behind the newest (ms).
JITTER_MS = 200
#: How far the last records are beyond the end of a window and its grace: as long, or as many.
TAIL_MS, TAIL_RECORDS = 500, 5_000
_IN_FLIGHT = 50


class Load(NamedTuple):
    """What to load: `records` draws, `rate` of them a second of event time, ending before `now`.

    The last event time is a little beyond the end of a window. So nearly all records are needed
    for the last finals, and no record is far ahead of the others: a stream that simply stops.
    """

    records: int
    now: int
    window_ms: int
    grace_ms: int
    rate: int
    draws: Draws
    partitions: int = PARTITIONS
    compression: str | None = None

    @property
    def starts_at(self) -> int:
        """The first record's event time (ms)."""
        closing = self.now // self.window_ms * self.window_ms - self.window_ms
        closing += self.grace_ms % self.window_ms
        return closing + max(TAIL_MS, TAIL_RECORDS * 1000 // self.rate) - self.event_ms

    @property
    def event_ms(self) -> int:
        """How much event time the records cover."""
        return self.records * 1000 // self.rate


async def load(options: Options, topic: str, what: Load, reference: Reference) -> int:
    """Fill `topic` with full batches, its partitions in turns, and tell the reference.

    Returns the bytes of the batches, before compression.
    """
    producer = AIOKafkaProducer(
        **options,
        acks="all",
        enable_idempotence=True,
        max_batch_size=BATCH_BYTES,
        compression_type=what.compression,
    )
    progress = Progress(f"loading {what.records:,} records", what.records)
    async with producer:
        waiting: set[asyncio.Future[Any]] = set()
        batch, partition = producer.create_batch(), 0
        done = size = 0
        while done < what.records:
            values = next(what.draws)[: what.records - done]
            timestamps = _timestamps(what, done, done + len(values))
            begun = 0
            for i, (value, timestamp) in enumerate(zip(values, timestamps, strict=True)):
                if batch.append(timestamp=timestamp, key=None, value=value) is None:
                    size += int(batch.size())
                    await _send(producer, batch, topic, partition, waiting)
                    if i > begun:
                        reference.add_all(partition, values[begun:i], timestamps[begun:i])
                    batch, partition, begun = producer.create_batch(), partition + 1, i
                    partition %= what.partitions
                    batch.append(timestamp=timestamp, key=None, value=value)
            reference.add_all(partition, values[begun:], timestamps[begun:])
            done += len(values)
            progress.at(done)
        size += int(batch.size())
        await _send(producer, batch, topic, partition, waiting)
        await asyncio.gather(*waiting)
    return size


def _timestamps(what: Load, begin: int, end: int) -> list[int]:
    # A cheap jitter that is the same in every run; a multiplicative hash spreads it.
    start, rate = what.starts_at, what.rate
    return [
        start + max(0, i * 1000 // rate - (i * 2_654_435_761 >> 7) % JITTER_MS)
        for i in range(begin, end)
    ]


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
