"""Bad input: each ends in its documented answer, others aren't disturbed, no secret is logged."""

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from deploy.local import LocalKafka
from streams.core.columns import TP
from streams.web.live.cursor import MAX_OFFSET, Positions
from tests.application import create_topics
from tests.live.gateways import HOST, RunningGateway, code_of_closing, gateway, read, until

CANARY = "canary-in-a-coal-mine"
ADMIN = "canary-in-a-gold-mine"
TOKENS = {
    CANARY: {"name": "anna", "keys": ["k0", "py*"]},
    ADMIN: {"name": "root", "keys": ["*"], "admin": True},
}
SITE = "https://example.org"


@pytest.fixture
async def topic_there(kafka: LocalKafka, topic: str) -> str:
    await create_topics(kafka.client_options(), topic, partitions=2)
    return topic


@pytest.fixture
async def guarded(
    kafka: LocalKafka, topic_there: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[RunningGateway]:
    """With tokens and a list of sites; at the end, nothing secret was logged."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    file = tmp_path / "tokens.json"
    file.write_text(json.dumps(TOKENS))
    async with gateway(
        kafka, topic_there, LIVE_TOKENS_FILE=str(file), LIVE_ORIGINS=f"{SITE},http://localhost:3000"
    ) as served:
        yield served
    assert "canary" not in caplog.text


@pytest.fixture
async def opened(kafka: LocalKafka, topic_there: str) -> AsyncIterator[RunningGateway]:
    """Open to everybody."""
    async with gateway(kafka, topic_there) as served:
        yield served


async def refused(served: RunningGateway, query: str, **options: Any) -> tuple[int, str]:
    """Status and detail of a refusal."""
    with pytest.raises(InvalidStatus) as caught:
        async with served.client(query, **options):
            pass
    response = caught.value.response
    assert response.headers["Content-Type"].startswith("application/problem+json")
    body = json.loads(response.body or b"")
    assert body["status"] == response.status_code
    return response.status_code, body["detail"]


def bearing(token: str, **headers: str) -> dict[str, Any]:
    """Options of a client that isn't a browser."""
    return {"additional_headers": {"Authorization": f"Bearer {token}", **headers}}


async def test_a_missing_key(opened: RunningGateway) -> None:
    for query in ("", "key=", "key=,", "other=k0", "since=x"):
        status, detail = await refused(opened, query)
        assert status == 400
        assert "key=KEY" in detail
    status, kind, body = await opened.get("/ws")
    assert (status, kind, body["status"]) == (400, "application/problem+json", 400)


async def test_a_plain_request_is_told_what_a_handshake_would_be(opened: RunningGateway) -> None:
    """Pages can't see why a handshake failed."""
    assert (await opened.get("/ws?key=k0"))[0] == 426
    status, _, body = await opened.get("/ws?key=k0&since=forged")
    assert (status, "cursor" in body["detail"]) == (400, True)


async def test_tokens(guarded: RunningGateway) -> None:
    assert (await refused(guarded, "key=k0"))[0] == 401
    for wrong in ("", "x", CANARY[:-1], CANARY + "x", CANARY.upper(), "ü" * 20):
        options = {
            "additional_headers": {"Authorization": f"Bearer {wrong}".encode().decode("latin1")}
        }
        assert (await refused(guarded, "key=k0", **options))[0] == 401
    assert (await refused(guarded, f"key=k0&token={CANARY[:5]}"))[0] == 401
    async with guarded.client("key=k0,python", **bearing(CANARY)) as ws:
        assert (await read(ws))[0]["keys"] == {"key": ["k0", "python"]}
    offered = ["tally.v1", f"tally.bearer.{CANARY}"]
    async with guarded.client("key=k0", subprotocols=offered) as ws:
        assert ws.subprotocol == "tally.v1"
        await read(ws)
    assert (await refused(guarded, "key=k0", subprotocols=offered[1:]))[0] == 400
    assert (await refused(guarded, "key=k0", subprotocols=["tally.v1", "tally.bearer.x"]))[0] == 401


@pytest.mark.parametrize(
    "head",
    [
        f"GET /ws?key=k0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {CANARY}\0\r\n\r\n",
        f"GET /ws?key=k0 HTTP/1.1\r\nHost: x\r\nAuth orization: Bearer {CANARY}\r\n\r\n",
        f"GET /ws?key=k0 HTTP/1.1\r\nHost: x\r\nAuthorization: {CANARY * 500}\r\n\r\n",
        f"GET /{CANARY} HTTP/9\r\n\r\n",
    ],
)
async def test_garbled_headers_are_not_logged(guarded: RunningGateway, head: str) -> None:
    reader, writer = await asyncio.open_connection(HOST, guarded.settings.web_port)
    writer.write(head.encode())
    async with asyncio.timeout(20):
        assert b" 400 " in await reader.readline()
    writer.close()


async def test_keys_that_are_not_allowed(guarded: RunningGateway) -> None:
    for key in ("k1", "k", "k00", "p", "*", "k0,k1"):
        status, detail = await refused(guarded, f"key={key}", **bearing(CANARY))
        assert status == 403
        assert "not allowed" in detail
    async with guarded.client("key=k0", **bearing(CANARY)) as ws:
        await read(ws)
        for keys in (["k1"], ["*"], ["pyx", "k1"]):
            await ws.send(json.dumps({"action": "subscribe", "keys": keys}))
            [answer] = await read(ws)
            assert answer["type"] == "error"
            assert "not allowed" in answer["error"]
        await ws.send('{"action": "subscribe", "keys": ["pyx"]}')
        assert (await read(ws))[0]["keys"] == {"key": ["k0", "pyx"]}


async def test_star_may_be_switched_off(kafka: LocalKafka, topic_there: str) -> None:
    async with gateway(kafka, topic_there, LIVE_ALLOW_ALL="false") as served:
        assert (await refused(served, "key=*"))[0] == 403
        async with served.client("key=k0") as ws:
            await read(ws)


async def test_a_withdrawn_token_ends_its_connections(
    kafka: LocalKafka, topic_there: str, tmp_path: Path
) -> None:
    file = tmp_path / "tokens.json"
    file.write_text(json.dumps(TOKENS))
    async with (
        gateway(kafka, topic_there, LIVE_TOKENS_FILE=str(file)) as served,
        served.client("key=k0", **bearing(CANARY)) as ws,
        served.client("key=k0", **bearing(ADMIN)) as other,
    ):
        await read(ws)
        await read(other)
        file.write_text(json.dumps({ADMIN: TOKENS[ADMIN]}))
        assert await code_of_closing(ws) == 1008
        assert (await refused(served, "key=k0", **bearing(CANARY)))[0] == 401
        await other.send('{"action": "subscribe", "keys": ["x"]}')
        assert (await read(other))[0]["type"] == "subscribed"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.com",
        f"{SITE}.evil.com",
        "https://evilexample.org",
        f"{SITE}:8443",
        "http://example.org",
        "null",
    ],
)
async def test_foreign_sites(guarded: RunningGateway, origin: str) -> None:
    assert (await refused(guarded, "key=k0", origin=origin, **bearing(CANARY)))[0] == 403
    async with guarded.client("key=k0", origin=SITE, **bearing(CANARY)) as ws:
        await read(ws)


