"""Asking a market at a steady interval: what is new is published, what fails is tried again."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

import aiohttp

from producers.backoff import Backoff
from producers.keyed import KeyedRecord
from producers.quotes import Quote
from producers.sources.prices import LimitedError, Market
from streams.errors import SettingError

log = logging.getLogger(__name__)

#: The first and the longest wait after errors and after limits, in seconds.
FAILED_S = (1.0, 300.0)
LIMITED_S = (15.0, 900.0)


class PolledPrices:
    """A Source of what `market` tells, once every `interval_s`.

    An interval that passes while an answer is awaited, or while we wait after an error, is left
    out and counted. A quote that isn't newer than the one before, or is the same, is left out too,
    unless `repeats`.
    """

    def __init__(
        self,
        market: Market,
        symbols: Sequence[str],
        interval_s: float,
        *,
        repeats: bool = False,
        delay_scale: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._market = market
        self._symbols = symbols
        self._interval_s = interval_s
        self._repeats = repeats
        self._clock = clock
        self._failed = Backoff(FAILED_S[0] * delay_scale, FAILED_S[1] * delay_scale)
        self._limited = Backoff(LIMITED_S[0] * delay_scale, LIMITED_S[1] * delay_scale)
        self._last: dict[str, Quote] = {}
        self._answered = False
        self.missed = self.errors = self.unchanged = 0

    async def chunks(self) -> AsyncGenerator[list[KeyedRecord], None]:
        due = self._clock()
        try:
            while True:
                pause_s = 0.0
                try:
                    async with aclosing(self._market.latest(self._symbols)) as answers:
                        async for quotes in answers:
                            self._answers()
                            yield [quote.record() for quote in quotes if self._is_news(quote)]
                except (LimitedError, aiohttp.ClientError, TimeoutError, ValueError) as exc:
                    pause_s = self._pause_s(exc)
                except SettingError as exc:
                    # A key that was never right won't be; one that was may be again.
                    if not self._answered:
                        raise
                    pause_s = self._pause_s(exc)
                due = self._next(due, pause_s)
                await asyncio.sleep(max(0.0, due - self._clock()))
        finally:
            await self._market.close()

    def report(self) -> str:
        parts = []
        if self.unchanged:
            parts.append(f"{self.unchanged:,} unchanged quotes left out")
        if self.missed:
            parts.append(f"{self.missed:,} missed intervals")
        if self.errors:
            parts.append(f"{self.errors:,} errors of {self._market.name}")
        return ", ".join(parts)

    def _answers(self) -> None:
        self._answered = True
        self._failed.reset()
        self._limited.reset()

    def _is_news(self, quote: Quote) -> bool:
        last = self._last.get(quote.symbol)
        # An API of many servers may tell an old quote after a newer one.
        known = last is not None and (quote == last or quote.timestamp_ms < last.timestamp_ms)
        if known and not self._repeats:
            self.unchanged += 1
            return False
        self._last[quote.symbol] = quote
        return True

    def _pause_s(self, exc: Exception) -> float:
        self.errors += 1
        if isinstance(exc, LimitedError):
            pause_s = max(self._limited.next_s(), exc.wait_s)
        else:
            pause_s = self._failed.next_s()
        told = str(exc) if isinstance(exc, LimitedError | SettingError | ValueError) else ""
        what = told or type(exc).__name__
        log.warning("%s: %s; again in %.1f s", self._market.name, what, pause_s)
        return pause_s

    def _next(self, due: float, pause_s: float) -> float:
        """When to ask next: on the grid of intervals, behind the present and the pause."""
        earliest = self._clock() + pause_s
        due += self._interval_s
        if due < earliest:
            missed = math.ceil((earliest - due) / self._interval_s)
            self.missed += missed
            due += missed * self._interval_s
            log.warning("%s: %d missed intervals", self._market.name, missed)
        return due
