"""A broker that dies under the publisher: nothing twice, nothing lost, and no endless wait."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from deploy.local import LocalKafka
from producers.delivery import CLOSE_TIMEOUT_S
from producers.hashtags import TaggedTweet
from producers.publisher import Publisher
from streams.errors import ClusterAccessError
from streams.kafka_settings import KafkaSettings
from streams.settings import Settings
from streams.topics import ensure_topics
from tests.polling import until_true
from tests.reading import read_all

#: Hashtags that wait for the broker at a time.
IN_FLIGHT = 50


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


async def publish_until(publisher: Publisher, enough: asyncio.Event) -> None:
    """Publish numbers from 0 on; there are always some in flight, and never many."""
    while not enough.is_set():
        await publisher.publish([TaggedTweet([b"%d" % publisher.sent], None)])
        await until_true(lambda: publisher.sent < publisher.acked + IN_FLIGHT, 60)


@pytest.mark.long
async def test_a_broker_that_comes_back(mortal_kafka: LocalKafka, topic: str) -> None:
    publisher = await started(mortal_kafka, topic)
    [broker] = mortal_kafka.brokers
    enough = asyncio.Event()
    pump = asyncio.create_task(publish_until(publisher, enough))
    try:
        await until_true(lambda: publisher.acked >= 10 * IN_FLIGHT)
        await asyncio.to_thread(broker.kill)
        before = publisher.acked
        await asyncio.to_thread(broker.start)
        await until_true(lambda: publisher.acked >= before + 10 * IN_FLIGHT, 60)
        enough.set()
        await pump
        await publisher.flush(timeout_s=50)
    finally:
        pump.cancel()
        await publisher.close()
    assert publisher.acked == publisher.sent
    found = await read_all(mortal_kafka.client_options(), topic)
    values = Counter(record.value for part in found for record in part)
    assert values == Counter(b"%d" % number for number in range(publisher.sent))


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
