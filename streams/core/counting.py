"""Counting at the source: the records of one input partition, compiled where that was possible.

A batch that lies within one window, and most do, is counted without looking at its records one by
one. What comes of it is what `SourceAggregator` would have made of the same records.
"""

from streams.core.columns import Chunk, Columns, Row
from streams.core.raw_counts import Keyless, RawCounts
from streams.core.selection import Rejected, Selector
from streams.core.source_windows import Aside, Collected, SourceWindows
from streams.core.windows import NO_TIME, TumblingWindows


class SourceCounter(SourceWindows):
    """Stream time and uncommitted counts of one source partition. All times in ms.

    Raw values are counted as they come; their keys matter only when they are handed over.
    """

    def __init__(
        self, windows: TumblingWindows, partitions: int, stream_time: int = NO_TIME
    ) -> None:
        super().__init__(windows, stream_time)
        self._partitions = partitions
        self._raw: dict[tuple[Selector, int], RawCounts] = {}

    @property
    def distinct(self) -> int:
        """Different values that are counted but not handed over yet, over all windows."""
        return sum(map(len, self._raw.values()))

    def _hand_over(self, taken: Collected) -> None:
        raw, self._raw = self._raw, {}
        for (_, window), counts in raw.items():
            taken.add(window, counts.by_partition())

    def count(self, chunk: Chunk, select: Selector, newest_allowed: int) -> None:
        """Count a chunk. A timestamp above `newest_allowed` (ms) makes a dead letter."""
        for columns in chunk.batches:
            if columns:
                self._count_batch(columns, select, newest_allowed)

    def _raw_of(self, select: Selector, window: int) -> RawCounts:
        found = self._raw.get((select, window))
        if found is None:
            found = self._raw[select, window] = RawCounts(select, self._partitions)
        return found

    def _count_batch(self, columns: Columns, select: Selector, newest_allowed: int) -> None:
        self._pending.records += len(columns)
        high = columns.high
        window = self._windows.start_of(high)
        if 0 <= high <= newest_allowed and window >= self._windows.first_open(self.stream_time):
            keyless = self._raw_of(select, window).add(columns, window)
            if keyless is not None:
                self._advance_over(columns, keyless)
                return
        self._count_each(columns, select, newest_allowed)

    def _advance_over(self, columns: Columns, keyless: Keyless) -> None:
        """Go on behind a batch that lay in one window and on time, and was counted as a whole."""
        if keyless:
            self._pass_over(keyless, columns)
        else:
            self.advance(columns.high)

    def _pass_over(self, keyless: Keyless, columns: Columns) -> None:
        """Set aside what is rejected; what is dropped doesn't advance stream time either."""
        if not any(keyless.values()):
            newest = columns.values_since(columns.high)
            if not keyless.keys() >= set(newest):
                self.advance(columns.high)
                return
        for row in columns.rows():
            _, timestamp, value = row
            if value not in keyless:
                self.advance(timestamp)
            elif (rejected := keyless[value]) is not None:
                self._reject(row, rejected.reason)

    def _reject(self, row: Row, reason: str) -> None:
        self._pending.rejected.append(Aside(*row, reason))

    def _count_each(self, columns: Columns, select: Selector, newest_allowed: int) -> None:
        """Count a batch record by record, in the order of offsets."""
        start_of, first_open = self._windows.start_of, self._windows.first_open
        open_from = first_open(self.stream_time)
        for row in columns.rows():
            _, timestamp, value = row
            if timestamp < 0:
                self._reject(row, "negative timestamp")
                continue
            if timestamp > newest_allowed:
                self._reject(row, "timestamp too far ahead of the wall clock")
                continue
            selected = select(value)
            if selected is None:
                continue
            if isinstance(selected, Rejected):
                self._reject(row, selected.reason)
                continue
            if timestamp > self.stream_time:
                self.stream_time, open_from = timestamp, first_open(timestamp)
            window = start_of(timestamp)
            if window < open_from:
                self._pending.late.append(Aside(*row, "late"))
            else:
                self._raw_of(select, window).add_one(value, selected)
