"""A price of a symbol at a time, and the record that is made of it."""

import json
import math
from typing import Any, NamedTuple

from producers.hashtags import epoch_ms
from producers.json_text import parse_json
from producers.keyed import KeyedRecord
from streams.core.iso_time import show_iso

SYMBOLS = ("AAPL", "AMZN", "MSFT", "INTC", "TBV")
MAX_SYMBOL_BYTES = 32
#: The end of the year 9999, which is where ISO 8601 ends.
MAX_MS = 253_402_300_799_999


class Quote(NamedTuple):
    """What `symbol` cost at `timestamp_ms`, in epoch ms."""

    symbol: str
    price: float
    timestamp_ms: int

    def record(self) -> KeyedRecord:
        """As it is published: keyed by its symbol, and stamped with its time."""
        value = {
            "event_time": show_iso(self.timestamp_ms),
            "ticker": self.symbol,
            "price": self.price,
        }
        return KeyedRecord(self.symbol.encode(), json.dumps(value).encode(), self.timestamp_ms)


def quote(symbol: Any, price: Any, event_time: Any) -> Quote:
    """Check what somebody says is a quote; the price is a number above 0. Raises ValueError.

    The time is ISO 8601, naive is UTC; or epoch ms as digits.
    """
    if not isinstance(symbol, str) or not 0 < len(symbol.encode()) <= MAX_SYMBOL_BYTES:
        raise ValueError("no symbol")
    if isinstance(price, bool) or not isinstance(price, int | float):
        raise ValueError("the price isn't a number")
    if not 0 < price < math.inf:
        raise ValueError("the price isn't above 0")
    if not isinstance(event_time, str):
        raise ValueError("no time")
    timestamp_ms = epoch_ms(event_time)
    if timestamp_ms > MAX_MS:
        raise ValueError("the time is out of range")
    try:
        return Quote(symbol, float(price), timestamp_ms)
    except OverflowError:
        raise ValueError("the price is out of range") from None


def parse_line(line: bytes) -> KeyedRecord | None:
    """The record of a line as we publish them; None for an empty one. Raises ValueError."""
    if not line.strip():
        return None
    fields = parse_json(line)
    if not isinstance(fields, dict):
        raise ValueError("no object")
    return quote(fields.get("ticker"), fields.get("price"), fields.get("event_time")).record()
