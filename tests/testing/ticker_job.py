"""The ticker job in the test driver: made from settings, fed with random quotes, and read back."""

import functools
import json
from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import strategies as st

from streams.core.iso_time import show_iso
from streams.jobs.names import TICKERS
from streams.jobs.settings import TickerSettings
from streams.jobs.tickers import tickers
from streams.settings import Settings
from streams.testing import TestDriver
from streams.transport.app import StreamsApp
from tests.ticker_reference import Values

INPUT = "ticker_input"
OUTPUT = "ticker_output"
DEAD_LETTERS = "ticker_input-dead-letters"
LATE = "late"
PARTIALS = "tally-ticker_prices-repartition"
CHANGELOG = "tally-ticker_prices-changelog"

WINDOW, DELAY, ABOVE = 60_000, 5_000, 50.0
MALFORMED = [None, b"", b"{}", b"[1]", b"\xff", b'{"ticker":"A","price":"60","event_time":"now"}']


@functools.cache
def job(grace_ms: int = 0, **settings: Any) -> StreamsApp:
    """The ticker job; tasks keep their own state, so drivers may share one."""
    made = Settings(
        jobs=(TICKERS,), tickers=TickerSettings(grace_ms=grace_ms), late_topic=LATE, **settings
    )
    app = StreamsApp(made)
    tickers(app, made)
    return app


def quote(symbol: str, time: int, price: float) -> bytes:
    """A record of the input topic."""
    return json.dumps({"event_time": show_iso(time), "ticker": symbol, "price": price}).encode()


#: Closes every window of a test whose times are small.
CLOSER = quote("CLOSER", 5_555_555_555, 51)


@st.composite
def partition_values(draw: st.DrawFn, size: int = 30) -> list[bytes | None]:
    """One partition's values: time goes on by up to 25 s each, and some are up to 90 s behind it.

    Times and prices are few, so that places have to decide.
    """
    values: list[bytes | None] = []
    now = 0
    steps = st.tuples(
        st.sampled_from(["A", "A", "B", "Ö", None]),
        st.sampled_from([49.5, 50, 50.5, 51, 52.25, 60]),
        st.integers(0, 5),
        st.integers(0, 18),
    )
    for symbol, price, ahead, behind in draw(st.lists(steps, max_size=size)):
        now += 5_000 * ahead
        if symbol is None:
            values.append(MALFORMED[behind % len(MALFORMED)])
        else:
            late = 5_000 * behind * (behind % 2)
            values.append(quote(symbol, max(0, now - late), price))
    return values


def inputs(partitions: int, size: int = 30) -> st.SearchStrategy[list[list[bytes | None]]]:
    """Values for each partition."""
    return st.lists(partition_values(size), min_size=partitions, max_size=partitions)


def feed(driver: TestDriver, partitions: Sequence[Values]) -> None:
    """Append each partition's values. What their records are stamped with doesn't matter."""
    random = Random(5)
    for partition, values in enumerate(partitions):
        for value in values:
            driver.produce(INPUT, value, random.randrange(10**12), partition=partition, key=b"any")
