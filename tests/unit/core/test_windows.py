"""Tumbling windows and their grace, as Kafka Streams has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.windows import NO_TIME, TumblingWindows

times = st.integers(0, 2**50)
windows = st.builds(TumblingWindows, st.integers(1, 10**9), st.integers(0, 10**9))


@given(windows, times)
def test_a_window_holds_its_timestamp_and_is_aligned_to_the_epoch(
    w: TumblingWindows, time: int
) -> None:
    start = w.start_of(time)
    assert start <= time < start + w.size_ms
    assert start % w.size_ms == 0


@given(windows, times)
def test_the_first_open_window_is_the_oldest_whose_end_and_grace_are_ahead(
    w: TumblingWindows, stream_time: int
) -> None:
    first = w.first_open(stream_time)
    assert first + w.size_ms + w.grace_ms > stream_time
    assert first + w.grace_ms <= stream_time


def test_a_window_closes_when_stream_time_reaches_its_end_and_grace() -> None:
    w = TumblingWindows(20_000, 5_000)
    assert w.first_open(24_999) == 0
    assert w.first_open(25_000) == 20_000


def test_nothing_is_closed_before_the_first_record() -> None:
    assert TumblingWindows(20_000).first_open(NO_TIME) < 0


@pytest.mark.parametrize(("size", "grace"), [(0, 0), (-1, 0), (1, -1)])
def test_impossible_windows_are_refused(size: int, grace: int) -> None:
    with pytest.raises(ValueError, match="window"):
        TumblingWindows(size, grace)
