"""Requests that stay outside: each gets its documented answer, and no secret is logged."""

import asyncio
import json
from pathlib import Path

import pytest

from deploy.local import LocalKafka
from streams.core.columns import TP
from streams.web.live.cursor import MAX_OFFSET, Positions
from tests.live.gateways import HOST, RunningGateway, code_of_closing, gateway, read
from tests.live.refusing import ADMIN, CANARY, SITE, TOKENS, bearing, refused


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
    async with asyncio.timeout(60):
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


async def test_star_may_be_switched_off(kafka: LocalKafka, two_partitions: str) -> None:
    async with gateway(kafka, two_partitions, LIVE_ALLOW_ALL="false") as served:
        assert (await refused(served, "key=*"))[0] == 403
        async with served.client("key=k0") as ws:
            await read(ws)


async def test_a_withdrawn_token_ends_its_connections(
    kafka: LocalKafka, two_partitions: str, tmp_path: Path
) -> None:
    file = tmp_path / "tokens.json"
    file.write_text(json.dumps(TOKENS))
    async with (
        gateway(kafka, two_partitions, LIVE_TOKENS_FILE=str(file)) as served,
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


async def test_forged_cursors(opened: RunningGateway, two_partitions: str) -> None:
    def cursor(topic: str, *offsets: int) -> str:
        return Positions({TP(topic, p): at for p, at in enumerate(offsets)}).base()

    for since in (
        "garbage!",
        "A" * 4000,
        "%00",
        cursor("unknown-topic", 0, 0),
        cursor(two_partitions, 0, 1),
        cursor(two_partitions, MAX_OFFSET, 0),
        cursor(two_partitions, 0, 0, 0),
        cursor(two_partitions, 0, 0) + ".0.-1",
        cursor(two_partitions, 0, 0) + ".7.0",
        cursor(two_partitions, 0, 0) + ".0.1",
    ):
        status, detail = await refused(opened, f"key=k0&since={since}")
        assert (status, since, "cursor" in detail) == (400, since, True)
    async with opened.client(f"key=k0&since={cursor(two_partitions, 0, 0)}") as ws:
        await read(ws)


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
