"""What clients may do at most, and messages that can't be followed: others aren't disturbed."""

import asyncio
import contextlib
import json
import socket
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from deploy.local import LocalKafka
from tests.live.gateways import HOST, RunningGateway, code_of_closing, gateway, metric, read
from tests.live.refusing import refused
from tests.polling import until_true


@pytest.mark.parametrize(
    "message",
    [
        "garbage",
        "{",
        "[]",
        "null",
        '"subscribe"',
        '{"action": "explode", "keys": ["a"]}',
        '{"action": "subscribe"}',
        '{"action": "subscribe", "keys": "a"}',
        '{"action": "subscribe", "keys": [1]}',
        '{"action": "subscribe", "keys": ["\\ud800"]}',
        '{"action": "subscribe", "keys": ["a"], "parameter": "other"}',
        '{"action": "subscribe", "keys": ["a"], "parameter": 1}',
        '{"action": "subscribe", "keys": ' + json.dumps([f"k{i}" for i in range(10_000)]) + "}",
        "[" * 50_000,
        b"binary",
    ],
    ids=lambda message: str(message)[:60],
)
async def test_messages_that_cannot_be_followed(
    opened: RunningGateway, message: str | bytes
) -> None:
    async with opened.client("key=k0") as ws:
        await read(ws)
        await ws.send(message)
        [answer] = await read(ws)
        assert answer["type"] == "error"
        await ws.send('{"action": "subscribe", "keys": []}')
        assert (await read(ws))[0]["keys"] == {"key": ["k0"]}, "it stays open, and nothing changed"


async def test_ten_thousand_keys_in_a_url(opened: RunningGateway) -> None:
    keys = ",".join(f"{i}" for i in range(1500))
    status, detail = await refused(opened, f"key={keys}")
    assert (status, "Too many keys" in detail) == (400, True)


async def test_too_many_errors(opened: RunningGateway) -> None:
    async with opened.client("key=k0") as ws:
        for _ in range(11):
            await ws.send("garbage")
        assert await code_of_closing(ws) == 1008


async def test_too_many_messages(opened: RunningGateway) -> None:
    async with opened.client("key=k0") as ws:
        for _ in range(100):
            with contextlib.suppress(ConnectionClosed):
                await ws.send('{"action": "subscribe", "keys": []}')
        assert await code_of_closing(ws) == 1008


@pytest.mark.parametrize("message", ["x" * 131_073, b"x" * 131_073, ["x" * 100_000] * 2])
async def test_a_message_that_is_too_big(opened: RunningGateway, message: Any) -> None:
    before = metric("evictions_total", reason="too big")
    async with opened.client("key=k0") as ws:
        await read(ws)
        with contextlib.suppress(ConnectionClosed):
            await ws.send(message)
        assert await code_of_closing(ws) == 1009
    await until_true(lambda: opened.connections == 0)
    assert metric("evictions_total", reason="too big") == before + 1


async def test_limits(kafka: LocalKafka, two_partitions: str) -> None:
    async with gateway(
        kafka,
        two_partitions,
        LIVE_MAX_CONNECTIONS="3",
        LIVE_MAX_PER_ADDRESS="2",
        LIVE_TRUSTED_PROXIES=f"{HOST}/32",
    ) as served:
        refusals = {status: metric("refused_total", status=status) for status in ("429", "503")}

        def via(address: str) -> dict[str, Any]:
            return {"additional_headers": {"X-Forwarded-For": address}}

        async with served.client("key=k0", **via("198.51.100.1")):
            async with served.client("key=k0", **via("198.51.100.1")):
                assert (await refused(served, "key=k0", **via("198.51.100.1")))[0] == 429
                async with served.client("key=k0", **via("198.51.100.2")):
                    assert (await refused(served, "key=k0", **via("198.51.100.3")))[0] == 503
            await until_true(lambda: served.connections == 1)
            async with served.client("key=k0", **via("198.51.100.1")) as ws:
                await read(ws)
        for status, before in refusals.items():
            assert metric("refused_total", status=status) == before + 1


async def test_a_half_open_handshake_is_cut(kafka: LocalKafka, two_partitions: str) -> None:
    async with gateway(kafka, two_partitions, LIVE_HANDSHAKE_SECONDS="1") as served:
        for sent in (b"", b"GET /ws?key=k0 HT", b"GET /ws?key=k0 HTTP/1.1\r\nHost: x\r\nUpg"):
            reader, writer = await asyncio.open_connection(HOST, served.settings.web_port)
            writer.write(sent)
            async with asyncio.timeout(60):
                assert await reader.read() == b""
            writer.close()
        async with served.client("key=k0") as ws:
            await read(ws)


async def test_a_dead_peer_is_evicted(kafka: LocalKafka, two_partitions: str) -> None:
    """One that took part in the handshake, and then doesn't answer pings, as after a power cut."""
    async with (
        # Whoever lives has half of that to answer.
        gateway(kafka, two_partitions, LIVE_HEARTBEAT_SECONDS="4") as served,
        served.client("key=k0") as alive,
    ):
        await read(alive)
        with socket.create_connection((HOST, served.settings.web_port)) as dead:
            dead.sendall(
                b"GET /ws?key=k0 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            await until_true(lambda: served.connections == 2)
            before = metric("evictions_total", reason="dead")
            await until_true(lambda: served.connections == 1)
            assert metric("evictions_total", reason="dead") == before + 1
        await alive.send('{"action": "subscribe", "keys": []}')
        await read(alive)
