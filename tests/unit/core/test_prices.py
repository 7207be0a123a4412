"""Open, high, low and close are a commutative monoid, and have bytes of their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.aggregation import Place
from streams.core.prices import OHLC, Prices
from streams.errors import StoreError

places = st.builds(
    Place, st.integers(0, 2**62), st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1)
)
amounts = st.floats(allow_nan=False, allow_infinity=False)
#: Records of a key: no two have the same place.
records = st.lists(st.tuples(places, amounts), max_size=8, unique_by=lambda record: record[0])


def of(some: list[tuple[Place, float]]) -> Prices:
    accumulator = OHLC.zero
    for place, price in some:
        accumulator = OHLC.add(accumulator, price, place)
    return accumulator


@given(records.filter(bool))
def test_they_are_those_of_all_records_in_the_order_of_their_places(
    some: list[tuple[Place, float]],
) -> None:
    ordered = sorted(some)
    prices = [price for _, price in ordered]
    (first, opened), (last, closed) = ordered[0], ordered[-1]
    found = OHLC.emit(of(some))
    assert found == Prices(first, opened, max(prices), min(prices), last, closed, len(prices))


@given(records, st.data())
def test_neither_order_nor_grouping_matters(
    some: list[tuple[Place, float]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(some))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(some)), min_size=2, max_size=2)))
    one, two, three = (of(shuffled[a:b]) for a, b in zip([0, *cuts], [*cuts, None], strict=True))
    assert OHLC.merge(OHLC.merge(one, two), three) == of(some)
    assert OHLC.merge(one, OHLC.merge(three, two)) == of(some)
    assert OHLC.merge(OHLC.zero, one) == one == OHLC.merge(one, OHLC.zero)


@given(st.lists(records.map(of), max_size=4))
def test_they_come_back(some: list[Prices]) -> None:
    assert [OHLC.decode(OHLC.encode(prices)) for prices in some] == some
    assert {len(OHLC.encode(prices)) for prices in some} <= {OHLC.size}
    assert OHLC.unpack(OHLC.pack(some)) == some


def test_the_bytes_are_those_of_the_first_version() -> None:
    prices = Prices(Place(1, 2, 3), 1.5, 2.5, 0.5, Place(4, 5, 6), 1.0, 7)
    assert OHLC.encode(prices).hex() == (
        "01" "0000000000000001" "00000002" "0000000000000003" "3ff8000000000000"
        "4004000000000000" "3fe0000000000000"
        "0000000000000004" "00000005" "0000000000000006" "3ff0000000000000" "0000000000000007"
    )  # fmt: skip


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x02" + bytes(80), bytes(81), b"\x01" * 82])
def test_another_version_is_refused(data: bytes) -> None:
    with pytest.raises(StoreError, match="version"):
        OHLC.decode(data)
