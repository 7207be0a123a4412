"""One assigned partition: opens its task, feeds and commits it, reopens it after an error."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Protocol

from aiokafka.errors import KafkaError

from streams import metrics
from streams.core.columns import TP, Chunk
from streams.core.ports import Member
from streams.errors import FencedError, StartError, TaskRetriedError, TaskStoppedError
from streams.tasks.batch import Batch
from streams.tasks.task import State, Task

log = logging.getLogger(__name__)

#: Chunks that wait for a task; a fetch brings one, and the next is fetched meanwhile.
INBOX = 2
#: Milliseconds between two looks at a task that nothing happens to.
IDLE_MS = 500
#: Seconds a commit may take to end when the partition is handed over.
HAND_OVER_SECONDS = 4.0
#: Seconds that closing a task may hold up a rebalance.
STOP_SECONDS = 8.0
#: Seconds before a failed task is opened again: the first time, and at most.
RETRY_SECONDS = (0.2, 5.0)


class Group(Protocol):
    """What a slot asks of the consumer that the partitions were assigned to."""

    async def confirm(self, member: Member) -> bool:
        """Whether the group still knows us, asked of the broker."""

    async def holds(self, member: Member) -> bool:
        """Whether all that `member` was given stays ours for a session timeout from now on."""

    async def seek(self, tp: TP, offset: int) -> None:
        """Fetch a partition from `offset` on."""

    def end_offset(self, tp: TP) -> int | None:
        """A partition's end, as the last fetch told."""


class Status(Enum):
    """What a slot is doing; `failed` is final."""

    OPENING = "opening"
    RUNNING = "running"
    RETRYING = "retrying"
    FAILED = "failed"


