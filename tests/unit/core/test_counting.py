"""Counting at the source: however records arrive, the result is that of one after the other."""

from collections import Counter
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.core.columns import TP, Chunk, Columns, Rows
from streams.core.counting import SourceCounter
from streams.core.selection import Selector, Step
from streams.core.source_windows import Aside
from streams.core.text import longer_than_one, trim
from streams.core.windows import NO_TIME, TumblingWindows

Row = tuple[bytes | None, int]

NEWEST = 100
STEPS = (Step(longer_than_one, True), Step(str.lower, False), Step(trim, False))

rows = st.lists(
    st.tuples(
        st.sampled_from([b"aa", b"AA", b" bb", b"cc", b"x", b"", None, b"\xff\xff", b"y" * 30]),
        st.integers(-1, NEWEST + 1) | st.integers(10, 30),
    ),
    max_size=40,
)


class Result(NamedTuple):
    counts: dict[tuple[int, int, bytes], int]
    late: list[Aside]
    rejected: list[Aside]
    records: int
    stream_time: int


def selector() -> Selector:
    return Selector(STEPS, lambda key: key[-1] % 3 if key else 0, 20)


def columns(data: list[Row], first: int) -> Rows:
    return Rows((offset, timestamp, value) for offset, (value, timestamp) in enumerate(data, first))


def batches(data: list[Row], sizes: list[int]) -> list[Columns]:
    """`data` in batches of these sizes, and the rest in one."""
    found, at = [], 0
    for size in sizes:
        found.append(columns(data[at : at + size], at))
        at += size
    return [*found, columns(data[at:], at)]


def result(counter: SourceCounter) -> Result:
    taken = counter.take()
    counts: Counter[tuple[int, int, bytes]] = Counter()
    for window, by_partition in taken.windows.items():
        for partition, found in enumerate(by_partition):
            for key, n in zip(found.keys, found.values, strict=True):
                counts[window, partition, key] += n
    assert all(counts.values())
    return Result(counts, taken.late, sorted(taken.rejected), taken.records, counter.stream_time)


def one_by_one(data: list[Row], windows: TumblingWindows) -> Result:
    """The plain rules, in the order of offsets."""
    stream_time = NO_TIME
    counts: dict[tuple[int, int, bytes], int] = {}
    late, rejected = [], []
    for offset, (value, timestamp) in enumerate(data):
        reason = None
        if timestamp < 0:
            reason = "negative timestamp"
        elif timestamp > NEWEST:
            reason = "timestamp too far ahead of the wall clock"
        elif value is None:
            reason = "null value"
        elif len(value) > 20:
            reason = "value longer than 20 bytes"
        elif value == b"\xff\xff":
            reason = "value is not UTF-8"
        if reason is not None:
            rejected.append(Aside(offset, timestamp, value, reason))
            continue
        assert value is not None
        if len(value) < 2:
            continue
        stream_time = max(stream_time, timestamp)
        window = timestamp // windows.size_ms * windows.size_ms
        if window + windows.size_ms + windows.grace_ms <= stream_time:
            late.append(Aside(offset, timestamp, value, "late"))
            continue
        key = value.lower().strip()
        at = window, key[-1] % 3, key
        counts[at] = counts.get(at, 0) + 1
    return Result(counts, late, sorted(rejected), len(data), stream_time)


@given(rows, st.lists(st.integers(0, 8), max_size=8), st.integers(1, 40), st.integers(0, 40))
@example([(b"aa", 0), (None, 5), (b"x", 7), (b"bb", 7)], [], 10, 0)  # the newest is dropped
@example([(b"aa", -1)], [], 10, 0)
@example([(b"aa", NEWEST + 1)], [], 200, 0)
@example([(b"aa", 15), (b"aa", 10), (b"x", 25), (b"aa", 12)], [2, 1], 10, 0)
@example([(b"aa", 0), (b"bb", 9), (b"aa", 10), (b"aa", 9)], [3], 10, 0)
def test_any_batches_come_to_the_same_as_one_record_after_the_other(
    data: list[Row], sizes: list[int], window: int, grace: int
) -> None:
    windows = TumblingWindows(window, grace)
    counter = SourceCounter(windows, 3)
    chunk = Chunk(TP("in", 0), 0, len(data), batches(data, sizes))
    counter.count(chunk, selector(), NEWEST)
    assert result(counter) == one_by_one(data, windows)


@given(rows, st.integers(0, 40), st.integers(1, 40))
def test_stream_time_goes_on_over_chunks_and_commits(
    data: list[Row], cut: int, window: int
) -> None:
    windows = TumblingWindows(window)
    expected = one_by_one(data, windows)
    first = SourceCounter(windows, 3)
    first.count(Chunk(TP("in", 0), 0, cut, [columns(data[:cut], 0)]), selector(), NEWEST)
    before = result(first)
    # As after a restart: only stream time is kept.
    second = SourceCounter(windows, 3, before.stream_time)
    second.count(Chunk(TP("in", 0), cut, 40, [columns(data[cut:], cut)]), selector(), NEWEST)
    after = result(second)
    keys = before.counts.keys() | after.counts.keys()
    assert {
        key: before.counts.get(key, 0) + after.counts.get(key, 0) for key in keys
    } == expected.counts
    assert sorted(before.late + after.late) == sorted(expected.late)
    assert after.stream_time == expected.stream_time


def test_an_idle_source_never_lowers_its_stream_time() -> None:
    counter = SourceCounter(TumblingWindows(10), 1, 50)
    counter.advance(40)
    assert counter.stream_time == 50
    counter.advance(60)
    assert counter.stream_time == 60


def test_a_batch_within_one_window_is_not_looked_at_record_by_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def slow(*_: object) -> None:
        raise AssertionError("the slow path")

    monkeypatch.setattr(SourceCounter, "_count_each", slow)
    counter = SourceCounter(TumblingWindows(10), 3)
    data: list[Row] = [(b"aa", 5), (None, 3), (b"x", 4), (b"aa", 9), (b"\xff\xff", 0)]
    counter.count(Chunk(TP("in", 0), 0, 5, [columns(data, 0)]), selector(), NEWEST)
    assert result(counter) == one_by_one(data, TumblingWindows(10))
