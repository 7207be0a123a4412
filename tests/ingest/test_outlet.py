"""The outlet on a real broker: what it refuses, what it bounds, and partitions as Java's."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer

from producers.ingest.in_order import Acknowledge, in_order
from producers.ingest.outlet import Outlet
from producers.ingest.record import Position, Record
from streams.errors import SourceError, UndeliveredError
from streams.kafka_settings import KafkaSettings
from tests.application import Kafka, create_topics
from tests.reading import read_all

MAX_RECORD = 900_000


@pytest.fixture
async def outlet(kafka: Kafka, topic: str) -> AsyncIterator[Outlet]:
    """One whose topic takes batches up to 200 kB."""
    await create_topics(kafka.client_options(), topic, partitions=3, max_message_bytes="200000")
    made = Outlet(KafkaSettings.from_env(kafka.env()), 2**20, MAX_RECORD)
    await made.start([topic])
    yield made
    await made.close()


async def test_keys_go_where_java_sends_them(outlet: Outlet, kafka: Kafka, topic: str) -> None:
    keys = [b"key-%d" % n for n in range(50)]
    delivery = await outlet.publish([Record(topic, b"ours", key) for key in keys])
    ours = [at.partition for at in await delivery.acknowledged()]
    async with AIOKafkaProducer(**kafka.client_options()) as producer:
        theirs = [(await producer.send_and_wait(topic, b"", key)).partition for key in keys]
    assert ours == theirs


async def test_positions_are_those_of_the_records(outlet: Outlet, kafka: Kafka, topic: str) -> None:
    deliveries = [
        outlet.offer([Record(topic, b"%d-%d" % (n, i), b"k%d" % i) for i in range(20)])
        for n in range(40)
    ]
    placed: dict[Position, bytes] = {}
    for n, delivery in enumerate(deliveries):
        positions = await delivery.acknowledged()
        placed |= {at: b"%d-%d" % (n, i) for i, at in enumerate(positions)}
    assert len(placed) == 800
    records = [r for part in await read_all(kafka.client_options(), topic) for r in part]
    assert placed == {Position(r.topic, r.partition, r.offset): r.value for r in records}


async def test_what_kafka_refuses_fails_alone(outlet: Outlet, kafka: Kafka, topic: str) -> None:
    await (await outlet.publish([Record(topic, b"before")])).acknowledged()
    # lz4 can't make it shorter.
    refused = await outlet.publish([Record(topic, os.urandom(300_000))])
    with pytest.raises(UndeliveredError):
        await refused.acknowledged()
    with pytest.raises(UndeliveredError, match="900,001"):
        await outlet.publish([Record(topic, b"x" * (MAX_RECORD + 1))])
    for n in range(9):
        async with asyncio.timeout(60):
            await (await outlet.publish([Record(topic, b"%d" % n)])).acknowledged()
    records = [r for part in await read_all(kafka.client_options(), topic) for r in part]
    assert sorted(r.value or b"" for r in records) == [*(b"%d" % n for n in range(9)), b"before"]
    assert outlet.used_bytes == 0


async def test_publishers_wait_for_room(outlet: Outlet, topic: str) -> None:
    most = 0

    async def publish(n: int) -> None:
        nonlocal most
        delivery = await outlet.publish([Record(topic, b"x" * 150_000, b"%d" % n)])
        most = max(most, outlet.used_bytes)
        await delivery.acknowledged()

    async with asyncio.timeout(60):
        await asyncio.gather(*map(publish, range(40)))
    assert 300_000 < most <= 2**20
    assert outlet.used_bytes == 0


async def test_acknowledgements_keep_the_order(outlet: Outlet, topic: str) -> None:
    acknowledged: list[int] = []

    def acknowledgement(n: int) -> Acknowledge:
        async def acknowledge() -> None:
            if n == 30:
                raise SourceError("the peer is gone")
            acknowledged.append(n)

        return acknowledge

    async def publish() -> None:
        async with in_order(outlet) as put:
            for n in range(1000):
                await put([Record(topic, b"%d" % n)] if n % 3 else [], acknowledgement(n))

    with pytest.raises(SourceError, match="gone"):
        await publish()
    assert acknowledged == list(range(30))
