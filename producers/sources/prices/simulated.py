"""Made-up prices: a random walk for each symbol; the same seed gives the same quotes."""

import itertools
import random
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass

from producers.keyed import KeyedRecord
from producers.pacing import paced
from producers.quotes import Quote

CHUNK = 100

#: Where each walk begins. INTC and TBV cross 50 now and then.
_BEGIN = {"AAPL": 230.0, "AMZN": 190.0, "MSFT": 420.0, "INTC": 48.0, "TBV": 52.0}
_BEGIN_OF_OTHERS = 100.0
#: The part by which a price changes from quote to quote, as standard deviation.
_STEP = 0.002
#: How strongly it is drawn back, so that it neither vanishes nor explodes.
_PULL = 0.001


@dataclass(frozen=True, kw_only=True)
class PricePlan:
    """What to make up. Times are epoch ms; `rate` counts quotes per second of event time.

    With `rate` 0 quotes come as fast as possible and bear the time of their making.
    `count` None never ends.
    """

    seed: int
    symbols: Sequence[str]
    rate: float
    speed: float
    start_ms: int
    count: int | None


class SimulatedPrices:
    """A Source of made-up quotes, the symbols in turn."""

    def __init__(self, plan: PricePlan) -> None:
        self._plan = plan

    async def chunks(self) -> AsyncGenerator[list[KeyedRecord], None]:
        # With rate 0 the quotes are stamped as they are made, so there is nothing to wait for.
        speed = self._plan.speed if self._plan.rate else 0
        async for chunk in paced(self._made_up(), speed):
            yield chunk

    def report(self) -> str:
        return f"seed {self._plan.seed}"

    async def _made_up(self) -> AsyncGenerator[list[KeyedRecord], None]:
        made = quotes(self._plan)
        while chunk := [quote.record() for quote in itertools.islice(made, CHUNK)]:
            yield chunk


def quotes(plan: PricePlan) -> Iterator[Quote]:
    """The quotes of a plan."""
    rng = random.Random(plan.seed)
    begin = {symbol: _BEGIN.get(symbol, _BEGIN_OF_OTHERS) for symbol in plan.symbols}
    price = dict(begin)
    numbers = itertools.count() if plan.count is None else iter(range(plan.count))
    for number, symbol in zip(numbers, itertools.cycle(plan.symbols), strict=False):
        pull = _PULL * (begin[symbol] / price[symbol] - 1)
        price[symbol] *= 1 + pull + rng.gauss(0, _STEP)
        if plan.rate:
            stamp = plan.start_ms + int(number * 1000 / plan.rate)
        else:
            stamp = time.time_ns() // 1_000_000
        yield Quote(symbol, round(price[symbol], 2), stamp)
