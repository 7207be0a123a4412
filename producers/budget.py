"""How many posts may be bought a day and a month; what was taken outlives the process."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from producers import kept

log = logging.getLogger(__name__)

#: Posts written down as taken before they arrive: a crash wastes some, but never buys too many.
RESERVED = 100
#: How long to wait at most before another look at the clock, which somebody may have set.
LOOK_S = 3600.0


class Budget:
    """Limits by the calendar day and month of UTC; None is no limit.

    `file` keeps what was taken, by the names of day and month. Two processes mustn't share it. What
    uses it blocks, and raises BadInputError if it can't.
    """

    def __init__(
        self,
        file: Path,
        a_day: int | None,
        a_month: int | None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._file = file
        self._a_day, self._a_month = a_day, a_month
        self._now = now
        self._taken = kept.read(file, _counts, "what was taken") or {}
        self._written = self._taken

    def left(self) -> int | None:
        """How many posts may still be bought now; None: any number."""
        limits = (
            max(0, limit - self._taken.get(name, 0))
            for name, limit in zip(self._names(), (self._a_day, self._a_month), strict=True)
            if limit is not None
        )
        return min(limits, default=None)

    def take(self) -> None:
        """Count one post."""
        self._taken = {name: self._taken.get(name, 0) + 1 for name in self._names()}
        if any(count > self._written.get(name, 0) for name, count in self._taken.items()):
            self._write({name: count + RESERVED - 1 for name, count in self._taken.items()})

    def settle(self) -> None:
        """Give back what is written down and wasn't taken."""
        if self._written != self._taken:
            self._write(self._taken)

    async def wait(self) -> None:
        """Return once there is something left."""
        while self.left() == 0:
            until = self._renewed_at()
            log.warning("The budget of posts is spent; on with it at %s", until.isoformat())
            wait_s = (until - self._now()).total_seconds()
            await asyncio.sleep(min(max(wait_s, 0.0), LOOK_S))

    def _renewed_at(self) -> datetime:
        """When all limits that are reached are new ones."""
        midnight = self._now().replace(hour=0, minute=0, second=0, microsecond=0)
        _, month = self._names()
        if self._a_month is not None and self._taken.get(month, 0) >= self._a_month:
            return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
        return midnight + timedelta(days=1)

    def _names(self) -> tuple[str, str]:
        """Those of the present day and month."""
        now = self._now()
        return now.strftime("%Y-%m-%d"), now.strftime("%Y-%m")

    def _write(self, counts: Mapping[str, int]) -> None:
        kept.write(self._file, counts)
        self._written = dict(counts)


def _counts(content: Any) -> dict[str, int]:
    return {str(name): int(count) for name, count in content.items()}