async def test_only_the_own_host_without_a_list(opened: RunningGateway) -> None:
    for origin in (
        "https://evil.com",
        f"http://{opened.netloc}.evil.com",
        f"http://x{opened.netloc}",
    ):
        assert (await refused(opened, "key=k0", origin=origin))[0] == 403
    async with opened.client("key=k0", origin=f"http://{opened.netloc}") as ws:
        await read(ws)


async def test_forged_cursors(opened: RunningGateway, topic_there: str) -> None:
    def cursor(topic: str, *offsets: int) -> str:
        return Positions({TP(topic, p): at for p, at in enumerate(offsets)}).base()

    for since in (
        "garbage!",
        "A" * 4000,
        "%00",
        cursor("unknown-topic", 0, 0),
        cursor(topic_there, 0, 1),
        cursor(topic_there, MAX_OFFSET, 0),
        cursor(topic_there, 0, 0, 0),
        cursor(topic_there, 0, 0) + ".0.-1",
        cursor(topic_there, 0, 0) + ".7.0",
        cursor(topic_there, 0, 0) + ".0.1",
    ):
        status, detail = await refused(opened, f"key=k0&since={since}")
        assert (status, since, "cursor" in detail) == (400, since, True)
    async with opened.client(f"key=k0&since={cursor(topic_there, 0, 0)}") as ws:
        await read(ws)


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
    async with opened.client("key=k0") as ws:
        await read(ws)
        with contextlib.suppress(ConnectionClosed):
            await ws.send(message)
        assert await code_of_closing(ws) == 1009


