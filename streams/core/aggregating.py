"""Any aggregation at the source: records are read one by one, and added to their windows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple

from streams.core.aggregation import A, Aggregation, Place
from streams.core.columns import Chunk, KeyedRow
from streams.core.partials import KeyValues
from streams.core.selection import Rejected, usable
from streams.core.source_windows import Aside, Collected, SourceWindows
from streams.core.values import Decoder
from streams.core.windows import FOREVER, NO_TIME, TumblingWindows
from streams.errors import MisfitError


class Event(NamedTuple):
    """What a record says: a value of a key (UTF-8), at a time in ms since the epoch, 0 or later."""

    key: bytes
    time: int
    value: Any


def _any_event(_event: Event) -> bool:
    """For a job that leaves nothing out."""
    return True


@dataclass(frozen=True, slots=True)
class Events:
    """How records become events.

    read      what a value says, or why that is no event; has to be pure. It is given what the
              topic's format makes of a value: bytes, if that is raw
    where     which events are added up; the others only move event time on
    delay_ms  the watermark stays so far behind the highest event time
    """

    read: Callable[[Any], Event | Rejected]
    where: Callable[[Event], bool] = _any_event
    delay_ms: int = 0


class SourceAggregator(SourceWindows, Generic[A]):
    """Stream time and uncommitted accumulators of source partition `source`. All times in ms.

    partitions  how many the keys go to; `partition_of` tells which one
    max_bytes   a longer value makes a dead letter
    for_ever    whether the keys' records of all time are added up, too: no record is late for that
    """

    def __init__(
        self,
        source: int,
        windows: TumblingWindows,
        aggregation: Aggregation[A],
        events: Events,
        partitions: int,
        partition_of: Callable[[bytes], int],
        *,
        max_bytes: int,
        for_ever: bool = False,
        stream_time: int = NO_TIME,
    ) -> None:
        super().__init__(windows, stream_time)
        self._source = source
        self._aggregation = aggregation
        self._events = events
        self._partitions = partitions
        self._partition_of = partition_of
        self._max_bytes = max_bytes
        self._for_ever = for_ever
        self._accumulators: dict[int, dict[bytes, A]] = {}

    @property
    def distinct(self) -> int:
        return sum(map(len, self._accumulators.values()))

    def add(self, chunk: Chunk, newest_allowed: int, decoder: Decoder | None = None) -> None:
        """Add a chunk's records. An event above `newest_allowed` (ms) makes a dead letter.

        `decoder` reads the values, unless they are raw.
        """
        for columns in chunk.batches:
            self._pending.records += len(columns)
            for row in columns.keyed_rows():
                event = self._read(row[3], newest_allowed, decoder)
                if isinstance(event, Rejected):
                    self._pending.rejected.append(_aside(row, event.reason))
                else:
                    self._take(event, row)

    def _read(
        self, raw: bytes | None, newest_allowed: int, decoder: Decoder | None
    ) -> Event | Rejected:
        value = usable(raw, self._max_bytes)
        if isinstance(value, Rejected):
            return value
        try:
            event = self._events.read(value if decoder is None else decoder.value(value))
        except MisfitError as exc:
            return Rejected(exc.happened)
        if isinstance(event, Event) and event.time > newest_allowed:
            return Rejected("event time too far ahead of the wall clock")
        return event

    def _take(self, event: Event, row: KeyedRow) -> None:
        self.advance(event.time - self._events.delay_ms)
        if not self._events.where(event):
            return
        place = Place(event.time, self._source, row[0])
        if self._for_ever:
            self._add(FOREVER, event, place)
        window = self._windows.start_of(event.time)
        if window < self._windows.first_open(self.stream_time):
            self._pending.late.append(_aside(row, "late"))
        else:
            self._add(window, event, place)

    def _add(self, window: int, event: Event, place: Place) -> None:
        known = self._accumulators.setdefault(window, {})
        before = known.get(event.key, self._aggregation.zero)
        known[event.key] = self._aggregation.add(before, event.value, place)

    def _hand_over(self, taken: Collected) -> None:
        accumulators, self._accumulators = self._accumulators, {}
        for window, by_key in accumulators.items():
            taken.add(window, self._by_partition(by_key))

    def _by_partition(self, by_key: dict[bytes, A]) -> list[KeyValues[A]]:
        found: list[KeyValues[A]] = [KeyValues([], []) for _ in range(self._partitions)]
        for key, accumulator in by_key.items():
            keys, values = found[self._partition_of(key)]
            keys.append(key)
            values.append(accumulator)
        return found


def _aside(row: KeyedRow, reason: str) -> Aside:
    offset, timestamp, key, value = row
    return Aside(offset, timestamp, value, reason, key)
