"""Counting at the source: windows, stream time and lateness of one input partition.

Lateness is judged here, before any shuffle: stream time is the highest timestamp of this
partition's records that passed the filter, in the order of their offsets, so what is late depends
on the partition's contents alone. A chunk that lies within one window, and most do, is counted
without looking at its records one by one.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.core.columns import Chunk, Columns
from streams.core.selection import Keyed, Rejected, Selector
from streams.core.windows import NO_TIME, TumblingWindows


class Aside(NamedTuple):
    """A record that is not counted: late, or a dead letter with its reason."""

    offset: int
    timestamp: int
    value: bytes | None
    reason: str


@dataclass(slots=True)
class SourceCounts:
    """What one source counted since its last commit: counts[window start][partition][key]."""

    partitions: int
    counts: dict[int, list[dict[bytes, int]]] = field(default_factory=dict)
    late: list[Aside] = field(default_factory=list)
    rejected: list[Aside] = field(default_factory=list)
    records: int = 0

    def of_window(self, start: int) -> list[dict[bytes, int]]:
        """The counts of the window at `start`, a dict for each partition."""
        found = self.counts.get(start)
        if found is None:
            found = self.counts[start] = [{} for _ in range(self.partitions)]
        return found


class SourceCounter:
    """Stream time and uncommitted counts of one source partition. All times in ms."""

    def __init__(
        self, windows: TumblingWindows, partitions: int, stream_time: int = NO_TIME
    ) -> None:
        self._windows = windows
        self._partitions = partitions
        self.stream_time = stream_time
        self.pending = SourceCounts(partitions)

    def take(self) -> SourceCounts:
        """Hand over what was counted since the last call, and start anew."""
        taken, self.pending = self.pending, SourceCounts(self._partitions)
        return taken

    def advance(self, stream_time: int) -> None:
        """Raise stream time, for a source that has been idle; never lowers it."""
        self.stream_time = max(self.stream_time, stream_time)

    def count(self, chunk: Chunk, select: Selector, newest_allowed: int) -> None:
        """Count a chunk. A timestamp above `newest_allowed` (ms) makes a dead letter."""
        whole: list[tuple[int, Columns]] = []
        for columns in chunk.batches:
            window = self._single_window(columns, select, newest_allowed)
            if window is None:
                self._count_each(columns, select, newest_allowed)
            else:
                whole.append((window, columns))
            self.pending.records += len(columns.values)
        self._count_whole(whole, select)

    def _single_window(self, columns: Columns, select: Selector, newest_allowed: int) -> int | None:
        """The window that all records of a batch are on time for, and advance stream time.

        None when the batch has to be looked at record by record: it spans windows, may hold late
        or ill-timed records, or its newest record does not pass the filter.
        """
        timestamps = columns.timestamps
        if not timestamps:
            return None
        low, high = min(timestamps), max(timestamps)
        window = self._windows.start_of(low)
        if (
            low < 0
            or high > newest_allowed
            or high >= window + self._windows.size_ms
            or window < self._windows.first_open(self.stream_time)
            or not isinstance(select(columns.values[timestamps.index(high)]), Keyed)
        ):
            return None
        self.advance(high)
        return window

    def _count_whole(self, whole: list[tuple[int, Columns]], select: Selector) -> None:
        """Count batches that lie in one window each, a distinct value at a time."""
        raw_counts: dict[int, Counter[bytes | None]] = {}
        for window, columns in whole:
            counter = raw_counts.get(window)
            if counter is None:
                counter = raw_counts[window] = Counter()
            counter.update(columns.values)
        rejected: set[bytes | None] = set()
        for window, counter in raw_counts.items():
            rejected |= self._add_distinct(window, counter, select)
        if rejected:
            self._reject_all(rejected, (columns for _, columns in whole), select)

    def _add_distinct(
        self, window: int, counter: Counter[bytes | None], select: Selector
    ) -> set[bytes | None]:
        """Add raw counts under their keys; returns the values that are to be rejected."""
        rejected: set[bytes | None] = set()
        by_partition = self.pending.of_window(window)
        # Looked up by `map`, without a step of the interpreter for each; most values are known.
        for raw, n, selected in zip(
            counter, counter.values(), map(select.known.get, counter), strict=True
        ):
            if selected is None:
                selected = select(raw)
            if type(selected) is Keyed:
                partition, key = selected
                counts = by_partition[partition]
                counts[key] = counts.get(key, 0) + n
            elif selected is not None:
                rejected.add(raw)
        return rejected

    def _reject_all(
        self, values: set[bytes | None], batches: Iterable[Columns], select: Selector
    ) -> None:
        for columns in batches:
            for i, value in enumerate(columns.values):
                if value in values:
                    selected = select(value)
                    assert isinstance(selected, Rejected)
                    self._reject(columns, i, selected.reason)

    def _reject(self, columns: Columns, i: int, reason: str) -> None:
        aside = Aside(columns.offsets[i], columns.timestamps[i], columns.values[i], reason)
        self.pending.rejected.append(aside)

    def _count_each(self, columns: Columns, select: Selector, newest_allowed: int) -> None:
        """Count a batch record by record, in the order of offsets."""
        start_of, first_open = self._windows.start_of, self._windows.first_open
        stream_time, open_from = self.stream_time, first_open(self.stream_time)
        for i, (value, timestamp) in enumerate(
            zip(columns.values, columns.timestamps, strict=True)
        ):
            if timestamp < 0:
                self._reject(columns, i, "negative timestamp")
                continue
            if timestamp > newest_allowed:
                self._reject(columns, i, "timestamp too far ahead of the wall clock")
                continue
            selected = select(value)
            if selected is None:
                continue
            if isinstance(selected, Rejected):
                self._reject(columns, i, selected.reason)
                continue
            if timestamp > stream_time:
                stream_time, open_from = timestamp, first_open(timestamp)
            window = start_of(timestamp)
            if window < open_from:
                self.pending.late.append(Aside(columns.offsets[i], timestamp, value, "late"))
                continue
            counts = self.pending.of_window(window)[selected.partition]
            counts[selected.key] = counts.get(selected.key, 0) + 1
        self.stream_time = stream_time
