"""A thousand connections, a hundred of which never read: the others don't notice."""

import asyncio
import contextlib
import json
import resource
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import LocalKafka
from tests.application import create_topics
from tests.live.gateways import HOST
from tests.live.test_processes import GATEWAY
from tests.polling import until_true
from tests.worker import Worker

READERS, DEAF = 900, 100
#: Messages between measurements, and seconds between messages.
MESSAGES, PAUSE = 60, 0.1
PADDING = "x" * 4000
HANDSHAKE = (
    b"GET /ws?key=k0 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@pytest.fixture
def many_files() -> Iterator[None]:
    """Each connection takes a file at either end."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip(f"4,096 open files are needed, and {hard} allowed (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Reader:
    """A client that reads; pongs aren't needed within the test's time."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.times: list[float] = []
        self.numbers: list[int] = []

    async def read(self) -> None:
        """Note when each result came after it was sent."""
        await self._frame()  # says that it follows
        while True:
            value = json.loads(await self._frame())["value"]
            self.times.append(time.time() - value["sent"])
            self.numbers.append(value["n"])

    async def _frame(self) -> bytes:
        head = await self._reader.readexactly(2)
        size = head[1]
        if size == 126:
            size = int.from_bytes(await self._reader.readexactly(2), "big")
        return await self._reader.readexactly(size)


@contextlib.asynccontextmanager
async def readers(port: int, n: int) -> AsyncIterator[list[Reader]]:
    """So many of them."""
    found, tasks, writers = [], [], []
    for _ in range(n):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(HANDSHAKE)
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        found.append(Reader(reader))
        tasks.append(asyncio.create_task(found[-1].read()))
        writers.append(writer)
    yield found
    for task in tasks:
        assert not task.done(), "a connection that reads was closed"
        task.cancel()
    for writer in writers:
        writer.transport.abort()


async def deaf(port: int) -> socket.socket:
    """A client that never reads, with as little room as the system lets it have."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, (HOST, port))
    await loop.sock_sendall(sock, HANDSHAKE)
    return sock


def resident(worker: Worker) -> int:
    """Memory of its process (bytes)."""
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1024


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc, as Linux has it")
@pytest.mark.usefixtures("many_files")
async def test_those_who_never_read_harm_nobody(
    kafka: LocalKafka, topic: str, tmp_path: Path
) -> None:
    options = kafka.client_options()
    await create_topics(options, topic, partitions=1)
    ours = {
        **kafka.env(),
        "STREAMS_LIVE_TOPICS": f"{topic}=key",
        "STREAMS_LIVE_MAX_PER_ADDRESS": "2000",
        "STREAMS_LIVE_QUEUE_BYTES": "100000",
        "STREAMS_LIVE_RING_BYTES": "1000000",
        # Who doesn't read doesn't answer pings, either; here it is to be found out by its queue.
        "STREAMS_LIVE_HEARTBEAT_SECONDS": "3600",
    }
    gateway = Worker("gateway", tmp_path, ours).start(command=GATEWAY)
    try:
        await asyncio.to_thread(gateway.until_said, "Serving at")
        async with (
            AIOKafkaProducer(**options) as producer,
            readers(gateway.port, READERS) as found,
        ):
            numbers = iter(range(10**6))

            async def send(n: int) -> float:
                """Send messages; p99 of the time they took to their readers (seconds)."""
                for reader in found:
                    reader.times.clear()
                for _ in range(n):
                    value = {"n": next(numbers), "sent": time.time(), "padding": PADDING}
                    await producer.send_and_wait(topic, json.dumps(value).encode(), b"k0")
                    await asyncio.sleep(PAUSE)
                await until_true(lambda: all(len(r.times) == n for r in found), 120)
                return statistics.quantiles([t for r in found for t in r.times], n=100)[98]

            await send(MESSAGES)
            alone = await send(MESSAGES)
            memory = resident(gateway)
            sockets = [await deaf(gateway.port) for _ in range(DEAF)]
            p99s, memories = [], []
            while evicted(gateway) < DEAF:
                p99s.append(await send(MESSAGES))
                memories.append(resident(gateway))
                assert len(p99s) < 20
            p99s.append(await send(MESSAGES))
            for sock in sockets:
                sock.close()
            print(f"p99 {alone:.3f} s alone, then {p99s}; RSS {memory:,}, then {memories}")
            assert evicted(gateway) == DEAF
            # Their queues, what asyncio holds, and Python's own growth.
            assert max(memories) - memory < DEAF * 300_000
            # A hundred connections more are a little more work; a stall would be seconds.
            assert statistics.median(p99s) < 3 * alone + 0.5
            for reader in found:
                assert reader.numbers == list(range(len(reader.numbers)))
        assert gateway.stop() == 0, gateway.tail()
    finally:
        gateway.end()


def evicted(gateway: Worker) -> float:
    """Connections closed for being too slow."""
    return gateway.metrics().get(("streams_live_evictions_total", "slow"), 0)
