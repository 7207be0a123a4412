"""What prices have to come to, by brute force; imports nothing of what it judges."""

import math
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Quote(NamedTuple):
    """A price of a symbol; `time` in ms."""

    symbol: str
    time: int
    price: float


#: A price by (time, partition, how many came before in the partition).
Placed = tuple[tuple[int, int, int], float]


class PriceReference:
    """Sums up prices one by one, in the order of their partitions. All times in ms.

    `newest` is the latest event time that is believed: the wall clock and the bound ahead of it.
    """

    def __init__(
        self,
        partitions: int,
        window: int,
        grace: int,
        delay: int,
        above: float,
        newest: int,
    ) -> None:
        self.stream_times = [-1] * partitions
        self._read = [0] * partitions
        self._window, self._grace, self._delay, self._above = window, grace, delay, above
        self._newest = newest
        self._windows: defaultdict[int, defaultdict[str, list[Placed]]] = defaultdict(
            lambda: defaultdict(list)
        )

    def add(self, partition: int, value: Any, timestamp: int) -> None:  # noqa: ARG002
        """Take a record in, unless it is a dead letter, left out or late.

        `value` is what its value stands for; None if it can't be read.
        """
        self._read[partition] += 1
        quote = quote_of(value)
        if quote is None or quote.time > self._newest:
            return
        time = max(self.stream_times[partition], quote.time - self._delay)
        self.stream_times[partition] = time
        start = quote.time // self._window * self._window
        if quote.price > self._above and start + self._window + self._grace > time:
            place = quote.time, partition, self._read[partition]
            self._windows[start][quote.symbol].append((place, quote.price))

    def first_open(self, stream_time: int) -> int:
        """Start of the oldest window that is not closed at `stream_time`."""
        return (stream_time - self._grace) // self._window * self._window

    def take(self, before: int) -> dict[int, dict[str, dict[str, Any]]]:
        """What all windows come to that start `before` a time; they are forgotten here."""
        starts = sorted(start for start in self._windows if start < before)
        taken = {start: self._windows.pop(start) for start in starts}
        return {
            start: {symbol: candle(placed) for symbol, placed in symbols.items()}
            for start, symbols in taken.items()
        }


def candle(placed: list[Placed]) -> dict[str, Any]:
    """Open, high, low, close, and how many."""
    prices = [price for _, price in sorted(placed)]
    return {
        "open": prices[0],
        "high": max(prices),
        "low": min(prices),
        "close": prices[-1],
        "count": len(prices),
    }


def quote_of(fields: Any) -> Quote | None:
    """What a record says; None for what is malformed."""
    try:
        symbol, price, moment = fields["ticker"], fields["price"], fields["event_time"]
        if not isinstance(moment, datetime):
            moment = datetime.fromisoformat(moment)
        if not symbol or not symbol.encode() or isinstance(price, bool | str):
            return None
        price = float(price)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    time = (moment - EPOCH) // timedelta(milliseconds=1)
    return Quote(symbol, time, price) if time >= 0 and math.isfinite(price) else None
