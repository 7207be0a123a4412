"""The streaming reference of prices, held against the tests' own."""

import json
import random
import re
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from streams.core.aggregating import Event
from streams.jobs.quotes import quote
from streams.verify import price_reference as judged
from streams.verify.price_reference import PriceReference, quote_of
from tests import ticker_reference
from tests.load import BEGIN, Pace
from tests.ticker_load import MALFORMED, endless_prices

WINDOW, GRACE, DELAY, ABOVE = 2_000, 300, 500, 50.0


def fields_of(value: bytes | None) -> Any:
    """What a value stands for; None if it isn't JSON."""
    try:
        return json.loads(value or b"")
    except ValueError:
        return None


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
    counted = PriceReference(3, WINDOW, GRACE, DELAY, ABOVE, BEGIN * 2)
    left = [list(values) for values in partitions]
    found = {}
    while any(left):
        p = random_.choice([p for p, values in enumerate(left) if values])
        counted.add(p, fields_of(left[p].pop(0)), 0)
        for start, symbols in counted.take(counted.first_open(min(counted.stream_times))).items():
            for symbol, candle in symbols.items():
                assert (symbol, start) not in found
                found[symbol, start] = ticker_reference.Candle(**candle)
    assert found == expected


@pytest.mark.parametrize(
    "fields",
    [
        *map(fields_of, MALFORMED),
        {"ticker": 5, "price": 51, "event_time": "2026-01-01"},
        {"ticker": "A", "price": True, "event_time": "2026-01-01"},
        {"ticker": "A", "price": "51", "event_time": "2026-01-01"},
        {"ticker": "A", "price": float("inf"), "event_time": "2026-01-01"},
        {"ticker": "A", "price": Decimal("NaN"), "event_time": "2026-01-01"},
        {"ticker": "A", "price": 51, "event_time": "1960-01-01"},
        {"ticker": "A", "price": 51, "event_time": "2026-01-01"},
        {"ticker": "\ud800", "price": 51, "event_time": "2026-01-01"},
        {"ticker": "A", "price": 5, "event_time": "2026-01-01T00:00:00.0019+02:00", "x": 1},
        {"ticker": "A", "price": Decimal("50.25"), "event_time": datetime(2026, 1, 1, tzinfo=UTC)},
        {"ticker": "A", "price": 51.5, "event_time": datetime(2026, 1, 1)},
    ],
)
def test_the_job_reads_the_same(fields: Any) -> None:
    ours, found = quote_of(fields), quote(fields)
    assert (ours is not None) == isinstance(found, Event)
    if ours is not None and isinstance(found, Event):
        assert (ours.symbol.encode(), ours.time, ours.price) == found
