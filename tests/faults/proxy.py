"""A TCP proxy that breaks connections as networks do: cut, silent, or slow."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, NamedTuple

from deploy.local.ports import HOST

CHUNK_BYTES = 65_536
#: Chunks on their way; more than a client has in flight, so that latency doesn't cost bandwidth.
IN_FLIGHT = 256
CALL_SECONDS = 60.0


class Chunk(NamedTuple):
    """Bytes on their way, and when they arrived; none are the end of the stream."""

    arrived: float
    data: bytes


class Link:
    """One port that forwards to another; all methods run in the proxy's event loop."""

    def __init__(self, port: int, target: int) -> None:
        self._port, self._target = port, target
        self._delay = 0.0
        self._passable = asyncio.Event()
        self._passable.set()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Accept connections, and forward at once; the recovery from everything below."""
        self._delay = 0.0
        self._passable.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, HOST, self._port)

    async def cut(self) -> None:
        """Close all connections, and refuse new ones."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        broken = list(self._connections)
        for connection in broken:
            connection.cancel()
        if broken:
            await asyncio.wait(broken)

    async def swallow(self) -> None:
        """Forward nothing. What is sent meanwhile arrives later, as after a network's partition."""
        self._passable.clear()

    async def delay(self, seconds: float) -> None:
        """Let everything arrive later, in each direction."""
        self._delay = seconds

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        try:
            await self._forward(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # broken by an end, or by `cut`: the task ends here either way
        finally:
            self._connections.discard(connection)
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._passable.wait()
        there, back = await asyncio.open_connection(HOST, self._target)
        try:
            async with asyncio.TaskGroup() as group:
                for source, sink in ((reader, back), (there, writer)):
                    chunks: asyncio.Queue[Chunk] = asyncio.Queue(IN_FLIGHT)
                    group.create_task(_collect(source, chunks))
                    group.create_task(self._release(chunks, sink))
        except* OSError:
            pass
        finally:
            back.transport.abort()

    async def _release(self, chunks: asyncio.Queue[Chunk], writer: asyncio.StreamWriter) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            arrived, data = await chunks.get()
            await asyncio.sleep(max(0.0, arrived + self._delay - clock()))
            await self._passable.wait()
            if not data:
                # Kafka's connections are never half open: when one end closes, the other may.
                raise ConnectionResetError("the other end has closed")
            writer.write(data)
            await writer.drain()


async def _collect(reader: asyncio.StreamReader, chunks: asyncio.Queue[Chunk]) -> None:
    clock = asyncio.get_running_loop().time
    data = b"."
    while data:
        try:
            data = await reader.read(CHUNK_BYTES)
        except OSError:
            data = b""
        await chunks.put(Chunk(clock(), data))


class Proxy:
    """Links in a thread of their own; a context manager. Its calls block until they are done."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        self._links: list[Link] = []

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for link in self._links:
            with contextlib.suppress(TimeoutError):
                self.call(link.cut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def link(self, port: int, target: int) -> Link:
        """A new link, open; `port` and `target` are loopback ports."""
        link: Link = self.call(_open(port, target))
        self._links.append(link)
        return link

    def call(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something with a link."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_SECONDS)


async def _open(port: int, target: int) -> Link:
    link = Link(port, target)
    await link.open()
    return link
