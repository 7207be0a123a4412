"""The second job: the latest price of each symbol, and open, high, low and close by the minute.

    event time from the value, watermark 5 s behind . filter(price > 50) . groupBy(ticker)
      . windowedBy(tumbling 60 s, grace 0) . aggregate(open, high, low, close)
      . suppress(until window closes)                                            ->  ticker_output
      . reduce(the last by event time)                                           ->  ticker_output

The first and the last price of a window are those by (event time, partition, offset), and so is the
latest price: a quote that comes late never replaces a newer one.
"""

from typing import Any

from streams.core.aggregating import Events
from streams.core.aggregation import Place
from streams.core.final import Final
from streams.core.iso_time import show_iso
from streams.core.ports import Record
from streams.core.prices import OHLC, Prices
from streams.core.values import encode_json
from streams.core.windows import TumblingWindows
from streams.jobs.names import TICKER_PRICES
from streams.jobs.quotes import quote
from streams.jobs.schemas import TICKER_RESULT
from streams.settings import Settings
from streams.tasks.batch import Batches
from streams.tasks.topology import Updates
from streams.transport.app import StreamsApp

_EXAMPLE = OHLC.add(OHLC.zero, 51.0, Place(0, 0, 0))


def tickers(app: StreamsApp, settings: Settings) -> None:
    """Add the job's table and its two agents to `app`."""
    job = settings.tickers
    examples = as_latest(b"", _EXAMPLE), as_window(Final(b"", _EXAMPLE, 0, job.window_ms))
    encode = app.formats.writer(job.output_topic, TICKER_RESULT, *examples) or encode_json

    def latest_record(key: bytes, prices: Prices) -> Record:
        return Record(key, encode(as_latest(key, prices)), prices.closed.time)

    prices = app.windowed_aggregate(
        TICKER_PRICES,
        source=job.input_topic,
        windows=TumblingWindows(job.window_ms, job.grace_ms),
        selection=f"price > {job.min_price}",
        aggregation=OHLC,
        events=Events(quote, lambda event: event.value > job.min_price, job.delay_ms),
        updates=Updates(job.output_topic, latest_record),
        help="Open, high, low and close of each symbol in a window, and its latest price",
    )

    @app.batch_agent(job.input_topic, name="add_prices")
    async def add_prices(batches: Batches) -> None:
        """Read each partition's prices, and sum them up in windows."""
        async for batch in batches:
            prices.add(batch)

    @app.batch_agent(prices.partials, name="emit_prices", sends_to=[job.output_topic])
    async def emit_prices(batches: Batches) -> None:
        """Merge the prices by symbol, and write what a closed window's come to."""
        async for batch in batches:
            prices.merge(batch)
            for final in prices.finals(batch):
                batch.send(
                    job.output_topic,
                    key=final.key,
                    value=encode(as_window(final)),
                    timestamp=final.timestamp,
                )


def as_latest(key: bytes, prices: Prices) -> dict[str, Any]:
    """The latest price, as prices come in."""
    time = show_iso(prices.closed.time)
    return {"event_time": time, "ticker": key.decode(), "price": prices.close}


def as_window(final: Final[Prices]) -> dict[str, Any]:
    """A window's prices; its bounds are epoch ms."""
    prices = final.value
    return {
        "ticker": final.key.decode(),
        "open": prices.open,
        "high": prices.high,
        "low": prices.low,
        "close": prices.close,
        "count": prices.number,
        "window_start": final.window_start,
        "window_end": final.window_end,
    }
