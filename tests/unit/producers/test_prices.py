"""Prices: the simulator, the file, and both APIs as scripted peers speak them."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from producers.keyed import KeyedRecord
from producers.quotes import SYMBOLS, parse_line
from producers.sources.prices import LimitedError
from producers.sources.prices.alpaca import Alpaca
from producers.sources.prices.finnhub import Finnhub
from producers.sources.prices.polled import PolledPrices
from producers.sources.prices.simulated import PricePlan, SimulatedPrices, quotes
from producers.sources.replay import Replayed
from streams.errors import SettingError
from streams.sinks.backoff import RETRY_AFTER_SECONDS
from tests.unit.producers.peers import HOST, serving

KEY = "very-secret-key"
ALPACA = {"APCA_API_KEY_ID": "id", "APCA_API_SECRET_KEY": KEY}

Answer = Callable[[web.Request], Awaitable[web.Response]]


def plan(**changes: Any) -> PricePlan:
    usual = {"seed": 1, "symbols": SYMBOLS, "rate": 10, "speed": 0, "start_ms": 10**12}
    return PricePlan(**{**usual, "count": 100, **changes})


async def test_the_simulator() -> None:
    assert list(quotes(plan())) == list(quotes(plan()))
    assert list(quotes(plan())) != list(quotes(plan(seed=2)))
    made = [record async for chunk in SimulatedPrices(plan()).chunks() for record in chunk]
    assert [record.timestamp_ms for record in made] == [10**12 + 100 * n for n in range(100)]
    assert {record.key.decode() for record in made} == set(SYMBOLS)
    first = json.loads(made[0].value)
    assert first == {
        "event_time": "2001-09-09T01:46:40.000Z",
        "ticker": "AAPL",
        "price": first["price"],
    }
    many = [quote for quote in quotes(plan(count=100_000))]
    assert all(1 < quote.price < 10_000 for quote in many)
    of_tbv = [quote.price for quote in many if quote.symbol == "TBV"]
    assert min(of_tbv) < 50 < max(of_tbv)


async def test_a_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "kept"
    good = {"event_time": "2026-01-02T03:04:05.678", "ticker": "INTC", "price": 50.5}
    bad = [
        good | {"price": "50"},
        good | {"price": True},
        good | {"price": float("nan")},
        good | {"price": -1},
        good | {"ticker": ""},
        good | {"event_time": "noon"},
        good | {"event_time": 5},
        good | {"event_time": "9" * 30},
        good | {"price": 10**400},
        [],
    ]
    file.write_text("\n".join([json.dumps(line) for line in [good, *bad]] + ["{", ""]))
    source = Replayed(str(file), 0, parse_line)
    [record] = [record async for chunk in source.chunks() for record in chunk]
    assert json.loads(record.value) == good | {"event_time": "2026-01-02T03:04:05.678Z"}
    assert record.timestamp_ms == 1_767_323_045_678
    assert source.bad_lines == 11
    assert "line 2 skipped: the price isn't a number" in caplog.text


class Peer:
    """Answers each request with the next of `answers`; the last one stays."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[web.Request] = []
        self.url = ""

    async def __call__(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, web.Response):
            return answer
        if isinstance(answer, str):
            return web.Response(text=answer)
        return web.json_response(answer)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Peer"]:
        app = web.Application()
        app.router.add_get("/{path:.*}", self.__call__)
        async with serving(app) as port:
            self.url = f"http://{HOST}:{port}"
            yield self


async def first(source: PolledPrices, count: int) -> list[KeyedRecord]:
    """The first records; fails if they don't come."""
    found: list[KeyedRecord] = []
    async with asyncio.timeout(60), aclosing(source.chunks()) as chunks:
        async for chunk in chunks:
            found += chunk
            if len(found) >= count:
                break
    return found


def trades(price: float, second: int = 5) -> dict[str, Any]:
    trade = {"t": f"2026-01-02T03:04:{second:02}.123456789Z", "p": price, "s": 100, "x": "V"}
    return {"trades": {"AAPL": trade}}


def polled(market: Any, **options: Any) -> PolledPrices:
    return PolledPrices(market, ["AAPL", "TBV"], 0.01, delay_scale=0.001, **options)


