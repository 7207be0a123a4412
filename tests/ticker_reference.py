"""What the ticker job has to write, by brute force; imports nothing of what it judges."""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

#: The values of one partition, in the order of their offsets.
Values = Sequence[bytes | None]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Quote(NamedTuple):
    """A price, by (event time, partition, offset); the time in ms."""

    time: int
    partition: int
    offset: int
    price: float


class Candle(NamedTuple):
    """What a window of a symbol came to."""

    open: float
    high: float
    low: float
    close: float
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody asks a candle for


#: {(symbol, window start): candle}
Candles = dict[tuple[str, int], Candle]


def quote_of(value: bytes | None, partition: int, offset: int) -> tuple[str, Quote] | None:
    """The symbol and price of a record; None for what is malformed."""
    try:
        fields = json.loads(value or b"")
        moment = datetime.fromisoformat(fields["event_time"])
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        time = (moment - EPOCH) // timedelta(milliseconds=1)
        if time < 0 or isinstance(fields["price"], bool):
            return None
        return fields["ticker"], Quote(time, partition, offset, fields["price"] + 0.0)
    except (ValueError, TypeError, KeyError):
        return None


class Expected(NamedTuple):
    """Final candles, each symbol's latest quote, and (partition, offset) of what is not taken."""

    candles: Candles
    latest: dict[str, Quote]
    late: list[tuple[int, int]]
    malformed: list[tuple[int, int]]


def expected(
    partitions: Sequence[Values], window: int, grace: int, delay: int, above: float
) -> Expected:
    """What comes of each partition's values; times in ms."""
    quotes: defaultdict[tuple[str, int], list[Quote]] = defaultdict(list)
    latest: dict[str, Quote] = {}
    late, malformed = [], []
    watermarks = [-1] * len(partitions)
    for partition, values in enumerate(partitions):
        for offset, value in enumerate(values):
            found = quote_of(value, partition, offset)
            if found is None:
                malformed.append((partition, offset))
                continue
            symbol, quote = found
            watermarks[partition] = max(watermarks[partition], quote.time - delay)
            if not quote.price > above:
                continue
            latest[symbol] = max(quote, latest.get(symbol, quote))
            start = quote.time // window * window
            if start + window + grace <= watermarks[partition]:
                late.append((partition, offset))
            else:
                quotes[symbol, start].append(quote)
    closed = {
        (symbol, start): candle(some)
        for (symbol, start), some in quotes.items()
        if start + window + grace <= min(watermarks)
    }
    return Expected(closed, latest, late, malformed)


def candle(quotes: Sequence[Quote]) -> Candle:
    """Open, high, low and close."""
    prices = [quote.price for quote in sorted(quotes)]
    return Candle(prices[0], max(prices), min(prices), prices[-1], len(prices))
