"""How a worker knows that what it answers about its tasks is not what a successor has overtaken."""

import asyncio
import time

from streams.core.ports import Member
from streams.errors import NotReadyError
from streams.transport.slot import Group

#: Seconds to wait for the group's answer.
ASK_SECONDS = 2.0


class Lease:
    """Our right to speak for the tasks we were given, renewed by the group when it is asked for.

    A process that slept still has its tasks, although another worker may run them by now. Once the
    group has confirmed us, nobody else is given our partitions for a session timeout. So one
    confirmation is good for `seconds`, which has to be less, and many answers share it.
    """

    def __init__(self, group: Group, seconds: float) -> None:
        self._group = group
        self._seconds = seconds
        self._member: Member | None = None
        self._asked_at = 0.0
        self._asking = asyncio.Lock()

    async def check(self, member: Member) -> None:
        """Return if `member` still owns its partitions; raises NotReadyError if it may not."""
        if self._held_by(member):
            return
        async with self._asking:
            if not self._held_by(member):  # whoever came first has asked for all
                await self._renew(member)

    def _held_by(self, member: Member) -> bool:
        return self._member == member and time.monotonic() - self._asked_at < self._seconds

    async def _renew(self, member: Member) -> None:
        asked_at = time.monotonic()
        try:
            async with asyncio.timeout(ASK_SECONDS):
                held = await self._group.holds(member)
        except Exception as exc:
            raise NotReadyError(f"the group can't be asked who owns the task: {exc!r}") from exc
        if not held:
            raise NotReadyError("the group is about to move its tasks")
        self._member, self._asked_at = member, asked_at
