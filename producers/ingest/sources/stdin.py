"""Standard input: a record a line, as in `… | tally ingest stdin`.

Nothing tells it again what was read before a crash: whoever writes has to repeat, and nothing in
the lines says that they are repeats.
"""

import asyncio
import os
import sys
import threading

from producers.ingest.gateway import Gateway
from producers.ingest.in_order import in_order, nothing
from producers.ingest.lines import Lines, LongLineError
from producers.ingest.record import Record
from streams.errors import BadInputError, IngestError

#: Bytes of a read; what has come is published together.
CHUNK_BYTES = 64 * 1024


def source(gateway: Gateway) -> "Stdin":
    """See `Source`."""
    return Stdin(gateway)


class Stdin:
    """See the module. Empty lines are no records."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lines = Lines(gateway.settings.ingest.max_record_bytes)

    async def run(self) -> None:
        """Raises BadInputError unless all was read and published before a stop.

        The exit code has to tell: 0 is the only acknowledgement that there is.
        """
        try:
            async with in_order(self._gateway.outlet) as put:
                chunks = _chunks()
                while chunk := await chunks.get():
                    await put(self._records(self._lines.feed(chunk)), nothing)
                await put(self._records(self._lines.end()), nothing)
        except LongLineError as exc:
            raise BadInputError(str(exc), "Raise STREAMS_INGEST_MAX_RECORD_BYTES") from None
        except asyncio.CancelledError:
            raise BadInputError("Stopped before the end of standard input") from None
        except IngestError as exc:
            raise BadInputError(exc.happened, exc.remedy) from exc

    def _records(self, lines: list[bytes]) -> list[Record]:
        return [self._gateway.record("stdin", line) for line in lines if line.strip()]


def _chunks() -> asyncio.Queue[bytes]:
    """What is read of standard input by a thread, the empty chunk last."""
    chunks: asyncio.Queue[bytes] = asyncio.Queue(1)
    loop = asyncio.get_running_loop()

    def read() -> None:
        while True:
            chunk = os.read(sys.stdin.fileno(), CHUNK_BYTES)
            asyncio.run_coroutine_threadsafe(chunks.put(chunk), loop).result()
            if not chunk:
                return

    # It may be a file, which an event loop can't wait for; and a read can't be cancelled, so that
    # its thread mustn't hold up the end.
    threading.Thread(target=read, daemon=True).start()
    return chunks