class Slot:
    """See the module. `deliver` hands a batch to the agent of its topic."""

    def __init__(
        self,
        tp: TP,
        member: Member,
        make_task: Callable[[TP, Member], Task],
        group: Group,
        deliver: Callable[[Batch], Awaitable[None]],
        room_changed: asyncio.Event,
    ) -> None:
        self.tp = tp
        self.status = Status.OPENING
        self.error: Exception | None = None
        self.task: Task | None = None
        self.fatal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._member = member
        self._make_task = make_task
        self._group = group
        self._deliver = deliver
        self._room_changed = room_changed
        self._inbox: asyncio.Queue[Chunk | Exception] = asyncio.Queue(INBOX)
        #: Taken from the inbox, but its values can't be read yet.
        self._held: Chunk | Exception | None = None
        self._progressed_at = time.monotonic()
        self._running: asyncio.Task[None] | None = None
        # aiokafka swallows a cancellation that comes while it closes a client.
        self._stopping = False

    def start(self) -> None:
        """Begin to open the task."""
        self._running = asyncio.create_task(self._run(), name=f"slot {self.tp}")

    async def stop(self) -> None:
        """Hand the partition over: commit what is done if that is quick, then close the task."""
        self._stopping = True
        if self._running is not None:
            self._running.cancel()
            _, unfinished = await asyncio.wait([self._running], timeout=STOP_SECONDS)
            if unfinished:
                log.warning("Task %s is still closing; its next owner will fence it", self.tp)

    @property
    def has_room(self) -> bool:
        """Whether a fetched chunk may be put in."""
        return self.status is Status.RUNNING and not self._inbox.full()

    def put(self, fetched: Chunk | Exception) -> None:
        """Take a fetched chunk, or the error that came in its place."""
        if self.has_room:
            self._inbox.put_nowait(fetched)

    def touch(self) -> None:
        """Note that the task got on."""
        self._progressed_at = time.monotonic()

    @property
    def lag(self) -> int | None:
        """Offsets that the task has yet to read, as the last fetch told; None if nobody knows."""
        end = self._group.end_offset(self.tp)
        if end is None or self.task is None:
            return None
        return max(0, end - self.task.position)

    def stalled(self, seconds: float) -> bool:
        """Whether the task has got no further for `seconds` although there is something to do."""
        if self.status is Status.FAILED:
            return True
        if time.monotonic() - self._progressed_at < seconds:
            return False
        if self.status is not Status.RUNNING or self.task is None:
            return True
        behind = bool(self.lag) or not self._inbox.empty()
        # Restarting a worker doesn't help a sink whose peer is down.
        return self.task.pending or (behind and not self.task.waits_outside)

    async def _run(self) -> None:
        attempt = 0
        while not self._stopping:
            opened_at = time.monotonic()
            try:
                await self._serve()
            except TaskRetriedError as exc:
                attempt = 0 if time.monotonic() - opened_at > RETRY_SECONDS[1] else attempt + 1
                self._failed(exc, Status.RETRYING)
                if self._stopping:
                    return
                await asyncio.sleep(min(RETRY_SECONDS[0] * 2**attempt, RETRY_SECONDS[1]))
            except StartError as exc:
                self._failed(exc, Status.FAILED)
                self.fatal.set_exception(exc)
                return
            except Exception as exc:
                self._failed(exc, Status.FAILED)
                return

    def _failed(self, exc: Exception, status: Status) -> None:
        self.status, self.error = status, exc
        metrics.TASK_FAILURES.labels(type(exc).__name__).inc()
        if status is Status.RETRYING:
            log.warning("Task %s closes and will open again: %s", self.tp, exc)
        elif isinstance(exc, TaskStoppedError | StartError):
            log.error("Task %s stops for good: %s", self.tp, exc)
        else:
            log.error("Task %s stops for good: its agent failed", self.tp, exc_info=exc)

    async def _serve(self) -> None:
        """Run the task from opening to an error."""
        self._inbox = asyncio.Queue(INBOX)
        self._held = None
        task = self._make_task(self.tp, self._member)
        try:
            await self._open(task)
            while not self._stopping:
                batch = await task.tick()
                if batch is None:
                    batch = await self._next_batch(task)
                if batch is not None:
                    await self._process(task, batch)
                if task.commit_in(behind=not self._inbox.empty()) == 0:
                    await _finished(task.commit())
                    self.touch()
            await self._commit_last(task)
        except asyncio.CancelledError:
            await self._commit_last(task)
            raise
        finally:
            self.task = None
            await task.close()

    async def _open(self, task: Task) -> None:
        self.status = Status.OPENING
        # A zombie that simply initialised its transactional id again would fence the owner.
        try:
            ours = await self._group.confirm(self._member)
        except (KafkaError, OSError) as exc:
            raise FencedError(f"{self.tp}: can't ask the group: {exc!r}") from exc
        if not ours:
            raise FencedError(f"{self.tp}: the group has moved on to another generation")
        await task.open(self.touch)
        await self._group.seek(self.tp, task.position)
        self.task = task
        self.status, self.error = Status.RUNNING, None
        self.touch()
        self._room_changed.set()
        log.info("Task %s runs from offset %d", self.tp, task.position)

    async def _next_batch(self, task: Task) -> Batch | None:
        """The next chunk's batch; None if a commit or a look at the clock is due before."""
        due = task.commit_in(behind=not self._inbox.empty())
        try:
            async with asyncio.timeout((IDLE_MS if due is None else due) / 1000):
                await task.until_room()
                fetched = await self._fetched(task)
        except TimeoutError:
            return None
        if isinstance(fetched, Exception):
            raise TaskRetriedError(f"{self.tp}: can't be fetched: {fetched!r}") from fetched
        batch = task.deliver(fetched)
        if batch is None:
            log.debug("%s: fetched from %d, not %d", self.tp, fetched.from_offset, task.position)
            while not self._inbox.empty():
                self._inbox.get_nowait()
            await self._group.seek(self.tp, task.position)
        return batch

    async def _fetched(self, task: Task) -> Chunk | Exception:
        """What was fetched next, once its values can be read; may be cancelled and called again."""
        if self._held is None:
            self._held = await self._inbox.get()
            self._room_changed.set()
        if not isinstance(self._held, Exception):
            await task.until_readable(self._held)
        fetched, self._held = self._held, None
        return fetched

    async def _process(self, task: Task, batch: Batch) -> None:
        try:
            await self._deliver(batch)
            await batch.finished
        except asyncio.CancelledError:
            # Nobody can tell how far the agent has got with it.
            task.spoiled = True
            raise
        task.done(batch)
        self.touch()

    async def _commit_last(self, task: Task) -> None:
        if task.state is State.RUNNING and task.pending and not task.spoiled:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(HAND_OVER_SECONDS):
                    await task.commit()


async def _finished(commit: Awaitable[None]) -> None:
    """Await a commit; if cancelled meanwhile, first let it end, for a while."""
    running = asyncio.ensure_future(commit)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running], timeout=HAND_OVER_SECONDS)
        if running.cancel():
            await asyncio.wait([running])
        elif not running.cancelled():
            running.exception()  # has been seen; the task closes either way
        raise
