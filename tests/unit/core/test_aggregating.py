"""Aggregating at the source: watermark, lateness, and the same counts as the compiled path."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.core.aggregating import Event, Events, SourceAggregator
from streams.core.columns import TP, Chunk, Rows
from streams.core.counting import SourceCounter
from streams.core.counts import COUNTING
from streams.core.prices import OHLC
from streams.core.selection import Rejected, Selector, Step
from streams.core.source_windows import Collected
from streams.core.windows import FOREVER, TumblingWindows

NEWEST = 100
PARTITIONS = 3


def partition_of(key: bytes) -> int:
    return len(key) % PARTITIONS


def chunk(rows: Rows) -> Chunk:
    return Chunk(TP("in", 0), 0, len(rows), [rows])


def sums(taken: Collected) -> dict[tuple[int, int, bytes], int]:
    found: Counter[tuple[int, int, bytes]] = Counter()
    for window, by_partition in taken.windows.items():
        for partition, part in enumerate(by_partition):
            for key, n in zip(part.keys, part.values, strict=True):
                found[window, partition, key] += n
    return found


@given(
    st.lists(st.tuples(st.sampled_from([b"aa", b"AA", b"bb", b""]), st.integers(0, NEWEST + 1))),
    st.integers(0, 7),
)
def test_counts_are_those_of_the_compiled_path(data: list[tuple[bytes, int]], grace: int) -> None:
    windows = TumblingWindows(10, grace)
    times = [time for _, time in data]
    events = Events(lambda raw: Event(raw.lower(), times.pop(0), None))
    select = Selector((Step(str.lower, False),), partition_of, 20)
    counter = SourceCounter(windows, PARTITIONS)
    other = SourceAggregator(0, windows, COUNTING, events, PARTITIONS, partition_of, max_bytes=20)
    for offset, (value, time) in enumerate(data):
        rows = Rows([(offset, time, value)])
        counter.count(chunk(rows), select, NEWEST)
        other.add(chunk(rows), NEWEST)
    assert other.stream_time == counter.stream_time
    assert other.distinct <= counter.distinct  # which has values, not keys
    taken, expected = other.take(), counter.take()
    assert sums(taken) == sums(expected)
    assert [a.offset for a in taken.late] == [a.offset for a in expected.late]
    assert [a.offset for a in taken.rejected] == [a.offset for a in expected.rejected]
    assert taken.records == expected.records == len(data)


def aggregator(**options: Any) -> SourceAggregator[Any]:
    """A value is its time, and the price is the same; odd ones are left out."""

    def read(raw: bytes) -> Event | Rejected:
        return Event(b"key", int(raw), float(raw)) if raw else Rejected("nothing")

    events = Events(read, lambda event: event.time % 2 == 0, delay_ms=5)
    windows = TumblingWindows(60, 10)
    return SourceAggregator(
        7, windows, OHLC, events, PARTITIONS, partition_of, max_bytes=4, **options
    )


def add(made: SourceAggregator[Any], values: list[bytes | None]) -> Collected:
    rows = Rows(((n, 0, value) for n, value in enumerate(values)), [b"k"] * len(values))
    made.add(chunk(rows), 1000)
    return made.take()


def test_the_watermark_stays_behind_and_grace_comes_on_top() -> None:
    made = aggregator()
    taken = add(made, [b"74", b"2", b"76", b"4", b"60"])
    assert made.stream_time == 71
    assert [(a.offset, a.reason, a.key) for a in taken.late] == [(3, "late", b"k")]
    numbers = {
        w: [v.number for part in parts for v in part.values] for w, parts in taken.windows.items()
    }
    assert numbers == {0: [1], 60: [3]}


def test_what_is_left_out_moves_time_on() -> None:
    made = aggregator()
    taken = add(made, [b"75", b"2", b"3"])
    assert made.stream_time == 70
    assert [a.offset for a in taken.late] == [1]
    assert not taken.windows


def test_no_record_is_late_for_the_window_that_never_ends() -> None:
    made = aggregator(for_ever=True)
    taken = add(made, [b"500", b"4", None, b"", b"1002", b"10000"])
    assert [a.offset for a in taken.late] == [1]
    assert [(a.offset, a.reason) for a in taken.rejected] == [
        (2, "null value"),
        (3, "nothing"),
        (4, "event time too far ahead of the wall clock"),
        (5, "value longer than 4 bytes"),
    ]
    [prices] = [value for part in taken.windows[FOREVER] for value in part.values]
    assert (prices.opened, prices.closed) == ((4, 7, 1), (500, 7, 0))
    assert made.stream_time == 495
    assert not made.take().windows
