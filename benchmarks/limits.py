"""The raw limit: consuming and counting with nothing else, in a process of its own.

    python -m benchmarks.limits getmany|batches TOPIC RECORDS    (the cluster by KAFKA_*)

`getmany` is aiokafka's interface, an object a record; `batches` takes Kafka's own record batches.
Prints CPU seconds and seconds as JSON.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.topics import PARTITIONS
from deploy.local.client import client_options
from streams.core.columns import TP
from streams.kafka.record_batches import fetched_batches

WAYS = ("getmany", "batches")


class Limit(NamedTuple):
    """What counting all records has taken."""

    cpu_seconds: float
    seconds: float


def measure(way: str, topic: str, records: int, kafka: Mapping[str, str]) -> Limit:
    """Count `topic` in a process of its own."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("KAFKA_")} | dict(kafka)
    command = [sys.executable, "-m", "benchmarks.limits", way, topic, str(records)]
    done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE)
    return Limit(**json.loads(done.stdout))


async def _getmany(consumer: AIOKafkaConsumer) -> AsyncIterator[list[bytes | None]]:
    while True:
        fetched = await consumer.getmany(timeout_ms=200)
        for records in fetched.values():
            yield [record.value for record in records]


async def _batches(consumer: AIOKafkaConsumer) -> AsyncIterator[list[bytes | None]]:
    wanted = {TP(*tp) for tp in consumer.assignment()}
    while True:
        for fetched in await fetched_batches(consumer._fetcher, wanted, 0.2):
            if fetched.error is not None:
                raise fetched.error
            for batch in fetched.batches:
                yield [record.value for record in batch]


async def _count(way: str, topic: str, records: int) -> Limit:
    consumer = AIOKafkaConsumer(
        **client_options(os.environ), isolation_level="read_committed", auto_offset_reset="earliest"
    )
    tps = [TopicPartition(topic, p) for p in range(PARTITIONS)]
    await consumer.start()
    consumer.assign(tps)
    await consumer.seek_to_beginning(*tps)
    source = {"getmany": _getmany, "batches": _batches}[way](consumer)
    cpu, began = time.process_time(), time.monotonic()
    counts: Counter[bytes | None] = Counter()
    async for values in source:
        counts.update(values)
        records -= len(values)
        if records <= 0:
            break
    taken = Limit(time.process_time() - cpu, time.monotonic() - began)
    await consumer.stop()
    return taken


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_count(sys.argv[1], sys.argv[2], int(sys.argv[3])))._asdict()))
