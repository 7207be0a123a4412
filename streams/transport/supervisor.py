"""All tasks of a worker, one slot for each assigned partition, and its standbys."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import NamedTuple

from streams import crash_points, metrics
from streams.core.columns import TP, Chunk
from streams.core.ports import Member
from streams.core.window_count import WindowCount
from streams.errors import NotOwnerError, NotReadyError, StartError
from streams.tasks.batch import Batch
from streams.tasks.factory import TaskFactory
from streams.tasks.window_task import WindowTask
from streams.transport import gauges
from streams.transport.lease import Lease
from streams.transport.slot import Group, Slot
from streams.transport.standbys import Standbys

log = logging.getLogger(__name__)

#: Seconds between two rounds of deleting what stage two has merged.
FORGET_SECONDS = 30.0


class TaskHealth(NamedTuple):
    """One task as `/health` shows it; `error` is the last one, without any secret."""

    topic: str
    partition: int
    status: str
    position: int | None
    stalled: bool
    error: str | None


class Supervisor:
    """Owns the slots. Not thread-safe: lives in the worker's main event loop."""

    def __init__(
        self,
        make_task: TaskFactory,
        group: Group,
        deliver: Callable[[Batch], Awaitable[None]],
        on_fatal: Callable[[StartError], Awaitable[None]],
        standbys: Standbys,
        lease: Lease,
    ) -> None:
        self._make_task = make_task
        self._group = group
        self._deliver = deliver
        self._on_fatal = on_fatal
        #: What follows other workers' tasks. It goes on while tasks move.
        self.standbys = standbys
        self._lease = lease
        self._slots: dict[TP, Slot] = {}
        self._forgetting: asyncio.Task[None] | None = None
        #: Set when a slot may have got room for a chunk.
        self.room_changed = asyncio.Event()

    async def assign(self, tps: Iterable[TP], member: Member, standbys: Iterable[TP]) -> None:
        """Open a task for each partition; `member` is our place in the group from now on.

        `standbys` are partitions whose tasks others run; of those that have state we keep copies.
        """
        metrics.REBALANCES.inc()
        # A task that is promoted needs its standby's store.
        await self.standbys.follow(tp for tp in standbys if self._make_task.has_state(tp.topic))
        for tp in sorted(tps):
            slot = Slot(tp, member, self._make_task, self._group, self._deliver, self.room_changed)
            slot.fatal.add_done_callback(self._fatal)
            self._slots[tp] = slot
            slot.start()
        if self._forgetting is None:
            self._forgetting = asyncio.create_task(self._forget_merged())

    async def revoke(self) -> None:
        """Close all tasks; a new assignment opens those anew that stay here."""
        crash_points.reached("at-revoke")
        slots, self._slots = self._slots, {}
        await asyncio.gather(*(slot.stop() for slot in slots.values()))

    async def stop(self) -> None:
        """Close everything."""
        if self._forgetting is not None:
            self._forgetting.cancel()
            await asyncio.wait([self._forgetting])
        await asyncio.gather(self.revoke(), self.standbys.stop())

    def wanted(self) -> set[TP]:
        """Partitions to fetch: those whose task has room for a chunk."""
        return {tp for tp, slot in self._slots.items() if slot.has_room}

    @property
    def all_have_room(self) -> bool:
        """Whether no running task is busy with what it has."""
        return all(slot.has_room for slot in self._slots.values())

    def put(self, tp: TP, fetched: Chunk | Exception) -> None:
        """Hand a fetched chunk, or an error, to the partition's task, if it is still here."""
        slot = self._slots.get(tp)
        if slot is not None:
            slot.put(fetched)

    async def open_counts(self, tp: TP, key: bytes) -> list[WindowCount]:
        """A key's counts in its open windows; `tp` is the key's partition of its partials topic.

        They are those of the last commit of the one task that may commit now.

        Raises NotOwnerError if that runs elsewhere, and NotReadyError.
        """
        slot = self._slots.get(tp)
        if slot is None:
            raise NotOwnerError(f"the task of {tp} doesn't run here")
        task = slot.task
        if not isinstance(task, WindowTask):
            raise NotReadyError(f"the task of {tp} is {slot.status.value}")
        counts = await task.open_counts(key)
        # Asked last: so it was the owner's answer when it was read.
        await self._lease.check(task.member)
        return counts

    def health(self, stall_seconds: float) -> list[TaskHealth]:
        """How each task does."""
        return [
            TaskHealth(
                tp.topic,
                tp.partition,
                slot.status.value,
                slot.task.position if slot.task is not None else None,
                slot.stalled(stall_seconds),
                str(slot.error) if slot.error is not None else None,
            )
            for tp, slot in sorted(self._slots.items())
        ]

    def report(self, stall_seconds: float, now_ms: int) -> None:
        """Bring the tasks' gauges up to date."""
        gauges.report(self._slots.values(), stall_seconds, now_ms)

    def _fatal(self, future: "asyncio.Future[None]") -> None:
        exc = None if future.cancelled() else future.exception()
        if isinstance(exc, StartError):
            self._stopping = asyncio.ensure_future(self._on_fatal(exc))

    async def _forget_merged(self) -> None:
        """Keep the repartition topics small."""
        while True:
            await asyncio.sleep(FORGET_SECONDS)
            for task in self._window_tasks():
                try:
                    await task.forget_merged()
                except Exception as exc:
                    log.warning("%s: merged records could not be deleted yet: %s", task.tp, exc)

    def _window_tasks(self) -> Collection[WindowTask]:
        return [s.task for s in self._slots.values() if isinstance(s.task, WindowTask)]
