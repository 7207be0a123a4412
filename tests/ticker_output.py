"""What the ticker job wrote, read back and held against the reference."""

import itertools
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from tests.ticker_reference import EPOCH, Candle, Candles, Expected

#: (event time in ms, price)
Latest = tuple[int, float]


class Written(Protocol):
    """A record of the output topic; `timestamp` in ms since the epoch."""

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...

    @property
    def timestamp(self) -> int: ...


class TickerOutput:
    """Takes committed records, those of a partition in their order.

    All that says the same thing twice in a record is compared.
    """

    def __init__(self) -> None:
        self.candles: dict[tuple[str, int], list[Candle]] = {}
        #: Each symbol's latest prices, in the order in which they were told.
        self.latest: dict[str, list[Latest]] = {}

    def take(self, records: Iterable[Written]) -> "TickerOutput":
        """Take note of records."""
        for record in records:
            fields = json.loads(record.value or b"")
            symbol = fields["ticker"]
            assert record.key == symbol.encode()
            if "price" in fields:
                moment = datetime.fromisoformat(fields["event_time"])
                time = (moment - EPOCH) // timedelta(milliseconds=1)
                assert record.timestamp == time
                self.latest.setdefault(symbol, []).append((time, fields["price"]))
            else:
                start = fields["window_start"]
                assert record.timestamp == fields["window_end"] - 1
                candle = Candle(*(fields[name] for name in Candle._fields))
                self.candles.setdefault((symbol, start), []).append(candle)
        return self

    def is_complete(self, expected: Expected) -> bool:
        """Whether all final candles have come, and the last of the latest prices."""
        return self.candles.keys() >= expected.candles.keys() and self.newest() == newest(expected)

    def newest(self) -> dict[str, Latest]:
        """What was told of each symbol last."""
        return {symbol: told[-1] for symbol, told in self.latest.items()}

    def check(self, expected: Expected) -> None:
        """Each candle once, and latest prices that only ever move on."""
        repeated = {name: found for name, found in self.candles.items() if len(found) > 1}
        assert not repeated
        found: Candles = {name: candle for name, [candle] in self.candles.items()}
        assert found == expected.candles
        assert self.newest() == newest(expected)
        for symbol, told in self.latest.items():
            times = [time for time, _ in told]
            assert times == sorted(times), symbol
            assert all(one != other for one, other in itertools.pairwise(told)), symbol


def newest(expected: Expected) -> dict[str, Latest]:
    """Each symbol's latest time and price."""
    return {symbol: (quote.time, quote.price) for symbol, quote in expected.latest.items()}
