"""What a record of the ticker job says: the price of a symbol at a time.

    {"event_time": "2026-01-02T15:04:05.678Z", "ticker": "INTC", "price": 50.5}

The time is ISO 8601; one without a zone is UTC. Avro may have timestamps and decimals instead.
Other fields are left alone.
"""

import math
from datetime import datetime
from decimal import Decimal
from typing import Any

from streams.core.aggregating import Event
from streams.core.iso_time import epoch_ms, parse_iso
from streams.core.selection import Rejected


def quote(fields: Any) -> Event | Rejected:
    """A symbol, a time and a price; says which field isn't what it has to be."""
    try:
        return _event(fields)
    except _MalformedError as exc:
        return Rejected(str(exc))


class _MalformedError(Exception):
    """Says what is wrong with a record."""


def _event(fields: Any) -> Event:
    if not isinstance(fields, dict):
        raise _MalformedError("value is no object")
    ticker = _symbol(fields.get("ticker"))
    return Event(ticker, _epoch_ms(fields.get("event_time")), _price(fields.get("price")))


def _symbol(given: Any) -> bytes:
    if not isinstance(given, str) or not given:
        raise _MalformedError("ticker is no symbol")
    try:
        return given.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        raise _MalformedError("ticker is no symbol") from None


def _epoch_ms(given: Any) -> int:
    try:
        time = epoch_ms(given) if isinstance(given, datetime) else parse_iso(given)
    except (TypeError, ValueError):
        raise _MalformedError("event_time is no ISO 8601 time") from None
    if time < 0:
        raise _MalformedError("event_time is before 1970")
    return time


def _price(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal):
        raise _MalformedError("price is no number")
    try:
        price = float(given)
    except (OverflowError, ValueError):  # too large, or a decimal's signalling NaN
        price = math.inf
    if not math.isfinite(price):
        raise _MalformedError("price is not finite")
    return price
