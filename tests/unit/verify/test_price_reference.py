"""The streaming reference of prices, held against the tests' own."""

import random
import re
from itertools import islice
from pathlib import Path

import pytest

from streams.core.aggregating import Event
from streams.jobs.quotes import quote
from streams.verify import price_reference as judged
from streams.verify.price_reference import PriceReference, quote_of
from tests import ticker_reference
from tests.load import BEGIN, Pace
from tests.ticker_load import MALFORMED, endless_prices

WINDOW, GRACE, DELAY, ABOVE = 2_000, 300, 500, 50.0


def test_it_shares_nothing_with_what_it_judges() -> None:
    source = Path(judged.__file__).read_text(encoding="utf-8")
    assert not re.findall(r"^ *(?:from|import) (streams\S*)", source, re.MULTILINE)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_what_the_tests_reference_says(seed: int) -> None:
    random_ = random.Random(seed)
    partitions = [
        [value for rows in islice(endless_prices(seed, p, Pace()), 60) for value, _ in rows]
        for p in range(3)
    ]
    expected = ticker_reference.expected(partitions, WINDOW, GRACE, DELAY, ABOVE).candles
    assert len(expected) > 20
    counted = PriceReference(3, WINDOW, GRACE, DELAY, ABOVE, 4096, BEGIN * 2)
    left = [list(values) for values in partitions]
    found = {}
    while any(left):
        p = random_.choice([p for p, values in enumerate(left) if values])
        counted.add(p, left[p].pop(0), 0)
        for start, symbols in counted.take(counted.first_open(min(counted.stream_times))).items():
            for symbol, candle in symbols.items():
                assert (symbol, start) not in found
                found[symbol, start] = ticker_reference.Candle(**candle)
    assert found == expected


@pytest.mark.parametrize(
    "value",
    [
        *MALFORMED,
        b'{"ticker": 5, "price": 51, "event_time": "2026-01-01"}',
        b'{"ticker": "A", "price": true, "event_time": "2026-01-01"}',
        b'{"ticker": "A", "price": 1e999, "event_time": "2026-01-01"}',
        b'{"ticker": "A", "price": 51, "event_time": "1960-01-01"}',
        b'{"ticker": "A", "price": 51, "event_time": "2026-01-01"}',
        b'{"ticker": "\\ud800", "price": 51, "event_time": "2026-01-01"}',
        b'{"ticker": "A", "price": 5, "event_time": "2026-01-01T00:00:00.0019+02:00", "x": 1}',
    ],
)
def test_the_job_reads_the_same(value: bytes | None) -> None:
    ours, found = quote_of(value, 4096), quote(value or b"")
    assert (ours is not None) == isinstance(found, Event)
    if ours is not None and isinstance(found, Event):
        assert (ours.symbol.encode(), ours.time, ours.price) == found
