"""An archive's task: the records of one partition become objects, each once.

    GATHERING --b is chosen--> FULL --plan committed--> UPLOADING --> UPLOADED --b committed-->
        ^                                                                                     |
        +-------------------------------------------------------------------------------------+

The records of [a, b) are read, and b is chosen by their size, age and the hour. Then offset a is
committed together with the plan to end at b. Only then are the objects uploaded, which bear a and b
in their names, and at last b is committed. Whoever finds the plan, after a crash, reads [a, b) and
uploads the same objects once more: each takes its own place.
"""

import asyncio
from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any

from streams import crash_points, metrics
from streams.core.columns import TP
from streams.core.ports import Committed, Member
from streams.core.unread import Unread
from streams.errors import OffsetLostError, TaskStoppedError
from streams.tasks.archive import Interval
from streams.tasks.asides import aside_record
from streams.tasks.batch import Batch
from streams.tasks.context import TaskContext
from streams.tasks.outgoing import Outgoing
from streams.tasks.plan import Plan
from streams.tasks.task import Task
from streams.tasks.topology import ArchiveSink

HOUR_MS = 3_600_000
#: Seconds that a look at the task waits for what it does meanwhile.
TICK_SECONDS = 1.0
#: Seconds that what is under way has to end once it is cancelled.
STOP_SECONDS = 2.0


class Phase(Enum):
    """What the task does with its interval; see the module."""

    GATHERING = "gathering"
    FULL = "full"
    UPLOADING = "uploading"
    UPLOADED = "uploaded"


