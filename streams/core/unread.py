"""What is left of a chunk: it is read bit by bit, for it can't be read twice."""

from bisect import bisect_left
from operator import itemgetter

from streams.core.columns import Chunk, KeyedRow

_offset = itemgetter(0)


class Unread:
    """See the module. `position` is the offset of what comes next."""

    def __init__(self, chunk: Chunk) -> None:
        self.position = chunk.from_offset
        self._end = chunk.next_offset
        self._batches = iter(chunk.batches)
        self._rows: list[KeyedRow] = []

    def __bool__(self) -> bool:
        return self.position < self._end

    def next_rows(self, before: int | None = None) -> list[KeyedRow]:
        """The rest of a record batch, but nothing at offset `before` or beyond; [] at the end."""
        while not self._rows:
            columns = next(self._batches, None)
            if columns is None:
                break
            self._rows = list(columns.keyed_rows())
        to = len(self._rows) if before is None else bisect_left(self._rows, before, key=_offset)
        rows, self._rows = self._rows[:to], self._rows[to:]
        if rows:
            self.position = rows[-1][0] + 1
        else:
            end = self._end if before is None else min(self._end, before)
            self.position = max(self.position, end)
        return rows
