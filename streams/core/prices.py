"""Open, high, low and close: the aggregation of the ticker job."""

import struct
from typing import NamedTuple

from streams.core.aggregation import VERSION, Aggregation, Place
from streams.errors import StoreError

# Version; place and price of the first; highest, lowest; place and price of the last; how many.
_PRICES = struct.Struct(">B qiqd dd qiqd Q")

#: Before and behind the place of any record.
_FIRST = Place(-1, -1, -1)
_LAST = Place(2**63 - 1, 2**31 - 1, 2**63 - 1)


class Prices(NamedTuple):
    """What prices came to. `opened` and `closed` are the places of the first and the last."""

    opened: Place
    open: float
    high: float
    low: float
    closed: Place
    close: float
    number: int


class OpenHighLowClose(Aggregation[Prices]):
    """The first, highest, lowest and last price, in the order of (event time, partition, offset).

    A record's value is its price.
    """

    name = "open-high-low-close"
    size = _PRICES.size
    zero = Prices(_LAST, 0.0, float("-inf"), float("inf"), _FIRST, 0.0, 0)

    def add(self, accumulator: Prices, value: float, place: Place) -> Prices:
        return self.merge(accumulator, Prices(place, value, value, value, place, value, 1))

    def merge(self, one: Prices, other: Prices) -> Prices:
        first = one if one.opened < other.opened else other
        last = one if one.closed > other.closed else other
        return Prices(
            first.opened,
            first.open,
            max(one.high, other.high),
            min(one.low, other.low),
            last.closed,
            last.close,
            one.number + other.number,
        )

    def encode(self, accumulator: Prices) -> bytes:
        opened, open_, high, low, closed, close, number = accumulator
        return _PRICES.pack(VERSION, *opened, open_, high, low, *closed, close, number)

    def decode(self, data: bytes) -> Prices:
        if len(data) != _PRICES.size or data[0] != VERSION:
            raise StoreError("prices of an unknown version", "Use the release that wrote them")
        _, *fields = _PRICES.unpack(data)
        opened, (open_, high, low) = Place(*fields[:3]), fields[3:6]
        closed, (close, number) = Place(*fields[6:9]), fields[9:]
        return Prices(opened, open_, high, low, closed, close, number)

    def emit(self, accumulator: Prices) -> Prices:
        return accumulator


OHLC = OpenHighLowClose()
