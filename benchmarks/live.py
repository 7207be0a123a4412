"""From the append that closes a window to the WebSocket frame of its finals at a client."""

import asyncio
import json
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Self

from benchmarks import latency
from benchmarks.fanout.counter import HANDSHAKE
from benchmarks.finals import Seen
from benchmarks.latency import Plan
from benchmarks.results import Results
from benchmarks.run import Kafka
from benchmarks.tally import Tally
from deploy.local.ports import free_port

HOST = "127.0.0.1"
START_SECONDS = 60.0
CHUNK = 2**20
TEXT, CLOSE, PING = 0x81, 0x88, 0x89
#: Empty, as the gateway's pings are, and masked by zeros.
PONG = bytes((0x8A, 0x80, 0, 0, 0, 0))


async def measure(kafka: Kafka, results: Results, plans: list[Plan]) -> None:
    """Measure each plan at a worker's own web server; kept after each."""
    rows = []
    for plan in plans:
        port = free_port()
        worker = Tally(settings={"STREAMS_WEB_PORT": str(port)})
        read = partial(FramesReader, port=port)
        found = await latency.measure(kafka, worker, plan, read)
        rows.append(found.as_json())
        results.save("browser", {"rows": rows})


class FramesReader:
    """See `finals.FinalsReader`: reads all keys over one WebSocket, and decodes them later."""

    def __init__(self, _options: Mapping[str, Any], _topic: str, *, port: int) -> None:
        self._port = port
        self._payloads: list[tuple[float, bytes]] = []
        self._rest = b""
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.count, self.newest = 0, 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    async def until_reading(self) -> None:
        """Connect as soon as the worker serves."""
        async with asyncio.timeout(START_SECONDS):
            while self._reader is None:
                try:
                    reader, writer = await asyncio.open_connection(HOST, self._port, limit=CHUNK)
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                writer.write(HANDSHAKE.replace(b"/ws", b"/ws?hashtag=*"))
                answer = await reader.readuntil(b"\r\n\r\n")
                if not answer.startswith(b"HTTP/1.1 101"):
                    raise RuntimeError(f"the worker answers {answer!r}")
                self._reader, self._writer = reader, writer
            while not self._payloads:  # the first message says that it follows
                await self.fetch(1.0)
        self._payloads.clear()
        self.count = 0

    async def fetch(self, seconds: float) -> None:
        """Take what is there, or comes within `seconds`."""
        assert self._reader is not None
        try:
            async with asyncio.timeout(seconds):
                data = await self._reader.read(CHUNK)
        except TimeoutError:
            return
        if not data:
            raise RuntimeError("the worker has closed the connection")
        self.newest = time.monotonic()
        self._rest = self._take(self._rest + data)

    def _take(self, data: bytes) -> bytes:
        """Keep the payloads of all whole text frames; returns the rest."""
        at = 0
        while len(data) >= at + 2:
            short = data[at + 1]
            begin = at + {126: 4, 127: 10}.get(short, 2)
            size = short if short < 126 else int.from_bytes(data[at + 2 : begin], "big")
            if len(data) < begin + size:  # or the length itself isn't all there
                break
            if data[at] == TEXT:
                self._payloads.append((self.newest, data[begin : begin + size]))
                self.count += 1
            elif data[at] == CLOSE:
                raise RuntimeError(f"the worker has closed the connection: {data[begin:]!r}")
            elif data[at] == PING and self._writer is not None:
                self._writer.write(PONG)
            at = begin + size
        return data[at:]

    async def wait_for(self, n: int, stalled_seconds: float) -> None:
        """Wait until `n` finals are there, or none come any more."""
        began = time.monotonic()
        while self.count < n and time.monotonic() - max(self.newest, began) < stalled_seconds:
            await self.fetch(0.2)

    async def linger(self, seconds: float) -> None:
        """Read on for a while, for there should be no more."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            await self.fetch(0.2)

    def decode(self) -> tuple[Seen, dict[int, list[float]]]:
        """All counts by key and window end; by window end, when each final was there."""
        seen: Seen = {}
        times: dict[int, list[float]] = {}
        for at, payload in self._payloads:
            value = json.loads(payload)["value"]
            end = value["window_end"]
            seen.setdefault((value["hashtag"].encode(), end), []).append(value["count"])
            times.setdefault(end, []).append(at)
        return seen, times
