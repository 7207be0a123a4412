"""All standbys of a worker: kept at work, one piece at a time, whatever goes wrong with them."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from enum import Enum
from functools import partial
from typing import NamedTuple

from streams.core.columns import TP
from streams.core.ports import LogFollower, Piece
from streams.state.standby import Standby

log = logging.getLogger(__name__)

#: Seconds a standby waits for a piece before it looks whether it is to stop.
WAIT_SECONDS = 1.0
#: Seconds that closing a standby may hold up a rebalance.
STOP_SECONDS = 8.0
#: Seconds before a failed standby is opened again: the first time, and at most.
RETRY_SECONDS = (0.2, 30.0)


class Status(Enum):
    """What is being done for a standby; none of them is final."""

    OPENING = "opening"
    FOLLOWING = "following"
    RETRYING = "retrying"


class StandbyHealth(NamedTuple):
    """One standby as `/health` shows it; `lag` in records, None before it is known."""

    topic: str
    partition: int
    status: str
    lag: int | None
    error: str | None


class StandbySlot:
    """Keeps one standby open, and opens it again after an error. `tp` is its task's partition."""

    def __init__(self, tp: TP, make: Callable[[], Standby], turn: asyncio.Lock) -> None:
        self._tp = tp
        self._make = make
        self._turn = turn
        self._status = Status.OPENING
        self._error: Exception | None = None
        self._standby: Standby | None = None
        self._stopping = False
        self._running = asyncio.create_task(self._run(), name=f"standby {tp}")

    async def stop(self) -> None:
        """Close the standby: its task may be about to open here."""
        # As with slots: a client that is being closed may swallow the cancellation.
        self._stopping = True
        self._running.cancel()
        _, unfinished = await asyncio.wait([self._running], timeout=STOP_SECONDS)
        if unfinished:
            log.warning("Standby %s is still closing; its task will wait for its store", self._tp)

    @property
    def health(self) -> StandbyHealth:
        """How it does."""
        return StandbyHealth(
            *self._tp,
            self._status.value,
            None if self._standby is None else self._standby.lag,
            None if self._error is None else str(self._error),
        )

    async def _run(self) -> None:
        pause = RETRY_SECONDS[0]
        while not self._stopping:
            self._status = Status.OPENING
            opened_at = time.monotonic()
            try:
                await self._follow()
            except Exception as exc:
                # Nothing that goes wrong here may harm the tasks: they have their own look at it.
                log.warning("Standby %s closes and will open again: %s", self._tp, exc)
                self._status, self._error = Status.RETRYING, exc
            if self._stopping:
                return
            if time.monotonic() - opened_at > RETRY_SECONDS[1]:
                pause = RETRY_SECONDS[0]
            await asyncio.sleep(pause)
            pause = min(2 * pause, RETRY_SECONDS[1])

    async def _follow(self) -> None:
        standby = self._make()
        try:
            await standby.open()
            self._standby, self._status, self._error = standby, Status.FOLLOWING, None
            while not self._stopping:
                piece = await standby.next(WAIT_SECONDS)
                if piece is not None:
                    await self._take(standby, piece)
        finally:
            self._standby = None
            await standby.close()

    async def _take(self, standby: Standby, piece: Piece) -> None:
        # One after the other, and then as long a pause: a standby that catches up leaves half of
        # the time to the tasks.
        async with self._turn:
            began = time.monotonic()
            await standby.take(piece)
            await asyncio.sleep(time.monotonic() - began)


class Standbys:
    """See the module. `make` makes the standby of a task's partition; `reader` reads for all."""

    def __init__(self, make: Callable[[TP, LogFollower], Standby], reader: LogFollower) -> None:
        self._make = make
        self._reader = reader
        self._turn = asyncio.Lock()
        self._slots: dict[TP, StandbySlot] = {}

    async def follow(self, tps: Iterable[TP]) -> None:
        """Keep standbys of these partitions' tasks from now on, and of no other.

        Those that were kept before go on undisturbed; the others are closed when it returns.
        """
        wanted = set(tps)
        leaving = [self._slots.pop(tp) for tp in self._slots.keys() - wanted]
        await asyncio.gather(*(slot.stop() for slot in leaving))
        for tp in sorted(wanted - self._slots.keys()):
            make = partial(self._make, tp, self._reader)
            self._slots[tp] = StandbySlot(tp, make, self._turn)

    async def stop(self) -> None:
        """Close all."""
        await self.follow(())
        await self._reader.close()

    def health(self) -> list[StandbyHealth]:
        """How each standby does."""
        return [slot.health for _, slot in sorted(self._slots.items())]
