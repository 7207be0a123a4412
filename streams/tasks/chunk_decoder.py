"""Gets what reads a chunk's values: their schemas may have to be fetched first.

That may take as long as a registry is down, and a task has other things to do meanwhile: so it goes
on in the background, and whoever waits for it may be cancelled and ask again.
"""

import asyncio
from collections.abc import Iterator

from streams.core.columns import Chunk
from streams.core.value_table import new_table
from streams.core.values import Decoder, ValueFormat

#: Older than any timestamp.
_ANY_TIME = -(2**63)


class ChunkDecoder:
    """See the module. `decoder` reads the chunk that was made ready last; None for raw strings."""

    def __init__(self, format_: ValueFormat | None) -> None:
        self.decoder: Decoder | None = None
        self._format = format_
        self._getting: asyncio.Task[Decoder] | None = None

    @property
    def waiting(self) -> bool:
        """Whether something that it takes isn't there yet."""
        return self._getting is not None

    async def until_ready(self, chunk: Chunk) -> None:
        """Wait until the chunk can be read. Until then it is to be called for no other one."""
        if self._format is None:
            return
        if self._getting is None:
            self._getting = asyncio.create_task(
                self._format.decoder(_values_of(chunk)), name=f"schemas of {chunk.tp}"
            )
        self.decoder = await asyncio.shield(self._getting)
        self._getting = None

    def stop(self) -> None:
        """Wait no longer."""
        if self._getting is not None:
            self._getting.cancel()
            self._getting = None


def _values_of(chunk: Chunk) -> Iterator[bytes | None]:
    """The different values of a chunk, which can then be read once more.

    It is only looked through if somebody asks: JSON takes no schemas.
    """
    chunk.batches = list(chunk.batches)
    table = new_table()
    for columns in chunk.batches:
        columns.count_into(table, _ANY_TIME)
    yield from table.newest(len(table))
