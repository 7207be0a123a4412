"""The changelog's records: their bytes and their order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.counts import decode_count, encode_count
from streams.errors import StoreError
from streams.state.changelog import (
    BOOKKEEPING_KEY,
    Bookkeeping,
    WindowKey,
    decode_key,
    window_prefix,
)

times = st.integers(0, 2**63 - 1)
keys = st.text(max_size=20).map(str.encode)


@given(times, keys)
def test_keys_come_back(window: int, key: bytes) -> None:
    assert decode_key(window_prefix(window) + key) == WindowKey(window, key)


@given(st.lists(st.tuples(times, keys)))
def test_keys_are_in_the_order_of_time_and_before_the_bookkeeping(
    pairs: list[tuple[int, bytes]],
) -> None:
    encoded = [window_prefix(window) + key for window, key in pairs]
    assert [decode_key(data) for data in sorted(encoded)] == sorted(pairs)
    assert all(data < BOOKKEEPING_KEY for data in encoded)


@given(st.integers(0, 2**64 - 1))
def test_counts_come_back(count: int) -> None:
    assert decode_count(encode_count(count)) == count


def test_the_bytes_are_those_of_the_first_version() -> None:
    assert (window_prefix(20_000) + b"tag").hex() == "0000000000004e20746167"
    assert encode_count(258).hex() == "010000000000000102"
    assert Bookkeeping("id", {"window_ms": 1}, 2, [3], [4], 5, b"\xc3\xa4").encode() == (
        b'\x01{"incarnation":"id","fingerprint":{"window_ms":1},"position":2,"to_offsets":[3],'
        b'"watermarks":[4],"closed_until":5,"closing_after":"c3a4"}'
    )


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x02" + bytes(8), encode_count(1) + b"\x00"])
def test_counts_of_another_version_are_refused(data: bytes) -> None:
    with pytest.raises(StoreError, match="version"):
        decode_count(data)


@given(
    st.builds(
        Bookkeeping,
        st.text(),
        st.dictionaries(st.text(), st.integers() | st.text()),
        times,
        st.lists(st.integers(-1, 2**63 - 1)),
        st.lists(st.integers(-1, 2**63 - 1)),
        times,
        st.none() | keys,
    )
)
def test_bookkeeping_comes_back(bookkeeping: Bookkeeping) -> None:
    assert Bookkeeping.decode(bookkeeping.encode()) == bookkeeping


@pytest.mark.parametrize("data", [b"", b"\x00{}", b"\x02{}"])
def test_bookkeeping_of_another_version_is_refused(data: bytes) -> None:
    with pytest.raises(StoreError, match="version"):
        Bookkeeping.decode(data)
