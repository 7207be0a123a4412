"""Letting event time pass at a chosen speed."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Protocol, TypeVar

# Shorter waits aren't worth a wake-up: tweets that are due within one go out together.
GRAIN_S = 0.005


class Timed(Protocol):
    """Something that happened at a time, in epoch ms, if that is known."""

    @property
    def timestamp_ms(self) -> int | None: ...


T = TypeVar("T", bound=Timed)


class Pace:
    """Says how long to wait for an event, when event time passes `speed` times as fast as ours.

    The first timestamp it meets is "now"; an event that is due already never waits.
    """

    def __init__(self, speed: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._speed = speed
        self._clock = clock
        self._origin: tuple[int, float] | None = None

    def wait_s(self, timestamp_ms: int | None) -> float:
        if timestamp_ms is None or self._speed == 0:
            return 0.0
        now = self._clock()
        if self._origin is None:
            self._origin = timestamp_ms, now
        first_ms, began = self._origin
        return max(0.0, began + (timestamp_ms - first_ms) / 1000 / self._speed - now)


async def paced(chunks: AsyncIterator[list[T]], speed: float) -> AsyncGenerator[list[T], None]:
    """Pass `chunks` on when they are due; `speed` 0 doesn't wait at all."""
    pace = Pace(speed)
    async for chunk in chunks:
        if speed == 0:
            yield chunk
            continue
        due: list[T] = []
        for tweet in chunk:
            wait_s = pace.wait_s(tweet.timestamp_ms)
            if wait_s > GRAIN_S:
                if due:
                    yield due
                    due = []
                await asyncio.sleep(wait_s)
            due.append(tweet)
        yield due
