"""Quotes by Finnhub's API, a request for each symbol; its free plan allows 60 a minute."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, ClassVar

from producers.quotes import Quote, quote
from producers.sources.prices import LimitedError
from producers.sources.prices.http import JsonApi, key

URL = "https://finnhub.io"
KEY = "FINNHUB_API_KEY"


class Finnhub:
    """See `Market`."""

    name: ClassVar[str] = "Finnhub"

    def __init__(self, environ: Mapping[str, str], url: str = URL) -> None:
        self._api = JsonApi(url, {"X-Finnhub-Token": key(environ, KEY, self.name)}, KEY)
        self._asked = 0

    async def latest(self, symbols: Sequence[str]) -> AsyncGenerator[list[Quote], None]:
        """One request after the other: a burst is what its limits punish.

        Once it was cut short it goes on where it was, or else the last ones would never be asked
        for. The one that was limited is asked for again; another error doesn't keep the rest
        waiting.
        """
        for symbol in symbols[self._asked :]:
            self._asked += 1
            try:
                answer = await self._api.get("/api/v1/quote", symbol=symbol)
            except LimitedError:
                self._asked -= 1
                raise
            yield _quotes(symbol, answer)
        self._asked = 0

    async def close(self) -> None:
        await self._api.close()


def _quotes(symbol: str, answer: Any) -> list[Quote]:
    """Nothing for a symbol that Finnhub doesn't know: all of its quote is 0."""
    try:
        price, seconds = answer["c"], answer["t"]
    except (KeyError, TypeError):
        raise ValueError("the answer is no quote") from None
    if not isinstance(seconds, int):
        raise ValueError("the time of a quote isn't in seconds")
    return [quote(symbol, price, str(1000 * seconds))] if seconds else []
