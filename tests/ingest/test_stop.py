"""A stop in order, while Kafka has yet to acknowledge what was read."""

import asyncio
from pathlib import Path

import pytest

from deploy.local import LocalKafka
from deploy.local.ports import accepts_connections
from tests.application import Kafka, create_topics
from tests.appsync.ministack import Ministack
from tests.ingest.conftest import Mosquitto
from tests.ingest.ingester import Ingester, pipe
from tests.ingest.mqtt_publisher import publish
from tests.ingest.queues import body, fill, left, new_queue
from tests.ingest.test_mqtt import subscribed, variables
from tests.polling import until, until_true
from tests.reading import Record, read_all

COUNT = 10


async def test_a_stop_waits_for_acknowledgements(
    mortal_kafka: LocalKafka, aws: Ministack, mosquitto: Mosquitto, topic: str, tmp_path: Path
) -> None:
    url, _ = new_queue(aws, topic)
    settings = {
        **aws.variables,
        **variables(mosquitto, topic),
        "STREAMS_INGEST_SQS_QUEUE": url,
        "STREAMS_INGEST_SQS_READERS": "1",
        "STREAMS_INGEST_ACK_SECONDS": "100",
    }
    messages = [(f"{topic}/v{n}/position", b"%d" % n) for n in range(COUNT)]
    expected = {b'{"n": 1}', *(payload for _, payload in messages), *map(body, range(COUNT))}
    [broker] = mortal_kafka.brokers
    with Ingester(mortal_kafka, topic, tmp_path, "http", "sqs", "mqtt", **settings) as gateway:
        await asyncio.to_thread(until, lambda: subscribed(gateway), "subscribed", 100, gateway.tail)
        broker.pause()
        try:
            await asyncio.to_thread(fill, aws, url, COUNT)
            await asyncio.to_thread(publish, mosquitto.port, messages)
            answer = asyncio.create_task(asyncio.to_thread(gateway.post, {"n": 1}))
            await asyncio.to_thread(
                until, lambda: gateway.holds(2 * COUNT + 1), "it has read all", 100, gateway.tail
            )
            gateway.process.terminate()
            port = gateway.http_port
            await asyncio.to_thread(until, lambda: not accepts_connections(port), "it stops", 60)
        finally:
            broker.resume()
        assert (await answer)[0] == 202
        assert await asyncio.to_thread(gateway.wait) == 0, gateway.tail()
        assert left(aws, url) == 0
        found = await asyncio.to_thread(gateway.records)
        assert {record.value for record in found} == expected
        # The MQTT broker has nothing to send again: that would come first.
        gateway.begin()
        await asyncio.to_thread(publish, mosquitto.port, [(f"{topic}/v1/position", b"last")])
        await asyncio.to_thread(gateway.until_published, len(found) + 1)
        assert await asyncio.to_thread(gateway.stop) == 0, gateway.tail()
        known = set(map(place, found))
        later = [r for r in await asyncio.to_thread(gateway.records) if place(r) not in known]
        assert {record.value for record in later} == {b"last"}


def place(record: Record) -> tuple[int, int]:
    """Its partition and offset."""
    return record.partition, record.offset


@pytest.mark.long
async def test_a_stop_does_not_wait_for_ever(
    mortal_kafka: LocalKafka, aws: Ministack, topic: str, tmp_path: Path
) -> None:
    url, _ = new_queue(aws, topic)
    settings = {
        **aws.variables,
        "STREAMS_INGEST_SQS_QUEUE": url,
        "STREAMS_INGEST_STOP_SECONDS": "5",
    }
    [broker] = mortal_kafka.brokers
    with Ingester(mortal_kafka, topic, tmp_path, "sqs", **settings) as gateway:
        await asyncio.to_thread(gateway.until_serving)
        await asyncio.to_thread(broker.kill)
        try:
            await asyncio.to_thread(fill, aws, url, COUNT)
            await asyncio.to_thread(until, lambda: gateway.holds(COUNT), "it has read all", 100)
            gateway.process.terminate()
            assert await asyncio.to_thread(gateway.wait) == 0, gateway.tail()
        finally:
            await asyncio.to_thread(broker.start)
        assert "the sources will bring it again" in gateway.said()
        assert left(aws, url) == COUNT


async def test_a_pipe_that_was_not_read_to_its_end(kafka: Kafka, topic: str) -> None:
    await create_topics(kafka.client_options(), topic, partitions=1)

    async def published() -> int:
        [found] = await read_all(kafka.client_options(), topic)
        return len(found)

    async def has_two() -> bool:
        return await published() == 2

    with pipe(kafka, topic) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(b"one\ntwo\nthr")
            process.stdin.flush()
            await until_true(has_two, 60)
            process.terminate()
            # The pipe stays open until it has ended.
            assert await asyncio.to_thread(process.wait, 100) == 1
            said, _ = process.communicate()
        finally:
            process.kill()
    assert b"before the end of standard input" in said
    assert await published() == 2
