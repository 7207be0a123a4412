"""The chain of each source's partials, and the lowest watermark."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.partials import NOTHING_SENT, Partial
from streams.core.watermarks import Sources
from streams.core.windows import NO_TIME
from streams.errors import BrokenChainError


def take(sources: Sources, partial: Partial) -> None:
    sources.check(partial)
    sources.merged(partial)


def test_the_lowest_watermark_counts() -> None:
    sources = Sources(2)
    take(sources, Partial(0, NOTHING_SENT, 5, 100))
    assert sources.watermark == NO_TIME
    take(sources, Partial(1, NOTHING_SENT, 9, 70))
    assert sources.watermark == 70
    take(sources, Partial(1, 9, 12, 200))
    assert sources.watermark == 100


def test_a_watermark_is_never_lowered() -> None:
    sources = Sources(1)
    take(sources, Partial(0, NOTHING_SENT, 5, 100))
    take(sources, Partial(0, 5, 6, 50))
    assert sources.watermark == 100


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [(3, 7, "overlaps"), (NOTHING_SENT, 5, "overlaps"), (6, 9, "leaves a gap")],
)
def test_overlaps_and_gaps_are_refused(start: int, end: int, message: str) -> None:
    sources = Sources(1)
    take(sources, Partial(0, NOTHING_SENT, 5, 100))
    with pytest.raises(BrokenChainError, match=message):
        sources.check(Partial(0, start, end, 100))
    assert sources.to_offsets == [5]


@pytest.mark.parametrize("source", [-1, 2])
def test_an_unknown_source_is_refused(source: int) -> None:
    with pytest.raises(BrokenChainError, match="unknown source"):
        Sources(2).check(Partial(source, NOTHING_SENT, 5, 0))


def test_a_stretch_in_several_partials_ends_with_the_last() -> None:
    sources = Sources(1)
    for more in (True, True, False):
        assert sources.to_offsets == [NOTHING_SENT]
        take(sources, Partial(0, NOTHING_SENT, 5, NO_TIME if more else 8, more))
    assert (sources.to_offsets, sources.watermark) == ([5], 8)


def test_another_source_may_come_between_the_partials_of_a_stretch() -> None:
    """A large transaction is written in several batches, which others' may separate."""
    sources = Sources(2)
    take(sources, Partial(0, NOTHING_SENT, 5, NO_TIME, more=True))
    take(sources, Partial(1, NOTHING_SENT, 3, 7))
    take(sources, Partial(0, NOTHING_SENT, 5, 8))
    assert (sources.to_offsets, sources.watermark) == ([5, 3], 7)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, 99))))
def test_unbroken_chains_pass_and_the_watermark_only_rises(
    steps: list[tuple[int, int, int]],
) -> None:
    sources = Sources(3)
    ends = [NOTHING_SENT] * 3
    times = [NO_TIME] * 3
    for source, length, time in steps:
        end = max(0, ends[source]) + length
        before = sources.watermark
        take(sources, Partial(source, ends[source], end, time))
        ends[source], times[source] = end, max(times[source], time)
        assert before <= sources.watermark == min(times)
    assert sources.to_offsets == ends
