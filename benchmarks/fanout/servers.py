"""The servers that are compared, each in a process of its own and in its own natural way.

    python -m benchmarks.fanout.servers NAME CONNECTIONS ROUNDS BURST

Prints the port. Once all clients and the counter have connected, it sends ROUNDS bursts of BURST
messages to every connection; the counter says when a round has arrived, and it is at most AHEAD
rounds ahead. At the end it prints JSON: seconds and CPU seconds from the first send on.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from deploy.local.ports import free_port
from streams.core.columns import TP
from streams.web.live.cursor import Positions
from streams.web.live.hub import Hub
from streams.web.live.messages import Message, Piece, json_value
from streams.web.live.outbox import Outbox
from streams.web.live.wire import AiohttpWire

HOST = "127.0.0.1"
#: Rounds that may be on their way.
AHEAD = 4
TOPIC = TP("twitter_output", 0)
KEY = b"kafka"


class Server(Protocol):
    """Has connections, and can send to all of them."""

    def __len__(self) -> int: ...

    async def send(self, first: int, n: int) -> None:
        """Send messages `first` to `first + n - 1` to every connection."""


def record(n: int) -> Any:
    """The nth result, always of the same length."""
    value = b'{"hashtag": "kafka", "count": %d, "window_start": %d, "window_end": %d}' % (
        10**6 + n,
        1763000000000 + 20_000 * n,
        1763000020000 + 20_000 * n,
    )
    return SimpleNamespace(key=KEY, value=value, offset=10**6 + n, timestamp=1763000019999)


def piece_of(first: int, n: int) -> Piece:
    """Results as the follower hands them out."""
    at = {TOPIC: 10**6 + first}
    piece = Piece(TOPIC, at, Positions(at).prefix(TOPIC), json_value, 10**6 + first + n)
    piece.messages = [Message(piece, record(first + i)) for i in range(n)]
    return piece


def texts(first: int, n: int) -> list[str]:
    """The same messages' texts, for the others."""
    found = []
    for message in piece_of(first, n).messages:
        message.encode()
        found.append(message.frame[4:].decode())
    return found


class Tally:
    """The gateway's hub and outboxes on aiohttp's connections."""

    def __init__(self) -> None:
        self._hub = Hub()
        self._outboxes: list[Outbox] = []

    def __len__(self) -> int:
        return len(self._outboxes)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """A connection that follows one key."""
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        wire = AiohttpWire(request)
        outbox = Outbox(wire, _too_slow, max_bytes=16 * 2**20, max_messages=50_000)
        self._hub.add(outbox, [(TOPIC.topic, KEY)])
        self._outboxes.append(outbox)
        async for _ in ws:
            pass
        return ws

    async def send(self, first: int, n: int) -> None:
        self._hub.receive(piece_of(first, n))


class PlainAiohttp:
    """A loop over `send_str`, as aiohttp's documentation has it."""

    def __init__(self) -> None:
        self._sockets: list[web.WebSocketResponse] = []

    def __len__(self) -> int:
        return len(self._sockets)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """A connection."""
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        self._sockets.append(ws)
        async for message in ws:
            assert message.type is WSMsgType.TEXT
        return ws

    async def send(self, first: int, n: int) -> None:
        for text in texts(first, n):
            for ws in self._sockets:
                await ws.send_str(text)


@asynccontextmanager
async def on_aiohttp(server: Tally | PlainAiohttp, port: int) -> AsyncIterator[Server]:
    """Serve with aiohttp."""
    app = web.Application()
    app.router.add_get("/ws", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    yield server
    await runner.cleanup()


class Websockets:
    """`websockets.broadcast`."""

    def __init__(self) -> None:
        self._connections: set[Any] = set()

    def __len__(self) -> int:
        return len(self._connections)

    async def handle(self, connection: Any) -> None:
        """A connection."""
        self._connections.add(connection)
        await connection.wait_closed()

    async def send(self, first: int, n: int) -> None:
        from websockets.asyncio.server import broadcast

        for text in texts(first, n):
            broadcast(self._connections, text)


@asynccontextmanager
async def on_websockets(port: int) -> AsyncIterator[Server]:
    """Serve with `websockets`."""
    from websockets.asyncio.server import serve

    server = Websockets()
    async with serve(server.handle, HOST, port, compression=None, close_timeout=0.1):
        yield server


class Picows:
    """`send` of picows' transports, which are written in Cython."""

    def __init__(self) -> None:
        self.transports: list[Any] = []

    def __len__(self) -> int:
        return len(self.transports)

    async def send(self, first: int, n: int) -> None:
        from picows import WSMsgType as Type

        for text in texts(first, n):
            payload = text.encode()
            for transport in self.transports:
                transport.send(Type.TEXT, payload)


@asynccontextmanager
async def on_picows(port: int) -> AsyncIterator[Server]:
    """Serve with picows."""
    import picows

    server = Picows()

    class Listener(picows.WSListener):
        def on_ws_connected(self, transport: Any) -> None:
            server.transports.append(transport)

    serving = await picows.ws_create_server(lambda _: Listener(), HOST, port)
    yield server
    serving.close()


def _too_slow() -> None:
    raise RuntimeError("the counter doesn't keep up: the measurement is worthless")


NAMES: dict[str, Callable[[int], Any]] = {
    "Tally": lambda port: on_aiohttp(Tally(), port),
    "plain aiohttp": lambda port: on_aiohttp(PlainAiohttp(), port),
    "websockets.broadcast": on_websockets,
    "picows": on_picows,
}


async def run(name: str, connections: int, rounds: int, burst: int) -> None:
    """Serve the counter's connections, and send."""
    arrived = asyncio.Semaphore(AHEAD)
    counting = asyncio.Event()
    done = asyncio.Event()

    async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counting.set()
        while await reader.read(1):
            arrived.release()
        done.set()
        writer.close()

    port, control_port = free_port(), free_port()
    async with NAMES[name](port) as server, await asyncio.start_server(control, HOST, control_port):
        print(port, control_port, len(texts(0, 1)[0]), flush=True)
        await counting.wait()
        assert len(server) == connections, f"{len(server)} connections"
        began, used = time.monotonic(), time.process_time()
        for n in range(rounds):
            await arrived.acquire()
            await server.send(n * burst, burst)
        for _ in range(AHEAD):
            await arrived.acquire()
        found = {
            "seconds": time.monotonic() - began,
            "cpu_seconds": time.process_time() - used,
        }
        print(json.dumps(found), flush=True)
        await done.wait()
        os._exit(0)  # closing so many connections in good order would take its time


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], *map(int, sys.argv[2:])))
