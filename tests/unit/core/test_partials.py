"""Partial counts: their bytes, and how large ones are cut."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.counts import COUNTING
from streams.core.partials import MAX_BYTES, NOTHING_SENT, KeyValues, Partial, cut
from streams.core.windows import NO_TIME

offsets = st.integers(NOTHING_SENT, 2**63 - 1)
keys = st.text(max_size=12).map(str.encode)
counts = st.dictionaries(keys, st.integers(1, 2**32 - 1), min_size=1, max_size=12)
windows = st.dictionaries(st.integers(0, 2**62), counts, max_size=6)


def columns(by_window: dict[int, dict[bytes, int]]) -> dict[int, KeyValues[int]]:
    return {w: KeyValues(list(c), list(c.values())) for w, c in by_window.items()}


COUNT_BYTES = COUNTING.packed_size
#: Bytes of a record beside its windows.
HEADER = len(Partial(0, 0, 0, 0).encode(COUNTING))
#: Bytes of one window beside its keys and counts.
WINDOW = len(Partial(0, 0, 0, 0, windows=[(0, [b""], [1])]).encode(COUNTING)) - HEADER


@given(st.integers(0, 2**32 - 1), offsets, offsets, offsets, st.booleans(), windows)
def test_what_is_encoded_comes_back(
    source: int,
    start: int,
    end: int,
    watermark: int,
    more: bool,
    by_window: dict[int, dict[bytes, int]],
) -> None:
    held = [(window, list(c), list(c.values())) for window, c in by_window.items()]
    partial = Partial(source, start, end, watermark, more, held)
    assert Partial.decode(partial.encode(COUNTING), COUNTING) == partial


def test_the_bytes_are_those_of_the_first_version() -> None:
    partial = Partial(3, 4, 5, 6, True, [(7, [b"a", b"bc"], [1, 258])])
    assert partial.encode(COUNTING).hex() == (
        "01" "01" "03000000" "0400000000000000" "0500000000000000" "0600000000000000" "01000000"
        "0700000000000000" "02000000" "04000000" "01000000" "02010000" "61ff6263"
    )  # fmt: skip


def test_another_version_is_refused() -> None:
    data = Partial(0, 0, 1, 2).encode(COUNTING)
    for other in (b"", b"\x00" + data[1:], b"\x02" + data[1:]):
        with pytest.raises(ValueError, match="version"):
            Partial.decode(other, COUNTING)


@given(windows.filter(bool), st.data())
def test_a_partial_that_was_cut_short_is_refused(
    by_window: dict[int, dict[bytes, int]], data: st.DataObject
) -> None:
    encoded = cut(0, 0, 1, 2, columns(by_window), COUNT_BYTES)[0].encode(COUNTING)
    short = data.draw(st.integers(1, len(encoded) - 1))
    with pytest.raises(ValueError, match="damaged"):
        Partial.decode(encoded[:short], COUNTING)


@given(windows, st.integers(1, 400))
def test_cutting_loses_nothing_and_keeps_to_the_size(
    by_window: dict[int, dict[bytes, int]], max_bytes: int
) -> None:
    partials = cut(1, 10, 20, 99, columns(by_window), COUNT_BYTES, max_bytes)
    found: dict[int, Counter[bytes]] = {}
    for partial in partials:
        assert (partial.source, partial.from_offset, partial.to_offset) == (1, 10, 20)
        assert Partial.decode(partial.encode(COUNTING), COUNTING) == partial
        for window, names, numbers in partial.windows:
            assert names
            found.setdefault(window, Counter()).update(dict(zip(names, numbers, strict=True)))
    assert {window: dict(counter) for window, counter in found.items()} == by_window
    assert sum(len(p.windows) and sum(len(w[1]) for w in p.windows) for p in partials) == sum(
        map(len, by_window.values())
    )
    # Only the last one closes windows, for all counts have to come first.
    assert [p.more for p in partials] == [True] * (len(partials) - 1) + [False]
    assert [p.watermark for p in partials] == [NO_TIME] * (len(partials) - 1) + [99]
    longest = max((len(key) for c in by_window.values() for key in c), default=0)
    for partial in partials:
        single = sum(len(w[1]) for w in partial.windows) <= 1
        limit = max_bytes if not single else max(max_bytes, longest + WINDOW + 5)
        assert len(partial.encode(COUNTING)) <= HEADER + limit


def test_nothing_counted_is_still_one_partial() -> None:
    assert cut(0, 5, 9, 42, {}, COUNT_BYTES) == [Partial(0, 5, 9, 42)]


def test_many_keys_fit_into_few_partials() -> None:
    by_window = {0: {b"hashtag%06d" % i: 1 for i in range(100_000)}}
    partials = cut(0, 0, 1, 2, columns(by_window), COUNT_BYTES)
    sizes = [len(partial.encode(COUNTING)) for partial in partials]
    assert max(sizes) <= MAX_BYTES + HEADER
    assert len(partials) < 15
