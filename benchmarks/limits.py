"""The raw limit: consuming and counting with nothing else, in a process of its own.

    python -m benchmarks.limits WAY TOPIC PARTITIONS RECORDS    (the cluster by KAFKA_*)

`getmany` is aiokafka's interface, an object a record; `batches` takes Kafka's own record batches.
`windows` does, too, and counts in windows by the records' timestamps: the least that a windowed
count can do. Prints CPU seconds and seconds as JSON.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.client import client_options
from streams.core.columns import TP
from streams.kafka.record_batches import fetched_batches

WINDOW_MS = 20_000

Counts = Counter[bytes | None]


class Limit(NamedTuple):
    """What counting all records has taken."""

    cpu_seconds: float
    seconds: float


def measure(way: str, topic: str, partitions: int, records: int, kafka: Mapping[str, str]) -> Limit:
    """Count `topic` in a process of its own."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("KAFKA_")} | dict(kafka)
    command = [sys.executable, "-m", "benchmarks.limits", way, topic, str(partitions), str(records)]
    done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE)
    return Limit(**json.loads(done.stdout))


async def _getmany(consumer: AIOKafkaConsumer) -> AsyncIterator[int]:
    counts = Counts()
    while True:
        fetched = await consumer.getmany(timeout_ms=200)
        for records in fetched.values():
            counts.update([record.value for record in records])
            yield len(records)


async def _batches(consumer: AIOKafkaConsumer) -> AsyncIterator[int]:
    counts = Counts()
    async for batch in _fetched(consumer):
        values = [record.value for record in batch]
        counts.update(values)
        yield len(values)


async def _windows(consumer: AIOKafkaConsumer) -> AsyncIterator[int]:
    counts: defaultdict[int, Counts] = defaultdict(Counts)
    async for batch in _fetched(consumer):
        values: list[bytes | None] = []
        timestamps: list[int] = []
        add_value, add_timestamp = values.append, timestamps.append
        for record in batch:
            add_value(record.value)
            add_timestamp(record.timestamp)
        first, last = min(timestamps) // WINDOW_MS, max(timestamps) // WINDOW_MS
        if first == last:
            counts[first].update(values)
        else:
            for value, timestamp in zip(values, timestamps, strict=True):
                counts[timestamp // WINDOW_MS][value] += 1
        yield len(values)


async def _fetched(consumer: AIOKafkaConsumer) -> AsyncIterator[Any]:
    wanted = {TP(*tp) for tp in consumer.assignment()}
    while True:
        for fetched in await fetched_batches(consumer._fetcher, wanted, 0.2):
            if fetched.error is not None:
                raise fetched.error
            for raw in fetched.batches:
                yield raw.header


WAYS: Mapping[str, Callable[[AIOKafkaConsumer], AsyncIterator[int]]] = {
    "getmany": _getmany,
    "batches": _batches,
    "windows": _windows,
}


async def _count(way: str, topic: str, partitions: int, records: int) -> Limit:
    consumer = AIOKafkaConsumer(
        **client_options(os.environ), isolation_level="read_committed", auto_offset_reset="earliest"
    )
    tps = [TopicPartition(topic, p) for p in range(partitions)]
    await consumer.start()
    consumer.assign(tps)
    await consumer.seek_to_beginning(*tps)
    cpu, began = time.process_time(), time.monotonic()
    async for n in WAYS[way](consumer):
        records -= n
        if records <= 0:
            break
    taken = Limit(time.process_time() - cpu, time.monotonic() - began)
    await consumer.stop()
    return taken


def main(way: str, topic: str, partitions: str, records: str) -> None:
    """Count, and print what it took."""
    print(json.dumps(asyncio.run(_count(way, topic, int(partitions), int(records)))._asdict()))


if __name__ == "__main__":
    main(*sys.argv[1:])
