"""The latest trades by Alpaca's market-data API; its IEX feed needs no paid plan."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import ClassVar

from producers.quotes import Quote, quote
from producers.sources.prices.http import JsonApi, key

URL = "https://data.alpaca.markets"
ID, SECRET = "APCA_API_KEY_ID", "APCA_API_SECRET_KEY"


class Alpaca:
    """See `Market`."""

    name: ClassVar[str] = "Alpaca"

    def __init__(self, environ: Mapping[str, str], url: str = URL) -> None:
        keys = {
            "APCA-API-KEY-ID": key(environ, ID, self.name),
            "APCA-API-SECRET-KEY": key(environ, SECRET, self.name),
        }
        self._api = JsonApi(url, keys, f"{ID} or {SECRET}")

    async def latest(self, symbols: Sequence[str]) -> AsyncGenerator[list[Quote], None]:
        """One request for all of them."""
        wanted = ",".join(symbols)
        answer = await self._api.get("/v2/stocks/trades/latest", symbols=wanted, feed="iex")
        try:
            trades = answer["trades"]
            found = [(symbol, trades[symbol]) for symbol in symbols if trades.get(symbol)]
            quotes = [quote(symbol, trade["p"], trade["t"]) for symbol, trade in found]
        except (AttributeError, KeyError, TypeError):
            raise ValueError("the answer holds no trades") from None
        yield quotes

    async def close(self) -> None:
        await self._api.close()
