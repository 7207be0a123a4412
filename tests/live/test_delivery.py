"""Delivery over a real broker to the `websockets` client: own keys only, resuming, slow readers."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete
from aiokafka.structs import TopicPartition
from prometheus_client import REGISTRY
from websockets.asyncio.client import ClientConnection

from deploy.local import LocalKafka
from streams.core.columns import TP
from streams.web.live.cursor import Positions, decode
from tests.application import create_topics
from tests.live.gateways import (
    RunningGateway,
    by_key,
    code_of_closing,
    gateway,
    numbers,
    read,
    results,
    send,
    until,
)
from tests.scene import seed_of_run


@pytest.fixture
async def two_partitions(kafka: LocalKafka, topic: str) -> None:
    """The topic, without records."""
    await create_topics(kafka.client_options(), topic, partitions=2)


@pytest.fixture
async def producer(
    kafka: LocalKafka,
    two_partitions: None,  # noqa: ARG001
) -> AsyncIterator[AIOKafkaProducer]:
    """Writes to `topic`."""
    async with AIOKafkaProducer(**kafka.client_options(), linger_ms=5) as producer:
        yield producer


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


async def test_resuming_here_and_elsewhere_leaves_no_gap_and_repeats_nothing(
    kafka: LocalKafka, topic: str, producer: AIOKafkaProducer
) -> None:
    """One gateway's ring holds next to nothing, so that it has to ask Kafka."""
    random_ = random.Random(seed_of_run())
    total = 6000
    async with (
        gateway(kafka, topic) as one,
        gateway(kafka, topic, LIVE_RING_BYTES="65536", LIVE_HISTORY="0") as other,
    ):
        writing = asyncio.create_task(_write_slowly(producer, topic, total))
        got: list[dict[str, Any]] = []
        since, connections = "", 0
        while len(got) < total * 2 // 3:
            served = random_.choice([one, other])
            query = f"key=k0,k1{f'&since={since}' if since else ''}"
            async with served.client(query) as ws:
                [first] = await read(ws)
                if not since:  # all that is written is written after this
                    since = first["cursor"]
                    _started.set()
                else:
                    assert decode(first["cursor"], [topic]) == decode(since, [topic])
                wanted = min(random_.randrange(1, 600), total * 2 // 3 - len(got))
                messages = await results(ws, wanted)
                got += messages
                since = messages[-1]["cursor"]
                connections += 1
        await writing
        assert by_key(got) == {f"k{k}": list(range(k, total, 3)) for k in range(2)}
        assert len({message["id"] for message in got}) == len(got)
        assert connections > 3


_started = asyncio.Event()


async def _write_slowly(producer: AIOKafkaProducer, topic: str, total: int) -> None:
    await _started.wait()
    _started.clear()
    for start in range(0, total, 100):
        await send(producer, topic, range(start, start + 100))
        await asyncio.sleep(0.01)


async def delete_records(kafka: LocalKafka, topic: str, before: int) -> None:
    """As retention does it; of partition 0."""
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    tp = TopicPartition(topic, 0)
    await admin.delete_records({tp: RecordsToDelete(before_offset=before)})
    await admin.close()


async def test_what_retention_has_taken_is_a_gap(
    kafka: LocalKafka, topic: str, producer: AIOKafkaProducer
) -> None:
    await send(producer, topic, range(300))
    await delete_records(kafka, topic, 150)
    since = Positions({TP(topic, 0): 0, TP(topic, 1): 95}).base()
    async with (
        gateway(kafka, topic, LIVE_HISTORY="0") as served,
        served.client(f"key=*&since={since}") as ws,
    ):
        first, gap = await read(ws, 2)
        assert first["type"] == "subscribed"
        assert gap["type"] == "gap"
        assert decode(gap["from"], [topic]) == {(topic, 0): 0, (topic, 1): 95}
        assert decode(gap["cursor"], [topic]) == {(topic, 0): 150, (topic, 1): 95}
        got = await results(ws, 55)
        assert [m["id"] for m in got] == [
            *(f"{topic}-0-{offset}" for offset in range(150, 200)),
            *(f"{topic}-1-{offset}" for offset in range(95, 100)),
        ]
        await send(producer, topic, range(300, 303))
        assert sorted(numbers(await results(ws, 3))) == [300, 301, 302]


async def test_a_gateway_that_is_behind_waits_until_it_has_read_as_far(
    kafka: LocalKafka, topic: str, producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is ahead in one partition and behind in the other; cursors stay its own."""
    async with gateway(kafka, topic) as ahead, gateway(kafka, topic) as behind:
        follower, may_read = behind.site.follower, asyncio.Event()
        take = follower._take

        async def take_later(*arguments: Any) -> None:
            await may_read.wait()
            await take(*arguments)

        async with ahead.client("key=*") as ws:
            await read(ws)
            monkeypatch.setattr(follower, "_take", take_later)
            await send(producer, topic, range(60))
            got = await results(ws, 60)
        # Of those it had all but the second half of partition 1.
        had = {TP(topic, 0): 40, TP(topic, 1): 10}
        opening = asyncio.create_task(_first(behind, f"key=*&since={Positions(had).base()}"))
        _, pending = await asyncio.wait([opening], timeout=0.5)
        assert pending, "it can't know yet what comes next"
        may_read.set()
        ws, first = await opening
        assert decode(first["cursor"], [topic]) == had
        rest = await results(ws, 10)
        assert {m["id"] for m in rest} == {f"{topic}-1-{offset}" for offset in range(10, 20)}
        assert {m["id"] for m in rest} < {m["id"] for m in got}
        for n, message in enumerate(rest, start=11):
            assert decode(message["cursor"], [topic]) == {**had, TP(topic, 1): n}
        await send(producer, topic, range(60, 63))
        assert sorted(numbers(await results(ws, 3))) == [60, 61, 62]
        await ws.close()


async def _first(served: RunningGateway, query: str) -> tuple[ClientConnection, dict[str, Any]]:
    ws = await served.client(query)
    return ws, (await read(ws))[0]


async def test_what_is_deleted_before_it_was_read_is_a_gap_for_those_who_follow(
    kafka: LocalKafka, topic: str, producer: AIOKafkaProducer
) -> None:
    """As after an outage that was longer than the topic's retention."""
    await send(producer, topic, range(300))
    async with gateway(kafka, topic) as served, served.client("key=k0") as ws:
        await read(ws)
        follower = served.site.follower
        assert follower._running is not None
        follower._running.cancel()
        follower.positions.move(TP(topic, 0), 100)
        await delete_records(kafka, topic, 150)
        follower._running = asyncio.create_task(follower._run())
        [gap] = await read(ws)
        assert gap["type"] == "gap"
        assert decode(gap["from"], [topic]) == {TP(topic, 0): 100, TP(topic, 1): 100}
        assert decode(gap["cursor"], [topic]) == {TP(topic, 0): 150, TP(topic, 1): 100}
        [first, *_] = await results(ws, 25)
        assert first["id"] == f"{topic}-0-150"


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
            async with AIOKafkaProducer(**kafka.client_options()) as another:
                await another.send_and_wait(topic, b'{"n": 1}', key=b"new", partition=2)
            [message] = await results(ws, 1)
            assert message["id"] == f"{topic}-2-0"
            assert decode(message["cursor"], [topic])[TP(topic, 2)] == 1
        async with served.client(f"key=new&since={first['cursor']}") as ws:
            assert (await results(ws, 1))[0]["id"] == f"{topic}-2-0"


#: Who doesn't read doesn't answer pings, either; here it is to be found out by its queue.
PATIENT = {"LIVE_HEARTBEAT_SECONDS": "3600"}


def evictions() -> float:
    """Connections that this process has closed for being too slow."""
    found = REGISTRY.get_sample_value("streams_live_evictions_total", {"reason": "slow"})
    return found or 0


async def test_a_slow_reader_is_evicted_and_the_others_go_on(
    kafka: LocalKafka, topic: str, producer: AIOKafkaProducer
) -> None:
    async with (
        gateway(kafka, topic, LIVE_QUEUE_BYTES="200000", **PATIENT) as served,
        served.client("key=k0", max_queue=1) as slow,
        served.client("key=k0") as quick,
    ):
        await read(slow)
        await read(quick)
        before = evictions()
        total, n = 3000, 0
        while served.connections == 2 and n < 60_000:
            await send(producer, topic, range(n, n + total), keys=1, padding="x" * 2000)
            assert numbers(await results(quick, total)) == list(range(n, n + total))
            n += total
        await served.until(lambda: served.connections == 1)
        assert evictions() == before + 1
        # The close frame waits behind what was sent, so it may be cut off before it gets through.
        assert await code_of_closing(slow) in (None, 1013)


async def test_a_slow_reader_that_asks_for_it_sees_the_newest(
    kafka: LocalKafka, topic: str, producer: AIOKafkaProducer
) -> None:
    async with (
        gateway(kafka, topic, LIVE_QUEUE_BYTES="200000", **PATIENT) as served,
        served.client("key=k0,k1&conflate=1", max_queue=1) as slow,
    ):
        await read(slow)
        [connection] = served.site.gateway._connections
        n = 0
        while not connection.outbox.dropped:
            await send(producer, topic, range(n, n + 2000), padding="x" * 2000)
            n += 2000
            await asyncio.sleep(0.05)
            assert n < 200_000
        positions = served.site.follower.positions
        await until(lambda: sum(positions.values()) == n)
        got: list[dict[str, Any]] = []
        newest = {k: max(range(k, n, 3)) for k in range(2)}
        while not got or any(by_key(got).get(f"k{k}", [0])[-1] < newest[k] for k in range(2)):
            got += await results(slow, 1)
        assert len(got) == n - len(range(2, n, 3)) - connection.outbox.dropped
        for found in by_key(got).values():
            assert found == sorted(set(found))
        ends = [sum(decode(m["cursor"], [topic]).values()) for m in got]
        assert ends == sorted(ends), "cursors never go back"
        assert served.connections == 1


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
            assert sorted(numbers(await results(ws, 30, 60))) == list(range(30, 60))


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
