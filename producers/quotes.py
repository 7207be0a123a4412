"""A price of a symbol at a time, and the record that is made of it."""

import json
import math
from datetime import UTC, datetime
from typing import Any, NamedTuple

from producers.hashtags import epoch_ms
from producers.keyed import KeyedRecord

SYMBOLS = ("AAPL", "AMZN", "MSFT", "INTC", "TBV")
MAX_SYMBOL_BYTES = 32


class Quote(NamedTuple):
    """What `symbol` cost at `timestamp_ms`, in epoch ms."""

    symbol: str
    price: float
    timestamp_ms: int

    def record(self) -> KeyedRecord:
        """As it is published: keyed by its symbol, and stamped with its time."""
        at = datetime.fromtimestamp(self.timestamp_ms / 1000, UTC)
        value = {
            "event_time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "ticker": self.symbol,
            "price": self.price,
        }
        return KeyedRecord(self.symbol.encode(), json.dumps(value).encode(), self.timestamp_ms)


def quote(symbol: Any, price: Any, event_time: Any) -> Quote:
    """Check what somebody says is a quote. The time is ISO 8601, naive is UTC. Raises ValueError.

    The price is a number above 0.
    """
    if not isinstance(symbol, str) or not 0 < len(symbol.encode()) <= MAX_SYMBOL_BYTES:
        raise ValueError("no symbol")
    if isinstance(price, bool) or not isinstance(price, int | float):
        raise ValueError("the price isn't a number")
    if not (math.isfinite(price) and price > 0):
        raise ValueError("the price isn't above 0")
    if not isinstance(event_time, str):
        raise ValueError("no time")
    return Quote(symbol, float(price), epoch_ms(event_time))
