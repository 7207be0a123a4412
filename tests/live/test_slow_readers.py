"""Readers that are too slow: evicted, or given the newest if they asked for that."""

from typing import Any

from aiokafka import AIOKafkaProducer

from deploy.local import LocalKafka
from streams.web.live.cursor import decode
from tests.live.gateways import (
    by_key,
    code_of_closing,
    gateway,
    metric,
    numbers,
    read,
    results,
    send,
)
from tests.polling import until_true

#: Who doesn't read doesn't answer pings, either; here it is to be found out by its queue.
PATIENT = {"LIVE_HEARTBEAT_SECONDS": "3600"}


async def test_a_slow_reader_is_evicted_and_the_others_go_on(
    kafka: LocalKafka, topic: str, producer: AIOKafkaProducer
) -> None:
    async with (
        # More than is sent at a time: who reads all of that is never too slow, however slow it is.
        gateway(kafka, topic, LIVE_QUEUE_BYTES="5000000", **PATIENT) as served,
        served.client("key=k0", max_queue=1) as slow,
        served.client("key=k0") as quick,
    ):
        await read(slow)
        await read(quick)
        before = metric("evictions_total", reason="slow")
        total, n = 2000, 0
        while served.connections == 2 and n < 60_000:
            await send(producer, topic, range(n, n + total), keys=1, padding="x" * 2000)
            assert numbers(await results(quick, total)) == list(range(n, n + total))
            n += total
        await until_true(lambda: served.connections == 1)
        assert metric("evictions_total", reason="slow") == before + 1
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
        n, conflated = 0, metric("conflated_total")

        def all_followed() -> bool:
            return sum(served.site.follower.positions.values()) == n

        while not connection.outbox.dropped:
            await send(producer, topic, range(n, n + 2000), padding="x" * 2000)
            n += 2000
            await until_true(all_followed)
            assert n < 200_000
        assert metric("conflated_total") - conflated == connection.outbox.dropped
        assert metric("queue_bytes") == connection.outbox.queued_bytes > 0
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
