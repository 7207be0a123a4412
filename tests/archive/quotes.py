"""Quotes as a topic holds them: aborted ones, bad ones and ones below the threshold among them."""

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

TICKERS = ("AAPL", "AMZN", "MSFT", "INTC", "BRK/B", "ÄÖ =?")
#: 2024-11-21T00:00:00Z, in seconds: long ago, for brokers refuse what is stamped with the future.
BEGIN = 1_732_147_200
ROWS_IN_A_BATCH = 400
#: Of so many batches one is written by a transaction that is aborted, and one record is bad.
ABORTED_EVERY, BAD_EVERY = 12, 997


class Quote(NamedTuple):
    """One record as it was written."""

    key: bytes | None
    value: bytes | None
    timestamp: int


def quotes(seed: int, partition: int, n: int, part: int) -> list[Quote]:
    """`n` records; event time runs through an hour, with some jitter."""
    rng = random.Random(f"{seed}-{partition}-{part}")
    made = []
    for i in range(n):
        seconds = BEGIN + part % 20 * 3600 + i * 3600 // n + rng.randrange(60)
        ticker = rng.choice(TICKERS)
        # Naive for some, and in another zone for others.
        hour, minute, second = seconds // 3600 % 24, seconds // 60 % 60, seconds % 60
        at = f"2024-11-21T{hour:02}:{minute:02}:{second:02}{rng.choice(('', 'Z', '+00:00'))}"
        value = {"event_time": at, "ticker": ticker, "price": rng.randrange(4000, 7000) / 100}
        raw = json.dumps(value).encode()
        if i % BAD_EVERY == 5:
            raw = rng.choice((b"{", b"\xff", b'{"ticker": "AAPL"}', raw.replace(b'"20', b'"x20')))
        made.append(Quote(ticker.encode(), raw, seconds * 1000 + i % 1000))
    return made


def large_quotes(n: int, seed: int) -> list[Quote]:
    """`n` records of 2 kB, which all pass, of one path; they can hardly be compressed."""
    rng = random.Random(seed)
    made = []
    for i in range(n):
        note = base64.b64encode(rng.randbytes(1_500)).decode()
        value = {"event_time": "2024-11-21T00:00:00Z", "ticker": "A", "price": 51, "note": note}
        made.append(Quote(b"A", json.dumps(value).encode(), BEGIN * 1000 + i))
    return made


def passes(value: bytes | None) -> bool | None:
    """Whether a record is archived; None for a bad one. Written down once more, for the test."""
    try:
        found = json.loads(value or b"")
        if found["price"] <= 50:
            return False
        return True if found["event_time"].startswith("2024") else None
    except (ValueError, KeyError):
        return None


async def write(options: Mapping[str, Any], topic: str, partition: int, rows: list[Quote]) -> None:
    """Write one partition; some transactions in between are aborted."""
    batches = [rows[i : i + ROWS_IN_A_BATCH] for i in range(0, len(rows), ROWS_IN_A_BATCH)]
    async with AIOKafkaProducer(
        **options,
        transactional_id=f"quotes-{topic}-{partition}",
        compression_type="gzip",
        max_batch_size=900_000,
    ) as producer:
        for n, batch in enumerate(batches):
            if n % ABORTED_EVERY == 1:
                await _transact(producer, topic, partition, batch, commit=False)
            await _transact(producer, topic, partition, batch, commit=True)


async def _transact(
    producer: AIOKafkaProducer, topic: str, partition: int, rows: list[Quote], *, commit: bool
) -> None:
    await producer.begin_transaction()
    batch = producer.create_batch()
    for key, value, timestamp in rows:
        assert batch.append(key=key, value=value, timestamp=timestamp) is not None
    batch.close()
    await (await producer.send_batch(batch, topic, partition=partition))
    await (producer.commit_transaction() if commit else producer.abort_transaction())


async def write_all(
    options: Mapping[str, Any], topic: str, partitions: int, n: int, seed: int, part: int = 0
) -> None:
    """Write `n` records in all, over all partitions."""
    rows = [quotes(seed, p, n // partitions, part) for p in range(partitions)]
    await asyncio.gather(*(write(options, topic, p, of) for p, of in enumerate(rows)))


async def read(
    options: Mapping[str, Any], topic: str, partitions: int
) -> AsyncIterator[tuple[tuple[int, int], Quote]]:
    """All committed records by partition and offset, up to the present end."""
    consumer = AIOKafkaConsumer(
        **options, enable_auto_commit=False, isolation_level="read_committed"
    )
    async with consumer:
        tps = [TopicPartition(topic, p) for p in range(partitions)]
        ends = await consumer.end_offsets(tps)
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        for tp in tps:
            while await consumer.position(tp) < ends[tp]:
                for _, records in (await consumer.getmany(tp, timeout_ms=500)).items():
                    for r in records:
                        yield (r.partition, r.offset), Quote(r.key, r.value, r.timestamp)
