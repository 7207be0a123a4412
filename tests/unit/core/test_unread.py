"""Chunks that are read bit by bit."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core import unread as unread_module
from streams.core.columns import TP, Chunk, KeyedRow, Rows
from streams.core.unread import Unread


@pytest.fixture(autouse=True)
def few_rows() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unread_module, "ROWS", 3)
        yield


@given(
    sizes=st.lists(st.integers(0, 7), max_size=5),
    gap=st.integers(1, 3),
    behind=st.integers(0, 2),
    bounds=st.lists(st.none() | st.integers(5, 60), max_size=6),
)
def test_each_record_is_read_once(
    sizes: list[int], gap: int, behind: int, bounds: list[int | None]
) -> None:
    """Whatever the bounds, nothing is skipped or read twice, and `position` tells how far."""
    offsets = [7 + gap * n for n in range(sum(sizes))]
    rows = iter(offsets)
    batches = [Rows([(next(rows), 0, b"") for _ in range(n)], [b"k"] * n) for n in sizes]
    # Can be read only once, as some are.
    end = (offsets[-1] + 1 if offsets else 7) + behind
    unread = Unread(Chunk(TP("t", 0), 5, end, iter(batches)))
    read: list[KeyedRow] = []
    for before in [*bounds, None]:
        assert bool(unread) == (unread.position < end)
        position = unread.position
        while some := unread.next_rows(before):
            assert before is None or some[-1][0] < before
            assert unread.position == some[-1][0] + 1
            read += some
        assert unread.position == (end if before is None else max(position, min(before, end)))
    assert not unread
    assert [offset for offset, *_ in read] == offsets
    assert all(key == b"k" for _, _, key, _ in read)
