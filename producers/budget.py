"""How many posts may be bought a day and a month; what is spent outlives the process."""

import asyncio
import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from streams.errors import BadInputError

log = logging.getLogger(__name__)

#: Posts written down as spent before they arrive: a crash wastes some, but never spends too many.
RESERVED = 100
#: How long to wait at most before another look at the clock, which somebody may have set.
LOOK_S = 3600.0


class Budget:
    """Limits by the calendar day and month of UTC; None is no limit.

    `file` keeps what was spent. Two processes mustn't share it. Raises BadInputError when it can't
    be read or written.
    """

    def __init__(
        self,
        file: Path,
        a_day: int | None,
        a_month: int | None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._file = file
        self._limits = {"day": a_day, "month": a_month}
        self._now = now
        self._spent = self._read()
        self._reserved = 0

    def left(self) -> int | None:
        """How many posts may still be bought now; None: any number."""
        self._roll()
        limits = [
            max(0, limit - self._spent_in(period) + self._reserved)
            for period, limit in self._limits.items()
            if limit is not None
        ]
        return min(limits, default=None)

    def spend(self) -> None:
        """Count one post."""
        left = self.left()
        if not self._reserved:
            self._reserved = RESERVED if left is None else max(1, min(RESERVED, left))
            for period in self._limits:
                self._spent[period] = (self._name(period), self._spent_in(period) + self._reserved)
            self._write()
        self._reserved -= 1

    async def wait(self) -> None:
        """Return once there is something left."""
        while self.left() == 0:
            until = self._renewed_at()
            log.warning("The budget of posts is spent; on with it at %s", until.isoformat())
            wait_s = (until - self._now()).total_seconds()
            await asyncio.sleep(min(max(wait_s, 0.0), LOOK_S))

    def _renewed_at(self) -> datetime:
        """When the first spent limit is a new one."""
        midnight = self._now().replace(hour=0, minute=0, second=0, microsecond=0)
        month = self._limits["month"]
        if month is not None and self._spent_in("month") - self._reserved >= month:
            return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
        return midnight + timedelta(days=1)

    def _roll(self) -> None:
        """Once a day or month is over, give back what was reserved and not used."""
        names = {period: self._name(period) for period in self._limits}
        if {period: name for period, (name, _) in self._spent.items()} == names:
            return
        unused, self._reserved = self._reserved, 0
        self._spent = {
            period: (name, max(0, self._spent_in(period) - unused))
            for period, name in names.items()
        }

    def _spent_in(self, period: str) -> int:
        name, count = self._spent.get(period, ("", 0))
        return count if name == self._name(period) else 0

    def _name(self, period: str) -> str:
        return self._now().strftime("%Y-%m-%d" if period == "day" else "%Y-%m")

    def _read(self) -> dict[str, tuple[str, int]]:
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            return {period: (str(name), int(count)) for period, (name, count) in kept.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as exc:
            raise BadInputError(
                f"{self._file} doesn't tell what was spent: {type(exc).__name__}",
                "Correct or remove it",
            ) from exc

    def _write(self) -> None:
        beside = self._file.with_name(f"{self._file.name}.new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("w", encoding="utf-8") as out:
                json.dump(self._spent, out)
                out.flush()
                os.fsync(out.fileno())
            beside.replace(self._file)
        except OSError as exc:
            raise BadInputError(f"{self._file} can't be written: {exc.strerror}") from exc
