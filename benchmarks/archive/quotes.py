"""Quotes as JSON: what is archived."""

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from benchmarks.topics import PARTITIONS

TICKERS = ("AAPL", "AMZN", "MSFT", "INTC", "TBV")
#: 2024-11-21T12:00:00Z, in seconds; event time runs at so many records a second.
BEGIN, RATE = 1_732_190_400, 5_000
BATCH_BYTES = 64 * 1024


class Quote(NamedTuple):
    """One record; `timestamp` in ms."""

    key: bytes
    value: bytes
    timestamp: int


def quotes(records: int, seed: int = 7) -> Iterator[Quote]:
    """The same in every run."""
    rng = random.Random(seed)
    for n in range(records):
        ms = n * 1000 // RATE
        minute, second = ms // 60_000, ms // 1000 % 60
        at = f"2024-11-21T{12 + minute // 60:02}:{minute % 60:02}:{second:02}.{ms % 1000:03}Z"
        ticker = rng.choice(TICKERS)
        value = {"event_time": at, "ticker": ticker, "price": rng.randrange(5_001, 50_000) / 100}
        yield Quote(ticker.encode(), json.dumps(value).encode(), BEGIN * 1000 + ms)


async def load(options: Mapping[str, Any], topic: str, records: int) -> int:
    """Fill a topic, its partitions in turns; returns the bytes of the values."""
    size = 0
    async with AIOKafkaProducer(
        **options, enable_idempotence=True, max_batch_size=BATCH_BYTES
    ) as producer:
        batch, partition = producer.create_batch(), 0
        for key, value, timestamp in quotes(records):
            size += len(value)
            if batch.append(key=key, value=value, timestamp=timestamp) is None:
                await (await producer.send_batch(batch, topic, partition=partition))
                batch, partition = producer.create_batch(), (partition + 1) % PARTITIONS
                batch.append(key=key, value=value, timestamp=timestamp)
        await (await producer.send_batch(batch, topic, partition=partition))
    return size
