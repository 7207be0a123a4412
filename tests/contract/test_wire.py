"""The hook under aiohttp's WebSocket: frames that we write ourselves, between aiohttp's own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from streams.web.live.frames import text_frame
from streams.web.live.wire import AiohttpWire
from tests.polling import until_true
from tests.worker import free_port

HOST = "127.0.0.1"
SECONDS = 90.0
Handler = Callable[[web.WebSocketResponse, AiohttpWire], Awaitable[None]]
Connect = Callable[[Handler], Awaitable[ClientConnection]]


@pytest.fixture
async def served() -> AsyncIterator[Connect]:
    """Connects a client to a server that does what it is told."""
    handlers: list[Handler] = []
    clients: list[ClientConnection] = []
    port = free_port()

    async def handle(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=False, timeout=0.2)
        await ws.prepare(request)
        await handlers[-1](ws, AiohttpWire(request))
        return ws

    async def client(handler: Handler) -> ClientConnection:
        handlers.append(handler)
        clients.append(await connect(f"ws://{HOST}:{port}/ws", max_queue=4, ping_interval=None))
        return clients[-1]

    app = web.Application()
    app.router.add_get("/ws", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    yield client
    for ws in clients:
        ws.transport.abort()
    await runner.cleanup()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 2**16 - 1, 2**16, 2**17])
async def test_frames_arrive_whole(served: Connect, size: int) -> None:
    async def handler(ws: web.WebSocketResponse, wire: AiohttpWire) -> None:
        wire.offer(text_frame(b"x" * size) + text_frame("ü".encode()))
        await ws.receive()

    client = await served(handler)
    assert [await client.recv(), await client.recv()] == ["x" * size, "ü"]


async def test_pings_and_closing_fall_between_frames(served: Connect) -> None:
    async def handler(ws: web.WebSocketResponse, wire: AiohttpWire) -> None:
        for n in range(100):
            wire.offer(text_frame(b"%d" % n) * 50)
            await ws.ping(b"x" * 100)
        await ws.close(code=1013, message=b"why", drain=False)

    client = await served(handler)
    got = []
    with contextlib.suppress(ConnectionClosedError):
        async for text in client:
            got.append(text)
    assert got == [str(n) for n in range(100) for _ in range(50)]
    assert client.close_code == 1013
    assert client.close_reason == "why"


async def test_a_full_wire_says_so_and_drains(served: Connect) -> None:
    filled, drained = asyncio.Event(), asyncio.Event()
    written = 0

    async def handler(ws: web.WebSocketResponse, wire: AiohttpWire) -> None:
        nonlocal written
        frame = text_frame(b"x" * 10_000)
        assert not wire.is_full
        while not wire.is_full:
            wire.offer(frame)
            written += 1
        assert 0 < wire.buffered() <= len(frame), "full means that something is held back"
        assert not wire.offer(frame)
        filled.set()
        await wire.drained()
        assert not wire.is_full
        assert wire.buffered() == 0
        drained.set()
        await ws.receive()

    client = await served(handler)
    async with asyncio.timeout(SECONDS):
        await filled.wait()
        assert not drained.is_set()
        for _ in range(written):
            await client.recv()
        await drained.wait()


async def test_a_full_wire_can_be_cut(served: Connect) -> None:
    ended = asyncio.Event()

    async def handler(ws: web.WebSocketResponse, wire: AiohttpWire) -> None:
        refused = 0

        def no_room_any_more() -> bool:
            nonlocal refused
            refused += 1
            while wire.offer(text_frame(b"x" * 10_000)):
                refused = 0
            return refused == 10

        await until_true(no_room_any_more)  # the client's buffers are full, too
        waiting = asyncio.create_task(wire.drained())
        await until_true(lambda: wire._protocol._drain_waiter is not None)
        await ws.close(drain=False)
        assert wire.is_full, "closing alone would wait for the reader"
        wire.abort()
        await asyncio.wait([waiting], timeout=SECONDS)
        assert waiting.done()
        waiting.exception()
        assert wire.offer(b"x") in (True, False)
        assert wire.buffered() == 0
        ended.set()

    await served(handler)
    async with asyncio.timeout(SECONDS):
        await ended.wait()
