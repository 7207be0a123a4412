"""Quotes by Finnhub's API, a request for each symbol; its free plan allows 60 a minute."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from producers.quotes import Quote, quote
from producers.sources.prices.http import JsonApi, key

URL = "https://finnhub.io"
KEY = "FINNHUB_API_KEY"


class Finnhub:
    """See `Market`."""

    name: ClassVar[str] = "Finnhub"

    def __init__(self, environ: Mapping[str, str], url: str = URL) -> None:
        self._api = JsonApi(url, {"X-Finnhub-Token": key(environ, KEY, self.name)}, KEY)

    async def latest(self, symbols: Sequence[str]) -> list[Quote]:
        # One after the other: a burst is what its limits punish.
        answers = [
            (symbol, await self._api.get("/api/v1/quote", symbol=symbol)) for symbol in symbols
        ]
        return [found for symbol, answer in answers if (found := _quote(symbol, answer))]

    async def close(self) -> None:
        await self._api.close()


def _quote(symbol: str, answer: Any) -> Quote | None:
    """None for a symbol that Finnhub doesn't know: all of its quote is 0."""
    try:
        price, seconds = answer["c"], answer["t"]
        return quote(symbol, price, str(int(seconds) * 1000)) if seconds else None
    except (KeyError, TypeError):
        raise ValueError("the answer is no quote") from None
