"""The ticker job in real workers on a real broker."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from websockets.asyncio.client import connect

from deploy.local.ports import HOST
from tests.application import Application, Kafka, write
from tests.broker.test_producers import produce
from tests.live.gateways import results
from tests.polling import until
from tests.reading import Record, read_all
from tests.ticker_load import quote
from tests.ticker_scene import SUMMING, TickerScene, expected_of, read_output
from tests.verify.scribe import verify

Name = Callable[[str], str]


def test_windows_and_latest_prices_through_a_kill(
    kafka: Kafka, unique: Name, tmp_path: Path
) -> None:
    """Killed between a commit and its disk; `tests/faults` has more of that."""
    with TickerScene(kafka, unique("prices"), tmp_path) as scene:
        scene.worker("one").start(crash_at="before-write-batch:20").until_killed()
        scene.worker("one").start()
        scene.worker("other").start()
        scene.finals_grow()
        scene.finish()
        code, report = verify(scene, "--job", "tickers")
        assert (code, report["result"]) == (0, "equal"), report
        assert report["finals"]["found"] == len(read_output(scene).candles)
        records = scene.read(scene.ticker_output)
        candle = next(record for record in records if b"window_start" in (record.value or b""))
        asyncio.run(publish_more(scene, candle))
        code, report = verify(scene)
        assert code == 1
        assert sorted(d["kind"] for d in report["differences"]) == ["extra", "repeated"], report


async def publish_more(scene: TickerScene, one: Record) -> None:
    """Write a candle a second time, and one of a symbol that there isn't."""
    other = json.dumps({**json.loads(one.value or b""), "ticker": "NEW"}).encode()
    async with AIOKafkaProducer(**scene.options) as producer:
        for key, value in ((one.key, one.value), (b"NEW", other)):
            await producer.send_and_wait(
                scene.ticker_output, value, key, timestamp_ms=one.timestamp
            )


def test_what_tally_produces_is_summed_up(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with Application(
        kafka, unique("made"), tmp_path, partitions=2, jobs=["tickers"], variables=SUMMING
    ) as app:
        app.create_topics()
        arguments = ("--count", "400", "--speed", "0", "--start", "2026-01-02")
        made = produce(app.variables, "tickers", *arguments)
        assert made.returncode == 0, made.stderr
        read = asyncio.run(read_all(app.options, app.ticker_input))
        expected = expected_of([[record.value for record in part] for part in read])
        assert expected.candles
        assert not expected.malformed
        app.worker().start()
        until(lambda: read_output(app).is_complete(expected), "all candles", 90, app.tails)
        read_output(app).check(expected)


def test_results_are_served_by_symbol(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    """By a worker with both jobs, as it is without further settings."""
    with Application(
        kafka, unique("live"), tmp_path, jobs=["hashtags", "tickers"], variables=SUMMING
    ) as app:
        app.create_topics()
        worker = app.worker().start().until_running(app.tasks)
        found = asyncio.run(follow(app, f"ws://{HOST}:{worker.port}/ws?symbol=TBV"))
        latest, candle = found
        assert latest["key"] == candle["key"] == "TBV"
        assert latest["timestamp"] == 1_600_000_001_000
        assert latest["value"] == {
            "event_time": "2020-09-13T12:26:41.000Z",
            "ticker": "TBV",
            "price": 52.0,
        }
        assert candle["value"] == {
            "ticker": "TBV",
            "open": 51.0,
            "high": 52.0,
            "low": 51.0,
            "close": 52.0,
            "count": 2,
            "window_start": 1_600_000_000_000,
            "window_end": 1_600_000_002_000,
        }
        assert worker.stop() == 0, worker.tail()


async def follow(app: Application, url: str) -> list[dict[str, Any]]:
    """What a client gets that connects before there is anything."""
    begin = 1_600_000_000_000
    prices = [
        quote("TBV", begin, 51),
        quote("AAPL", begin + 10, 230),
        quote("TBV", begin + 1_000, 52),
        quote("TBV", begin + 1_500, 50),
        quote("AAPL", begin + 60_000, 231),
    ]
    async with connect(url, open_timeout=90) as client:
        told = json.loads(await client.recv())
        assert told["type"] == "subscribed"
        await write(app.options, app.ticker_input, [prices])
        return await results(client, 2)
