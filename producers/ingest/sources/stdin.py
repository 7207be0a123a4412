"""Standard input: a record a line, as in `… | tally ingest stdin`.

Nothing tells it again what was read before a crash: whoever writes has to repeat, and nothing in
the lines says that they are repeats.
"""

import asyncio
import os
import sys
import threading

from producers.ingest.gateway import Gateway
from producers.ingest.in_order import in_order
from producers.ingest.record import Record
from streams.errors import BadInputError

#: Bytes of a read; what has come is published together.
CHUNK_BYTES = 64 * 1024


def source(gateway: Gateway) -> "Stdin":
    """See `Source`."""
    return Stdin(gateway)


class Stdin:
    """See the module. Empty lines are no records."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._max_bytes = gateway.settings.ingest.max_record_bytes

    async def run(self) -> None:
        chunks: asyncio.Queue[bytes] = asyncio.Queue(1)
        loop = asyncio.get_running_loop()

        def read() -> None:
            while True:
                chunk = os.read(sys.stdin.fileno(), CHUNK_BYTES)
                asyncio.run_coroutine_threadsafe(chunks.put(chunk), loop).result()
                if not chunk:
                    return

        # It may be a file, which an event loop can't wait for; and a read can't be cancelled, so
        # that its thread mustn't hold up the end.
        threading.Thread(target=read, daemon=True).start()
        async with in_order(self._gateway.outlet) as put:
            rest = b""
            while chunk := await chunks.get():
                *lines, rest = (rest + chunk).split(b"\n")
                self._check(rest)
                await put(self._records(lines), _nothing)
            await put(self._records([rest]), _nothing)

    def _records(self, lines: list[bytes]) -> list[Record]:
        bare = (line.rstrip(b"\r") for line in lines)
        return [self._gateway.record("stdin", line) for line in bare if line.strip()]

    def _check(self, begun: bytes) -> None:
        if len(begun) > self._max_bytes:
            raise BadInputError(
                f"A line is longer than {self._max_bytes:,} bytes",
                "Raise STREAMS_INGEST_MAX_RECORD_BYTES",
            )


async def _nothing() -> None:
    """A pipe wants no acknowledgement."""
