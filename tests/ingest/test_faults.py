"""Nothing that was acknowledged is missing, whoever dies meanwhile: Kafka, or the gateway."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest

from deploy.local import LocalKafka
from tests.appsync.ministack import Ministack
from tests.ingest.conftest import Mosquitto
from tests.ingest.ingester import NDJSON, Ingester, identities
from tests.ingest.mqtt_publisher import publish
from tests.ingest.queues import body, fill, left, new_queue
from tests.ingest.test_mqtt import subscribed, variables
from tests.polling import until, until_true
from tests.scene import seed_of_run

T = TypeVar("T")

#: Records over HTTP, and over each of SQS and MQTT.
HTTP, OTHERS = 100_000, 10_000
IN_A_REQUEST = 20
CLIENTS = 8
#: The part of the MQTT messages that come while Kafka says nothing, and how many records are held
#: then: more than requests and SQS messages can be at the gateway at a time.
AHEAD, HELD = 0.1, 500
SECONDS = 600.0

pytestmark = [pytest.mark.long, pytest.mark.timeout(2 * SECONDS)]


class HttpClients:
    """Send requests again until they are accepted."""

    def __init__(self, gateway: Ingester, requests: int) -> None:
        self._gateway = gateway
        self._left = list(range(requests))
        self.accepted: set[int] = set()
        self.attempts = 0

    async def run(self) -> None:
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(self._send_some(session))

    async def _send_some(self, session: aiohttp.ClientSession) -> None:
        while self._left:
            number = self._left.pop()
            await until_true(partial(self._send, session, number), SECONDS)
            self.accepted.add(number)

    async def _send(self, session: aiohttp.ClientSession, number: int) -> bool:
        self.attempts += 1
        body = b"\n".join(b'{"http": %d, "n": %d}' % (number, n) for n in range(IN_A_REQUEST))
        headers = {"Content-Type": NDJSON, "Idempotency-Key": f"h{number}"}
        url = f"{self._gateway.url}/topics/{self._gateway.topic}"
        try:
            async with session.post(url, data=body, headers=headers) as answer:
                assert answer.status in {202, 503}, await answer.text()
                if answer.status == 202:
                    assert len((await answer.json())["offsets"]) == IN_A_REQUEST
                    return True
                assert "Retry-After" in answer.headers
        except (aiohttp.ClientError, OSError):
            pass
        return False


def paced(items: Sequence[T], share: Callable[[], float]) -> Iterator[T]:
    """The items, no more of them than the share that `share` tells of."""

    def is_due(n: int) -> bool:
        return n <= len(items) * share()

    for n, item in enumerate(items):
        until(partial(is_due, n), "the requests get on", SECONDS)
        yield item


async def test_two_kills_and_a_bounce(
    mortal_kafka: LocalKafka, aws: Ministack, mosquitto: Mosquitto, topic: str, tmp_path: Path
) -> None:
    chance = random.Random(seed_of_run())
    url, _ = new_queue(aws, topic)
    settings = {
        **aws.variables,
        **variables(mosquitto, topic),
        "STREAMS_INGEST_SQS_QUEUE": url,
        "STREAMS_INGEST_ACK_SECONDS": "10",
        "STREAMS_REPLICATION": "1",
    }
    payloads = [b'{"mqtt": %d}' % n for n in range(OTHERS)]
    messages = [(f"{topic}/v{n % 9}/position", payload) for n, payload in enumerate(payloads)]
    [broker] = mortal_kafka.brokers
    with Ingester(mortal_kafka, topic, tmp_path, "http", "sqs", "mqtt", **settings) as gateway:
        await asyncio.to_thread(until, lambda: subscribed(gateway), "subscribed", 100, gateway.tail)
        requests = HTTP // IN_A_REQUEST
        clients = HttpClients(gateway, requests)

        has_burst = False

        def share() -> float:
            return len(clients.accepted) / requests

        def share_of_mqtt() -> float:
            return share() + has_burst * AHEAD

        async def after(wanted: float) -> None:
            def has_come() -> bool:
                assert gateway.alive, gateway.tail()
                return share() >= wanted

            await until_true(has_come, SECONDS)

        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
            group.create_task(clients.run())
            sqs = group.create_task(asyncio.to_thread(fill, aws, url, OTHERS))
            group.create_task(
                asyncio.to_thread(publish, mosquitto.port, paced(messages, share_of_mqtt))
            )
            await after(chance.uniform(0.05, 0.25))
            broker.pause()
            has_burst = True
            try:
                # MQTT messages among them, so that whoever acknowledges too early is found out.
                await asyncio.to_thread(until, lambda: gateway.holds(HELD), "it holds some", 100)
                gateway.kill()
            finally:
                broker.resume()
            gateway.begin()
            await after(chance.uniform(0.35, 0.5))
            await asyncio.to_thread(broker.kill)
            await asyncio.to_thread(broker.start)
            await after(chance.uniform(0.6, 0.9))
            gateway.kill()
            gateway.begin()
        known = {f"h{request}:{n}" for request in range(requests) for n in range(IN_A_REQUEST)}
        known |= set(sqs.result())
        await asyncio.to_thread(
            until, lambda: left(aws, url) == 0, "SQS is empty", SECONDS, gateway.tail
        )

        def all_of_mqtt() -> bool:
            return set(payloads) <= {record.value for record in gateway.records()}

        await asyncio.to_thread(until, all_of_mqtt, "all of MQTT", SECONDS, gateway.tail)
        assert gateway.stop() == 0, gateway.tail()
        found = await asyncio.to_thread(gateway.records)
    seen = Counter(identities(found))
    assert len(sqs.result()) == OTHERS
    assert known - seen.keys() == set(), "acknowledged, and not there"
    assert seen.keys() - known == set(), "nobody has sent that"
    print(f"{clients.attempts - requests} requests repeated, {len(found)} records")


async def test_a_full_buffer_is_told_and_forgotten(
    mortal_kafka: LocalKafka, topic: str, tmp_path: Path
) -> None:
    settings = {
        "STREAMS_INGEST_BUFFER_BYTES": str(2**20),
        "STREAMS_INGEST_MAX_RECORD_BYTES": "700000",
        "STREAMS_INGEST_ACK_SECONDS": "4",
    }
    [broker] = mortal_kafka.brokers
    with Ingester(mortal_kafka, topic, tmp_path, "http", **settings) as gateway:
        await asyncio.to_thread(gateway.until_serving)

        async def send(number: int, size: int) -> tuple[int, str]:
            body = {"n": number, "fill": "x" * size}
            status, answer = await asyncio.to_thread(
                gateway.post, body, Idempotency_Key=f"r{number}"
            )
            return status, answer.get("detail", "")

        async def is_taken(number: int) -> bool:
            return (await send(number, 600_000))[0] == 202

        await until_true(lambda: is_taken(0), 100)  # a record longer than a batch
        await asyncio.to_thread(broker.kill)
        try:
            status, detail = await send(1, 600_000)
            assert (status, "within 4 s" in detail) == (503, True), detail
            status, detail = await send(2, 600_000)
            assert (status, "as fast as" in detail) == (503, True), detail
            status, health = await asyncio.to_thread(gateway.health)
            assert (status, health["status"]) == (503, "stalled")
            assert health["waiting_seconds"] > 4
        finally:
            await asyncio.to_thread(broker.start)

        async def is_published() -> bool:
            found = await asyncio.to_thread(gateway.records)
            return set(identities(found)) == {"r0:0", "r1:0"}

        # What was taken is published without being sent again; what was refused isn't.
        await until_true(is_published, 100)
        await until_true(lambda: is_taken(2), 100)
        healthy = {"status": "healthy", "buffer_bytes": 0, "waiting_seconds": 0}

        async def is_healthy() -> bool:
            return await asyncio.to_thread(gateway.health) == (200, healthy)

        await until_true(is_healthy, 100)
        assert gateway.stop() == 0, gateway.tail()


async def test_messages_stay_in_sqs_while_kafka_is_away(
    mortal_kafka: LocalKafka, aws: Ministack, topic: str, tmp_path: Path
) -> None:
    url, _ = new_queue(aws, topic)
    settings = {
        **aws.variables,
        "STREAMS_INGEST_SQS_QUEUE": url,
        "STREAMS_INGEST_ACK_SECONDS": "2",
    }
    [broker] = mortal_kafka.brokers
    with Ingester(mortal_kafka, topic, tmp_path, "http", "sqs", **settings) as gateway:
        await asyncio.to_thread(gateway.until_serving)
        await asyncio.to_thread(broker.kill)
        try:
            await asyncio.to_thread(fill, aws, url, 10)
            await asyncio.to_thread(until, lambda: gateway.holds(1), "it has read some", 100)
            # By the time that this one has waited, the others would be deleted, if they were to.
            assert (await asyncio.to_thread(gateway.post, {"n": 1}))[0] == 503
            assert await asyncio.to_thread(left, aws, url) == 10
        finally:
            await asyncio.to_thread(broker.start)
        await asyncio.to_thread(until, lambda: left(aws, url) == 0, "all are deleted", 100)
        # The one that was answered with 503, too: it may have been published all the same.
        expected = {b'{"n": 1}', *map(body, range(10))}

        async def all_published() -> bool:
            found = await asyncio.to_thread(gateway.records)
            return {record.value for record in found} == expected

        await until_true(all_published, 100)  # some perhaps twice
        assert gateway.stop() == 0, gateway.tail()