class ArchiveTask(Task):
    """See the module."""

    def __init__(self, tp: TP, context: TaskContext, member: Member, sink: ArchiveSink) -> None:
        super().__init__(tp, context, member)
        self._sink = sink
        self._archive = sink.archive
        self._phase = Phase.GATHERING
        self._start = 0
        self._plan: Plan | None = None
        self._gathered: Interval | None = None
        #: When the interval's first record came; None before that.
        self._began_at: int | None = None
        #: The last chunk, when it came, and its offset; `position` lies behind it.
        self._unread: Unread | None = None
        self._taken_at, self._taken_from = 0, -1
        #: The offset that the interval has got to.
        self._to = 0
        self._work: asyncio.Future[Any] | None = None
        self._room = asyncio.Event()
        metrics.from_zero(metrics.SINK_REJECTED, sink.name)
        metrics.from_zero(metrics.DEAD_LETTERS, tp.topic)

    @property
    def _interval(self) -> Interval:
        assert self._gathered is not None, "the task is not open"
        return self._gathered

    @property
    def pending(self) -> bool:
        return self._phase in (Phase.FULL, Phase.UPLOADED)

    @property
    def urgent(self) -> bool:
        return self.pending

    @property
    def waits_outside(self) -> bool:
        return self._phase is Phase.UPLOADING or super().waits_outside

    async def _restore(self, on_progress: Callable[[], None]) -> None:
        cluster = self.context.cluster
        committed = (await cluster.committed(self.context.settings.app_id, [self.tp])).get(self.tp)
        log = await cluster.log_range(self.tp)
        on_progress()
        await self._archive.tidy(self.tp)
        if committed is None:
            await self._archive.begin(self.tp)
            committed = Committed(log.start, "")
        start, metadata = committed
        plan = Plan.decode(metadata)
        end = start if plan is None else plan.to
        if not log.start <= start <= end <= log.end:
            raise OffsetLostError(
                f"{self.tp}: {self._sink.name} was to archive [{start}, {end}) and what follows, "
                f"but the log holds [{log.start}, {log.end})",
                "What was not archived is gone. Stop all of its processes, and set the group's "
                "offset of this partition, or delete it to archive all that there is",
            )
        self.position = start
        self._begin(start, plan)

    def _begin(self, start: int, plan: Plan | None) -> None:
        rules = self._archive.rules if plan is None else plan.rules
        self._gathered = self._archive.interval(self.tp, start, rules)
        self._start = self._to = start
        self._plan = plan
        self._began_at = None
        self._enter(Phase.GATHERING)
        if self._unread:
            self._add(self._unread)

    def take(self, batch: Batch) -> None:
        self._taken_at, self._taken_from = self.context.clock.now(), batch.chunk.from_offset
        self._unread = Unread(batch.chunk, self._values.decoder)
        self._add(self._unread)

    def _add(self, unread: Unread) -> None:
        if self._began_at is None:
            self._began_at = self._taken_at
        before = None if self._plan is None else self._plan.to
        self._do(self._interval.add(unread, before))

    def done(self, batch: Batch) -> None:
        if self._taken_from != batch.chunk.from_offset:
            raise TaskStoppedError(
                f"the agent of {self.tp.topic} did not hand a batch to its archive",
                "Let it give every batch to its task's `take`",
            )
        super().done(batch)

    async def until_room(self) -> None:
        await self._room.wait()

    async def tick(self) -> Batch | None:
        """Wait for what is under way, for a while, and see what follows from it."""
        while True:
            if self._work is not None:
                await asyncio.wait([self._work], timeout=TICK_SECONDS)
                if not self._work.done():
                    return None
                self._settle(self._work)
            if self._phase is Phase.GATHERING:
                self._see_whether_it_ends()
            if self._work is None:
                return None

    def _settle(self, work: asyncio.Future[Any]) -> None:
        """Take note of what was done; raises the error that it ended with."""
        self._work = None
        work.result()
        if self._phase is Phase.GATHERING:
            assert self._unread is not None, "something was added"
            self._to = self._unread.position
        else:
            crash_points.reached("after-upload")
            self._enter(Phase.UPLOADED)

    def _see_whether_it_ends(self) -> None:
        if self._plan is not None:
            if self._to == self._plan.to:
                self._check_it_is_the_same(self._plan)
                self._upload(self._plan.to)
                return
        elif self._to > self._start and (self._interval.full or self._is_old()):
            # Without objects there is nothing to do again.
            self._enter(Phase.FULL if self._interval.archived else Phase.UPLOADED)
            return
        self._enter(Phase.GATHERING)

    def _is_old(self) -> bool:
        if self._began_at is None:
            return False
        now = self.context.clock.now()
        another_hour = now // HOUR_MS != self._began_at // HOUR_MS
        return another_hour or now - self._began_at >= self._archive.age_ms

    def _check_it_is_the_same(self, plan: Plan) -> None:
        """Other objects must not take the place of those that somebody may have stored already."""
        then, now = plan.records, self._interval.records
        why = "the topic is compacted"
        if then == now:
            then, now = plan.archived, self._interval.archived
            why = "a schema has become known since, so dead letters can be read"
        if then != now:
            raise OffsetLostError(
                f"{self.tp}: of [{self._start}, {plan.to}) {then} records were there to archive "
                f"when that began, and now {now}: {why}",
                "Stop all of its processes, delete the objects that bear these offsets, and set "
                f"the group's offset of this partition to {self._start}, without metadata: it is "
                "archived anew then",
            )

    def _upload(self, to: int) -> None:
        self._enter(Phase.UPLOADING)
        self._do(self._interval.upload(to))

    def _do(self, work: Coroutine[Any, Any, Any]) -> None:
        self._work = asyncio.ensure_future(work)
        self._room.clear()

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        if phase is Phase.GATHERING:
            self._room.set()
        else:
            self._room.clear()

    async def _commit(self, sent: Outgoing) -> None:
        if self._phase is Phase.FULL:
            await self._commit_plan(sent)
        else:
            await self._commit_end(sent)

    async def _commit_plan(self, sent: Outgoing) -> None:
        self._plan = Plan(
            self._to, self._interval.records, self._interval.archived, self._archive.rules
        )
        sent.offsets[self.tp] = Committed(self._start, self._plan.encode())
        await self._transact(sent)
        crash_points.reached("after-plan")
        self._upload(self._plan.to)

    async def _commit_end(self, sent: Outgoing) -> None:
        interval = self._interval
        topic = self.context.settings.dead_letter_topic
        tp = TP(topic, self.tp.partition % self.context.partitions[topic])
        now = self.context.clock.now()
        for aside, key in interval.rejected:
            sent.add(tp, aside_record(self.tp, aside, now, key))
        sent.offsets[self.tp] = Committed(self._to, "")
        await self._transact(sent)
        metrics.RECORDS_IN.labels(self.tp.topic).inc(interval.records)
        metrics.SINK_DELIVERED.labels(self._sink.name).inc(interval.archived)
        metrics.SINK_REJECTED.labels(self._sink.name).inc(len(interval.rejected))
        metrics.DEAD_LETTERS.labels(self.tp.topic).inc(len(interval.rejected))
        interval.close()
        self._begin(self._to, None)

    async def close(self) -> None:
        try:
            await self.stop_delivering()
        finally:
            await super().close()

    async def stop_delivering(self) -> None:
        """Leave the interval to the partition's next owner."""
        if self._gathered is not None:
            self._gathered.close()
        work, self._work = self._work, None
        if work is None:
            return
        work.cancel()
        await asyncio.wait([work], timeout=STOP_SECONDS)
        if work.done() and not work.cancelled():
            work.exception()  # has been raised by `tick`, or doesn't matter any more
