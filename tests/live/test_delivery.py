"""Delivery over a real broker to the `websockets` client: its own keys, and all of them."""

import asyncio
import contextlib

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from deploy.local import LocalKafka
from streams.core.columns import TP
from streams.web.live.cursor import decode
from tests.application import create_topics
from tests.live.gateways import by_key, code_of_closing, gateway, numbers, read, results, send
from tests.polling import until_true
from tests.reading import read_all


async def test_each_client_gets_its_keys(
    kafka: LocalKafka, topic: str, producer: AIOKafkaProducer
) -> None:
    async with (
        gateway(kafka, topic) as served,
        served.client("key=k0") as one,
        served.client("key=k1,none&hashtag=k2&key=k1") as other,
        served.client("hashtag=*") as everything,
    ):
        first = await read(one)
        assert first[0]["type"] == "subscribed"
        assert first[0]["keys"] == {"key": ["k0"]}
        assert (await read(other))[0]["keys"] == {"key": ["k1", "none"], "hashtag": ["k2"]}
        await read(everything)
        await send(producer, topic, range(300))
        assert by_key(await results(one, 100)) == {"k0": list(range(0, 300, 3))}
        assert by_key(await results(other, 200)) == {
            "k1": list(range(1, 300, 3)),
            "k2": list(range(2, 300, 3)),
        }
        everything_got = by_key(await results(everything, 300))
        assert everything_got == {f"k{k}": list(range(k, 300, 3)) for k in range(3)}
        await producer.send_and_wait(topic, None, key=b"k0", partition=0, timestamp_ms=7)
        [last] = await results(one, 1)
        assert (last["key"], last["value"], last["timestamp"]) == ("k0", None, 7)
        assert last["id"].startswith(f"{topic}-0-")


async def test_keys_change_while_connected(
    kafka: LocalKafka, topic: str, producer: AIOKafkaProducer
) -> None:
    async with gateway(kafka, topic) as served, served.client("key=k0") as ws:
        await read(ws)
        await ws.send('{"action": "subscribe", "keys": ["k1"]}')
        assert (await read(ws))[0]["keys"] == {"key": ["k0", "k1"]}
        await ws.send('{"action": "unsubscribe", "keys": ["k0", "x"], "parameter": "key"}')
        assert (await read(ws))[0]["keys"] == {"key": ["k1"]}
        await send(producer, topic, range(30))
        assert by_key(await results(ws, 10)) == {"k1": list(range(1, 30, 3))}
        await ws.send('{"action": "subscribe", "keys": ["*"]}')
        assert (await read(ws))[0]["keys"] == {"key": ["k1", "*"]}
        await send(producer, topic, range(30, 60))
        assert len(await results(ws, 30)) == 30
        await ws.send('{"action": "subscribe", "keys": []}')
        [answer] = await read(ws)
        assert decode(answer["cursor"], [topic]) == dict(served.site.follower.positions)


@pytest.mark.usefixtures("two_partitions")
async def test_partitions_that_are_added_are_followed_from_their_start(
    kafka: LocalKafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.web.live.follower.METADATA_MS", 300)
    async with gateway(kafka, topic) as served:
        async with served.client("key=*") as ws:
            [first] = await read(ws)
            admin = AIOKafkaAdminClient(**kafka.client_options())
            await admin.start()
            await admin.create_partitions({topic: NewPartitions(3)})
            await admin.close()

            async def is_there() -> bool:
                return len(await read_all(kafka.client_options(), topic)) == 3

            await until_true(is_there)  # a producer refuses partitions that it can't see
            async with AIOKafkaProducer(**kafka.client_options()) as another:
                await another.send_and_wait(topic, b'{"n": 1}', key=b"new", partition=2)
            [message] = await results(ws, 1)
            assert message["id"] == f"{topic}-2-0"
            assert decode(message["cursor"], [topic])[TP(topic, 2)] == 1
        async with served.client(f"key=new&since={first['cursor']}") as ws:
            assert (await results(ws, 1))[0]["id"] == f"{topic}-2-0"


@pytest.mark.long
async def test_clients_stay_over_an_outage(topic: str) -> None:
    with LocalKafka() as kafka:
        options = kafka.client_options()
        await create_topics(options, topic, partitions=2)
        async with gateway(kafka, topic) as served, served.client("key=*") as ws:
            await read(ws)
            async with AIOKafkaProducer(**options) as producer:
                await send(producer, topic, range(30))
            assert len(await results(ws, 30)) == 30
            kafka.brokers[0].kill()
            with contextlib.suppress(TimeoutError):
                await read(ws, seconds=3)
            await asyncio.to_thread(kafka.brokers[0].start)
            async with AIOKafkaProducer(**options) as producer:
                await send(producer, topic, range(30, 60))
            assert sorted(numbers(await results(ws, 30))) == list(range(30, 60))


@pytest.mark.usefixtures("two_partitions")
async def test_the_server_says_good_bye(kafka: LocalKafka, topic: str) -> None:
    async with gateway(kafka, topic) as served:
        ws = await served.client("key=k0")
        await read(ws)
        deaf = await served.client("key=k0")
        deaf.transport.pause_reading()
    assert await code_of_closing(ws) == 1001
    deaf.transport.abort()
    assert served.connections == 0
