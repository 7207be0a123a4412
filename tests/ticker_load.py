"""Seeded prices as a load writes them, some of them late, dear, cheap or malformed."""

import json
import random
from collections.abc import Iterator, Sequence
from datetime import timedelta

from tests.load import BEGIN, Feed, Pace, Row
from tests.ticker_reference import EPOCH

SYMBOLS = ["AAPL", "AMZN", "MSFT", "INTC", "TBV", "ÖL"]
#: Rows that are no prices.
MALFORMED = [None, b"", b"{}", b"\xff", b'{"event_time": "now", "ticker": "TBV", "price": 51}']


def quote(symbol: str, time: int, price: float) -> Row:
    """A row; its own timestamp means nothing to the job."""
    moment = (EPOCH + timedelta(milliseconds=time)).replace(tzinfo=None)
    fields = {"event_time": moment.isoformat(), "ticker": symbol, "price": price}
    return json.dumps(fields).encode(), BEGIN


def endless_prices(seed: int, partition: int, pace: Pace) -> Iterator[list[Row]]:
    """See `tests.load.endless_rows`: each symbol comes in every partition."""
    random_ = random.Random(f"prices-{seed}-{partition}")
    now = BEGIN + partition * 700
    while True:
        now += pace.step_ms
        rows: list[Row] = []
        for _ in range(pace.rows):
            behind = random_.randrange(pace.late_ms if random_.random() < 0.1 else pace.step_ms)
            # Few prices and times, so that many records have both in common.
            price = random_.randrange(95, 140) / 2
            row = quote(random_.choice(SYMBOLS), now - behind // 10 * 10, price)
            rows.append((random_.choice(MALFORMED), BEGIN) if random_.random() < 0.03 else row)
        yield rows


def last_prices(seed: int, partition: int, pace: Pace, written: Sequence[Row]) -> list[Row]:
    """A price so far ahead that it closes all windows, and then those of windows that stay open."""
    ticks = -(-len(written) // pace.rows)
    far = BEGIN + ticks * pace.step_ms + 3_600_000
    random_ = random.Random(f"prices-{seed}-{partition}-last")
    rest = (f"REST{random_.randrange(pace.left_open)}" for _ in range(pace.left_open))
    return [quote("END", far, 51), *(quote(symbol, far + 1, 52) for symbol in rest)]


PRICES = Feed(endless_prices, last_prices)
