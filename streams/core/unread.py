"""What is left of a chunk: it is read bit by bit, for it can't be read twice."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter

from streams.core.columns import Chunk, KeyedRow
from streams.core.values import Decoder

#: Rows that are made at a time: a record batch that compresses well may hold very many.
ROWS = 1_000

_offset = itemgetter(0)


class Unread:
    """See the module. `position` is the offset of what comes next.

    `decoder` reads the values, unless they are raw.
    """

    def __init__(self, chunk: Chunk, decoder: Decoder | None = None) -> None:
        self._decoder = decoder
        self.position = chunk.from_offset
        self._end = chunk.next_offset
        self._pieces = _pieces(chunk)
        self._rows: list[KeyedRow] = []

    def __bool__(self) -> bool:
        return self.position < self._end

    def plain(self, value: bytes | None) -> bytes | None:
        """A value of one of its rows as JSON, or as it is if it is raw; raises MisfitError."""
        if self._decoder is None or value is None:
            return value
        return self._decoder.json(value).encode()

    def next_rows(self, before: int | None = None) -> list[KeyedRow]:
        """Some rows, none of them at offset `before` or beyond; [] if there are no more."""
        if not self._rows:
            self._rows = next(self._pieces, [])
        to = len(self._rows) if before is None else bisect_left(self._rows, before, key=_offset)
        rows, self._rows = self._rows[:to], self._rows[to:]
        if rows:
            self.position = rows[-1][0] + 1
        else:
            end = self._end if before is None else min(self._end, before)
            self.position = max(self.position, end)
        return rows


def _pieces(chunk: Chunk) -> Iterator[list[KeyedRow]]:
    for columns in chunk.batches:
        rows = iter(columns.keyed_rows())
        while piece := list(islice(rows, ROWS)):
            yield piece
