"""Hashtags at a steady rate in real time, in a process of its own.

    python -m benchmarks.paced TOPIC RATE SECONDS WINDOW_MS GRACE_MS FILE
    (the cluster by KAFKA_*)

FILE gets, as JSON: for each window that every partition has passed, with its grace, when the last
of the appends that did so was sent and acknowledged (monotonic seconds); and the finals that have
to come of it.
"""

import asyncio
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from benchmarks.hashtags import DRAWN_AT_ONCE, Population
from benchmarks.reference import Reference
from benchmarks.topics import PARTITIONS
from deploy.local.client import client_options

TICK_SECONDS = 0.02
DISTINCT = 50_000
MIN_MENTIONED = 4
#: Draws that are made beforehand, so that pacing costs little; they are repeated.
_POOL_CHUNKS = 100


class Appended(NamedTuple):
    """One batch: its records all bear one timestamp (ms). Times are monotonic seconds."""

    partition: int
    offset: int
    timestamp: int
    values: list[bytes]
    sent: float
    acked: float


class Closed(NamedTuple):
    """A window, by its end (ms): when the append was sent, and acked, that let it close."""

    end: int
    sent: float
    acked: float


def closings(appended: list[Appended], window_ms: int, grace_ms: int) -> list[Closed]:
    """For each window, when all partitions had passed its end and grace."""
    passed: dict[int, dict[int, Appended]] = defaultdict(dict)
    newest = [0] * PARTITIONS
    for batch in appended:
        before, newest[batch.partition] = newest[batch.partition], batch.timestamp
        reached = batch.timestamp - grace_ms
        end = reached - reached % window_ms
        if before and before < end + grace_ms:
            passed[end][batch.partition] = batch
    return [
        Closed(end, max(b.sent for b in by.values()), max(b.acked for b in by.values()))
        for end, by in sorted(passed.items())
        if len(by) == PARTITIONS
    ]


async def produce(topic: str, rate: int, seconds: float, pool: list[bytes]) -> list[Appended]:
    """Append `rate` records a second, a batch for each partition and tick.

    Returns them by partition and offset, which is the order that lateness is judged in.
    """
    producer = AIOKafkaProducer(
        **client_options(os.environ), acks="all", enable_idempotence=True, max_batch_size=2**20
    )
    values = _cycle(pool)
    a_batch = round(rate * TICK_SECONDS / PARTITIONS)
    # aiokafka lets batches that wait for their partition overtake each other.
    turns = [asyncio.Lock() for _ in range(PARTITIONS)]
    waiting: list[asyncio.Task[Appended]] = []
    async with producer:
        await producer.partitions_for(topic)
        began = time.monotonic()
        for tick in range(round(seconds / TICK_SECONDS)):
            await asyncio.sleep(began + tick * TICK_SECONDS - time.monotonic())
            for partition in range(PARTITIONS):
                some = list(islice(values, a_batch))
                append = _append(producer, topic, partition, some, turns[partition])
                waiting.append(asyncio.create_task(append))
        return sorted(await asyncio.gather(*waiting))


def _cycle(pool: list[bytes]) -> Iterator[bytes]:
    while True:
        yield from pool


async def _append(
    producer: AIOKafkaProducer, topic: str, partition: int, values: list[bytes], turn: asyncio.Lock
) -> Appended:
    async with turn:
        batch: Any = producer.create_batch()
        timestamp = time.time_ns() // 1_000_000
        for value in values:
            batch.append(timestamp=timestamp, key=None, value=value)
        sent = time.monotonic()
        acknowledged = await producer.send_batch(batch, topic, partition=partition)
    metadata = await acknowledged
    return Appended(partition, metadata.offset, timestamp, values, sent, time.monotonic())


def main(topic: str, rate: str, seconds: str, window_ms: str, grace_ms: str, file: str) -> None:
    """Produce, then work out what has to come of it."""
    draws = islice(Population(DISTINCT, 1.0).draw(1), _POOL_CHUNKS)
    pool = [value for chunk in draws for value in chunk]
    assert len(pool) == _POOL_CHUNKS * DRAWN_AT_ONCE
    appended = asyncio.run(produce(topic, int(rate), float(seconds), pool))
    reference = Reference(PARTITIONS, int(window_ms), int(grace_ms), MIN_MENTIONED)
    for batch in appended:
        for value in batch.values:
            reference.add(batch.partition, value, batch.timestamp)
    finals = [(key.decode(), end, n) for (key, end), n in reference.finals().items()]
    found = {
        "records": sum(len(batch.values) for batch in appended),
        "seconds": max(b.sent for b in appended) - min(b.sent for b in appended),
        "closings": closings(appended, int(window_ms), int(grace_ms)),
        "finals": finals,
    }
    Path(file).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
