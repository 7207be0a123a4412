"""Standard input: a record a line, as in `… | tally ingest stdin`.

Nothing tells it again what was read before a crash: whoever writes has to repeat, and nothing in
the lines says that they are repeats.
"""

import asyncio

from producers.blocks import STANDARD_INPUT, blocks
from producers.ingest.gateway import Gateway
from producers.ingest.in_order import in_order, nothing
from producers.ingest.lines import Lines, LongLineError
from producers.ingest.record import Record
from streams.errors import BadInputError, IngestError


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
                async for block in blocks(STANDARD_INPUT):
                    # What has come is published together.
                    await put(self._records(self._lines.feed(block)), nothing)
                await put(self._records(self._lines.end()), nothing)
        except LongLineError as exc:
            raise BadInputError(str(exc), "Raise STREAMS_INGEST_MAX_RECORD_BYTES") from None
        except asyncio.CancelledError:
            raise BadInputError("Stopped before the end of standard input") from None
        except IngestError as exc:
            raise BadInputError(exc.happened, exc.remedy) from exc

    def _records(self, lines: list[bytes]) -> list[Record]:
        return [self._gateway.record("stdin", line) for line in lines if line.strip()]