async def test_limits(kafka: LocalKafka, topic_there: str) -> None:
    async with gateway(
        kafka,
        topic_there,
        LIVE_MAX_CONNECTIONS="3",
        LIVE_MAX_PER_ADDRESS="2",
        LIVE_TRUSTED_PROXIES=f"{HOST}/32",
    ) as served:

        def via(address: str) -> dict[str, Any]:
            return {"additional_headers": {"X-Forwarded-For": address}}

        async with served.client("key=k0", **via("198.51.100.1")):
            async with served.client("key=k0", **via("198.51.100.1")):
                assert (await refused(served, "key=k0", **via("198.51.100.1")))[0] == 429
                async with served.client("key=k0", **via("198.51.100.2")):
                    assert (await refused(served, "key=k0", **via("198.51.100.3")))[0] == 503
            await served.until(lambda: served.connections == 1)
            async with served.client("key=k0", **via("198.51.100.1")) as ws:
                await read(ws)


async def test_a_half_open_handshake_is_cut(kafka: LocalKafka, topic_there: str) -> None:
    async with gateway(kafka, topic_there, LIVE_HANDSHAKE_SECONDS="1") as served:
        for sent in (b"", b"GET /ws?key=k0 HT", b"GET /ws?key=k0 HTTP/1.1\r\nHost: x\r\nUpg"):
            reader, writer = await asyncio.open_connection(HOST, served.settings.web_port)
            writer.write(sent)
            async with asyncio.timeout(20):
                assert await reader.read() == b""
            writer.close()
        async with served.client("key=k0") as ws:
            await read(ws)


async def test_a_dead_peer_is_evicted(kafka: LocalKafka, topic_there: str) -> None:
    """One that took part in the handshake, and then doesn't answer pings, as after a power cut."""
    async with (
        gateway(kafka, topic_there, LIVE_HEARTBEAT_SECONDS="1") as served,
        served.client("key=k0") as alive,
    ):
        await read(alive)
        with socket.create_connection((HOST, served.settings.web_port)) as dead:
            dead.sendall(
                b"GET /ws?key=k0 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            await until(lambda: served.connections == 2)
            await until(lambda: served.connections == 1)
        await alive.send('{"action": "subscribe", "keys": []}')
        await read(alive)


async def test_the_registry(guarded: RunningGateway, opened: RunningGateway) -> None:
    assert (await opened.get("/live/connections"))[0] == 404
    assert (await guarded.get("/live/connections"))[0] == 401
    assert (await guarded.get("/live/connections", Authorization=f"Bearer {CANARY}"))[0] == 403
    async with guarded.client("key=k0&conflate=1", **bearing(CANARY)) as ws:
        await read(ws)
        status, _, body = await guarded.get("/live/connections", Authorization=f"Bearer {ADMIN}")
    assert status == 200
    [shown] = body["connections"]
    assert shown["name"] == "anna"
    assert shown["address"] == HOST
    assert shown["keys"] == {"key": ["k0"]}
    assert (shown["conflate"], shown["provisional"]) == (True, False)
    assert (shown["sent"], shown["queued"], shown["dropped"]) == (1, 0, 0)
    assert "canary" not in json.dumps(body)
