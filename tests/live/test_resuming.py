"""Resuming from a cursor, at whichever gateway: no gap that isn't told, and no repeat."""

import asyncio
import random
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition
from websockets.asyncio.client import ClientConnection

from deploy.local import LocalKafka
from streams.core.columns import TP
from streams.web.live.cursor import Positions, decode
from tests.live.gateways import (
    RunningGateway,
    by_key,
    gateway,
    metric,
    numbers,
    read,
    results,
    send,
)
from tests.polling import until_true
from tests.scene import seed_of_run


async def test_resuming_here_and_elsewhere_leaves_no_gap_and_repeats_nothing(
    kafka: LocalKafka, topic: str, producer: AIOKafkaProducer
) -> None:
    """One gateway's ring holds next to nothing, so that it has to ask Kafka.

    Whether it does while results flow depends on how far the writer is ahead; at the end the
    whole is asked for once more, of each gateway.
    """
    random_ = random.Random(seed_of_run())
    total = 6000
    async with (
        gateway(kafka, topic) as one,
        gateway(kafka, topic, LIVE_RING_BYTES="65536", LIVE_HISTORY="0") as other,
    ):
        got: list[dict[str, Any]] = []
        since, begin, connections = "", "", 0
        writing: asyncio.Task[None] | None = None
        while len(got) < total * 2 // 3:
            served = [one, other][connections % 2]
            query = f"key=k0,k1{f'&since={since}' if since else ''}"
            async with served.client(query) as ws:
                [first] = await read(ws)
                if writing is None:
                    begin = first["cursor"]
                    writing = asyncio.create_task(write_ahead(producer, topic, total, got))
                else:
                    assert decode(first["cursor"], [topic]) == decode(since, [topic])
                wanted = min(random_.randrange(1, 600), total * 2 // 3 - len(got))
                messages = await results(ws, wanted)
                got += messages
                since = messages[-1]["cursor"]
                connections += 1
        assert writing is not None
        await writing
        assert by_key(got) == {f"k{k}": list(range(k, total, 3)) for k in range(2)}
        assert len({message["id"] for message in got}) == len(got)
        for served, source in ((one, "ring"), (other, "kafka")):
            before = metric("replays_total", **{"from": source})
            async with served.client(f"key=k0,k1&since={begin}") as ws:
                again = await results(ws, len(got))
            assert by_key(again) == by_key(got)
            assert metric("replays_total", **{"from": source}) > before, source


async def write_ahead(
    producer: AIOKafkaProducer, topic: str, total: int, got: list[dict[str, Any]]
) -> None:
    """Write as a client gets it, so that results flow all the time; it gets two of three."""
    written = 0

    def is_wanted() -> bool:
        return written * 2 // 3 < len(got) + 1000

    while written < total:
        await until_true(is_wanted)
        await send(producer, topic, range(written, written + 100))
        written += 100


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
