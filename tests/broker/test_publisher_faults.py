"""A broker that dies under the publisher: nothing twice, nothing lost, and no endless wait."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from deploy.local import LocalKafka
from producers.hashtags import TaggedTweet
from producers.publisher import CLOSE_TIMEOUT_S, Publisher
from streams.errors import ClusterAccessError
from streams.kafka_settings import KafkaSettings
from streams.settings import Settings
from streams.topics import ensure_topics
from tests.reading import read_all

COUNT = 3000


@pytest.fixture(scope="module")
def mortal_kafka() -> Iterator[LocalKafka]:
    with LocalKafka() as cluster:
        yield cluster


async def started(cluster: LocalKafka, topic: str) -> Publisher:
    settings = Settings(kafka=KafkaSettings.from_env(cluster.env()))
    await ensure_topics(settings, [topic])
    publisher = Publisher(settings.kafka, topic)
    await publisher.start()
    return publisher


async def publish_slowly(publisher: Publisher) -> None:
    for number in range(COUNT):
        await publisher.publish([TaggedTweet([b"%d" % number], None)])
        await asyncio.sleep(0.001)


async def until_acked(publisher: Publisher, count: int) -> None:
    async with asyncio.timeout(30):
        while publisher.acked < count:
            await asyncio.sleep(0.01)


@pytest.mark.long
async def test_a_broker_that_comes_back(mortal_kafka: LocalKafka, topic: str) -> None:
    publisher = await started(mortal_kafka, topic)
    [broker] = mortal_kafka.brokers
    try:
        pump = asyncio.create_task(publish_slowly(publisher))
        await until_acked(publisher, 100)
        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.start)
        async with asyncio.timeout(60):
            await pump
            await publisher.flush(timeout_s=50)
    finally:
        await publisher.close()
    assert publisher.acked == COUNT
    found = await read_all(mortal_kafka.client_options(), topic)
    values = Counter(record.value for part in found for record in part)
    assert values == Counter(b"%d" % number for number in range(COUNT))


@pytest.mark.long
async def test_a_broker_that_stays_away(mortal_kafka: LocalKafka, topic: str) -> None:
    publisher = await started(mortal_kafka, topic)
    [broker] = mortal_kafka.brokers
    try:
        await publisher.publish([TaggedTweet([b"one"], None)])
        await publisher.flush()
        await asyncio.to_thread(broker.kill)
        await publisher.publish([TaggedTweet([b"two"], None)])
        began = time.monotonic()
        with pytest.raises(ClusterAccessError, match="1 hashtags weren't acknowledged"):
            await publisher.flush(timeout_s=1)
        await publisher.close()
        assert time.monotonic() - began < CLOSE_TIMEOUT_S + 5
    finally:
        await asyncio.to_thread(broker.start)
