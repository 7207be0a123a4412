"""Every way in which a request can end, and whether keys stay secret."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from streams.errors import SinkAccessError
from streams.login import remembered
from streams.login.remembered import Fetched, Remembered
from streams.setting_kinds import Secret
from streams.sinks.appsync import client
from streams.sinks.appsync.auth import ApiKey, Auth, StoredApiKey
from streams.sinks.appsync.client import Client
from streams.sinks.appsync.graphql import OpaqueFormat
from streams.sinks.appsync.verdicts import REASON_LENGTH
from streams.sinks.settings import AppSyncSettings
from tests.polling import until_true
from tests.unit.sinks.results import result

FORMAT = OpaqueFormat("{topic}", 25)
ITEMS = [FORMAT.item(result(n)) for n in range(2)]
KEY = "da2-canary"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a server; returns its URL."""
    servers = []

    async def start(handler: Handler) -> str:
        app = web.Application()
        app.router.add_post("/graphql", handler)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        servers.append(server)
        return str(server.make_url("/graphql"))

    yield start
    for server in servers:
        await server.close()


async def send(
    url: str, key: Auth | None = None, timeout_ms: int = 60_000
) -> tuple[list[tuple[str, str]], float, str]:
    """Fate and kind of each result, what Retry-After said in s, and the first one's reason."""
    settings = AppSyncSettings(url=url, api_key=Secret(KEY), timeout_ms=timeout_ms)
    sender = Client(settings, FORMAT, key or ApiKey(Secret(KEY)))
    try:
        verdicts, after = await sender.send(ITEMS)
    finally:
        await sender.close()
    return [(v.fate.value, v.kind) for v in verdicts], after, verdicts[0].reason


@pytest.mark.parametrize(
    ("status", "body", "fate"),
    [
        (500, "", "retry"),
        (503, "busy", "retry"),
        (429, "", "retry"),
        (408, "", "retry"),
        (401, "", "retry"),
        (403, "", "retry"),
        (404, "", "retry"),
        (302, "", "retry"),
        (413, "", "split"),
        (400, "<html>", "split"),
        (400, '{"errors": [{"errorType": "MalformedHttpRequestException"}]}', "split"),
        (400, '{"errors": 7}', "split"),
        (400, '{"errors": [{"errorType": "ThrottlingException"}]}', "retry"),
        (400, '{"errors": [{"message": "Signature expired: 2026"}]}', "retry"),
        (400, '{"errors": [{"message": "The security token is invalid"}]}', "retry"),
        (200, '{"data": {"r0": {"name": "a"}, "r1": {"name": "a"}}}', "accepted"),
        (200, "<html>", "retry"),
        (200, "[" * 100_000, "retry"),
    ],
)
async def test_answers(serve: Serve, status: int, body: str, fate: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.headers["x-api-key"] == KEY
        assert len(json.loads(await request.text())["variables"]) == 4
        return web.Response(status=status, text=body, headers={"Location": "/elsewhere"})

    fates, _, _ = await send(await serve(answer))
    assert [found for found, _ in fates] == [fate, fate]


async def test_retry_after(serve: Serve) -> None:
    async def answer(request: web.Request) -> web.Response:  # noqa: ARG001
        return web.Response(status=503, headers={"Retry-After": "7"})

    fates, after, _ = await send(await serve(answer))
    assert (fates, after) == ([("retry", "503")] * 2, 7)


async def test_no_answer(serve: Serve) -> None:
    async def hang(request: web.Request) -> web.Response:  # noqa: ARG001
        await asyncio.sleep(20)
        return web.Response()

    async def close(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    fates, _, reason = await send(await serve(hang), timeout_ms=500)
    assert (fates, reason) == ([("retry", "timeout")] * 2, "no answer within 0.5 s")
    assert (await send(await serve(close)))[0] == [("retry", "connection")] * 2
    assert (await send("http://127.0.0.1:1/graphql"))[0] == [("retry", "connection")] * 2


async def test_no_more_requests_at_the_same_time_than_allowed(serve: Serve) -> None:
    asked, may_answer = 0, asyncio.Event()

    async def answer(request: web.Request) -> web.Response:  # noqa: ARG001
        nonlocal asked
        asked += 1
        await may_answer.wait()
        return web.Response(status=500)

    settings = AppSyncSettings(url=await serve(answer), api_key=Secret(KEY), concurrency=2)
    sender = Client(settings, FORMAT, ApiKey(Secret(KEY)))
    sending = asyncio.gather(*(sender.send(ITEMS) for _ in range(8)))
    await until_true(lambda: asked >= 2)
    for _ in range(1000):  # in which all the others would have come
        await asyncio.sleep(0)
    assert asked == 2
    may_answer.set()
    await sending
    await sender.close()
    assert asked == 8


async def test_an_endless_answer(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_BYTES", 1_000)

    async def flood(request: web.Request) -> web.Response:  # noqa: ARG001
        return web.Response(text="x" * 10_000)

    assert (await send(await serve(flood)))[0] == [("retry", "connection")] * 2


async def test_a_key_that_the_peer_repeats_is_masked(serve: Serve) -> None:
    async def tell(request: web.Request) -> web.Response:
        return web.Response(status=500, text=f"bad key {request.headers['x-api-key']}")

    url = await serve(tell)
    assert (await send(url))[2] == "status 500: bad key ***"
    stored = StoredApiKey(keys(KEY))
    assert (await send(url, stored))[2] == "status 500: bad key ***"


async def test_no_part_of_a_key_is_quoted(serve: Serve) -> None:
    async def tell(request: web.Request) -> web.Response:
        key = request.headers["x-api-key"]
        return web.json_response({"errorMessage": "x" * (REASON_LENGTH - 4) + key})

    assert KEY[:4] not in (await send(await serve(tell)))[2]


def keys(*texts: str) -> Remembered[Secret]:
    """Hands out one key after the other."""
    left = list(texts)
    return Remembered(lambda: Fetched(Secret(left.pop(0)), float("inf")))


async def test_a_refused_key_is_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = StoredApiKey(keys("one", "two", "three"))
    first = await stored.headers("", b"")
    # Several requests were refused together, too soon to look again.
    await asyncio.gather(*(stored.refused(first) for _ in range(5)))
    assert await stored.headers("", b"") == {"x-api-key": "one"}
    monkeypatch.setattr(remembered, "REFUSED_SECONDS", 0)
    await stored.refused(first)
    assert await stored.headers("", b"") == {"x-api-key": "two"}
    assert stored.masked("one two three") == "*** *** three"


async def test_without_a_key_results_wait(serve: Serve) -> None:
    def fail() -> Fetched[Secret]:
        raise SinkAccessError("no such secret")

    async def answer(request: web.Request) -> web.Response:  # noqa: ARG001
        raise AssertionError("nothing is sent without a key")

    fates, _, reason = await send(await serve(answer), StoredApiKey(Remembered(fail)))
    assert (fates, reason) == ([("retry", "access")] * 2, "no such secret")