async def test_alpaca() -> None:
    async with Peer(trades(1.5), trades(1.5), trades(1.5, 6)).serving() as peer:
        source = polled(Alpaca(ALPACA, peer.url))
        found = await first(source, 2)
    assert [json.loads(record.value) for record in found] == [
        {"event_time": f"2026-01-02T03:04:0{n}.123Z", "ticker": "AAPL", "price": 1.5}
        for n in (5, 6)
    ]
    assert "1 unchanged quotes left out" in source.report()
    request = peer.requests[0]
    assert request.path_qs == "/v2/stocks/trades/latest?symbols=AAPL,TBV&feed=iex"
    assert request.headers["APCA-API-SECRET-KEY"] == KEY


async def test_finnhub() -> None:
    unknown = {"c": 0, "d": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0}
    known = {"c": 261.74, "h": 263.31, "l": 260.68, "o": 261.07, "pc": 259.45, "t": 1582641000}
    async with Peer(unknown, known).serving() as peer:
        [record] = await first(polled(Finnhub({"FINNHUB_API_KEY": KEY}, peer.url)), 1)
    assert json.loads(record.value)["price"] == 261.74
    assert record.key == b"TBV"
    assert record.timestamp_ms == 1_582_641_000_000
    assert [request.query["symbol"] for request in peer.requests] == ["AAPL", "TBV"]
    assert all(KEY not in request.path_qs for request in peer.requests)


async def test_what_goes_wrong_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    limited = web.Response(status=429, headers={"Retry-After": "1"})
    answers = [limited, web.Response(status=502), "<html>", {"other": 1}, trades(2.5), trades(3.5)]
    async with Peer(*answers).serving() as peer:
        source = polled(Alpaca(ALPACA, peer.url))
        assert [json.loads(r.value)["price"] for r in await first(source, 2)] == [2.5, 3.5]
    assert source.errors == 4
    assert source.missed >= 100, "the market has asked for a second"
    assert "4 errors of Alpaca" in source.report()
    for said in ("limits our rate", "HTTP 502", "isn't JSON", "no trades"):
        assert said in caplog.text
    assert KEY not in caplog.text


async def test_repeats_only_if_asked_for() -> None:
    async with Peer(trades(1.5)).serving() as peer:
        assert len(await first(polled(Alpaca(ALPACA, peer.url), repeats=True), 3)) == 3


async def test_an_old_quote_is_no_news() -> None:
    answers = [trades(1.5, 5), trades(2.5, 6), trades(1.5, 5), trades(3.5, 7)]
    async with Peer(*answers).serving() as peer:
        found = await first(polled(Alpaca(ALPACA, peer.url)), 3)
    assert [json.loads(record.value)["price"] for record in found] == [1.5, 2.5, 3.5]


async def test_limits_keep_no_symbol_from_its_turn() -> None:
    """The third request is refused; the one after it goes on there."""
    known = {"c": 261.74, "t": 1582641000}
    limited = web.Response(status=429)
    symbols = ["A", "B", "C", "D"]
    async with Peer(known, known, limited, known, known, known).serving() as peer:
        market = Finnhub({"FINNHUB_API_KEY": KEY}, peer.url)
        source = PolledPrices(market, symbols, 0.01, delay_scale=0.001)
        found = await first(source, 4)
    assert [record.key.decode() for record in found] == symbols
    asked = [request.query["symbol"] for request in peer.requests]
    assert asked == ["A", "B", "C", "C", "D"]
    assert source.errors == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "inf"}, 0),
        ({"X-RateLimit-Reset": "5"}, 0),
        ({"X-RateLimit-Reset": "999999999999"}, RETRY_AFTER_SECONDS),
        ({"X-RateLimit-Reset": "9" * 5000}, 0),
    ],
)
async def test_how_long_a_market_is_left_alone(headers: dict[str, str], seconds: float) -> None:
    async with Peer(web.Response(status=429, headers=headers)).serving() as peer:
        market = Alpaca(ALPACA, peer.url)
        with pytest.raises(LimitedError) as caught:
            await anext(market.latest(SYMBOLS))
        await market.close()
    assert caught.value.wait_s == seconds


async def test_a_refused_key_ends_it_only_if_it_was_never_right() -> None:
    refusal = web.Response(status=403)
    async with Peer(refusal).serving() as peer:
        with pytest.raises(SettingError, match="APCA_API_KEY_ID"):
            await first(polled(Alpaca(ALPACA, peer.url)), 1)
    async with Peer(trades(1.5), web.Response(status=403), trades(2.5)).serving() as peer:
        assert len(await first(polled(Alpaca(ALPACA, peer.url)), 2)) == 2


def test_a_missing_key() -> None:
    with pytest.raises(SettingError, match="FINNHUB_API_KEY"):
        Finnhub({})
