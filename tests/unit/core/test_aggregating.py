"""Aggregating at the source: watermark, lateness, and the same counts as the compiled path."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.core.aggregating import Event, SourceAggregator
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
    return key[-1] % PARTITIONS


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
    st.lists(st.tuples(st.sampled_from([b"aa", b"AA", b"bb", b"x"]), st.integers(0, NEWEST + 1))),
    st.integers(0, 7),
)
def test_counts_are_those_of_the_compiled_path(data: list[tuple[bytes, int]], grace: int) -> None:
    windows = TumblingWindows(10, grace)
    steps = (Step(lambda text: len(text) > 1, True), Step(str.lower, False))
    select = Selector(steps, partition_of, 20)
    counter = SourceCounter(windows, PARTITIONS)
    other = SourceAggregator(0, windows, COUNTING, PARTITIONS, partition_of)
    for offset, (value, time) in enumerate(data):
        rows = Rows([(offset, time, value)])
        counter.count(chunk(rows), select, NEWEST)

        def read(raw: bytes | None, time: int = time) -> Event | None:
            return Event(raw.lower(), time, None) if raw is not None and len(raw) > 1 else None

        other.add(chunk(rows), read, NEWEST)
    assert other.stream_time == counter.stream_time
    assert other.distinct <= counter.distinct  # which has values, not keys
    taken, expected = other.take(), counter.take()
    assert sums(taken) == sums(expected)
    assert [a.offset for a in taken.late] == [a.offset for a in expected.late]
    assert [a.offset for a in taken.rejected] == [a.offset for a in expected.rejected]
    assert taken.records == expected.records == len(data)


def aggregator(**options: Any) -> SourceAggregator[Any]:
    windows = TumblingWindows(60, 10)
    return SourceAggregator(7, windows, OHLC, PARTITIONS, partition_of, delay=5, **options)


def at_offset(raw: bytes | None) -> Event | Rejected | None:
    """A value is its time; the price is the same."""
    if raw is None:
        return Rejected("nothing")
    return Event(b"key", int(raw), float(raw)) if raw else None


def test_the_watermark_stays_behind_and_grace_comes_on_top() -> None:
    made = aggregator()
    values = [b"74", b"1", b"75", b"2", b"60"]
    rows = Rows(((n, 0, value) for n, value in enumerate(values)), [b"k"] * 5)
    made.add(chunk(rows), at_offset, 1000)
    assert made.stream_time == 70
    taken = made.take()
    assert [(a.offset, a.reason, a.key) for a in taken.late] == [(3, "late", b"k")]
    assert {
        w: sum(p.values[0].number for p in parts if p.values) for w, parts in taken.windows.items()
    } == {0: 1, 60: 3}


def test_no_record_is_late_for_the_window_that_never_ends() -> None:
    made = aggregator(for_ever=True)
    rows = Rows((n, 0, value) for n, value in enumerate([b"500", b"3", None, b"", b"1001"]))
    made.add(chunk(rows), at_offset, 1000)
    taken = made.take()
    assert [a.offset for a in taken.late] == [1]
    assert [(a.offset, a.reason) for a in taken.rejected] == [
        (2, "nothing"),
        (4, "event time too far ahead of the wall clock"),
    ]
    [prices] = [value for part in taken.windows[FOREVER] for value in part.values]
    assert (prices.opened, prices.closed) == ((3, 7, 1), (500, 7, 0))
    assert made.stream_time == 495
    assert not made.take().windows
