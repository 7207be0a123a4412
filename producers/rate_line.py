"""One line on a terminal that says how publishing goes."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol, TextIO

EVERY_S = 0.5
ERASE_LINE = "\r\x1b[K"


class Counts(Protocol):
    """Running totals of what is published, in `unit`: taken, acknowledged."""

    unit: str
    sent: int
    acked: int

    @property
    def total(self) -> str:
        """What was acknowledged, for people."""


class RateLine:
    """Rewrites its line while `run` runs, if `out` is a terminal."""

    def __init__(
        self, counts: Counts, out: TextIO, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._counts = counts
        self._out = out
        self._clock = clock
        self._began = self._last = clock()
        self._acked = 0

    async def run(self) -> None:
        if not self._out.isatty():
            return
        try:
            while True:
                await asyncio.sleep(EVERY_S)
                self._out.write(ERASE_LINE + self.line())
                self._out.flush()
        finally:
            self._out.write(ERASE_LINE)
            self._out.flush()

    def line(self) -> str:
        """Rate since the last call, total, and what waits for its acknowledgement."""
        now, counts = self._clock(), self._counts
        rate = (counts.acked - self._acked) / max(now - self._last, 1e-9)
        self._last, self._acked = now, counts.acked
        waiting = counts.sent - counts.acked
        return f"{rate:,.0f} {counts.unit}/s, {counts.acked:,} in all, {waiting:,} unacknowledged"

    def summary(self) -> str:
        """The whole run in one line."""
        took_s = max(self._clock() - self._began, 1e-9)
        rate = self._counts.acked / took_s
        return f"Published {self._counts.total} in {took_s:,.1f} s ({rate:,.0f}/s)"
