"""Stage two: merges partial counts by key, keeps them in a store, and closes windows.

A window is closed in a transaction of its own, or in several if it is large: first the counts and
the watermark that closes it are committed, then its counts are read back from the store, chunk by
chunk, and handed to the agent.
"""

import logging
import uuid
from collections.abc import Callable

from streams import crash_points
from streams.core.columns import TP, Chunk
from streams.core.partials import Partial
from streams.core.ports import Committed, Fields, Member, Record
from streams.core.window_count import WindowCount
from streams.errors import (
    BrokenChainError,
    NotReadyError,
    OffsetLostError,
    StoreError,
    TaskStoppedError,
)
from streams.state.changelog import (
    BOOKKEEPING_KEY,
    Bookkeeping,
    encode_count,
    window_prefix,
)
from streams.state.counts import Closing, Step, WindowedCounts
from streams.state.restore import restore
from streams.state.store import Store
from streams.tasks.batch import Batch
from streams.tasks.context import TaskContext
from streams.tasks.outgoing import Outgoing
from streams.tasks.task import State, Task
from streams.tasks.topology import WindowedCount

log = logging.getLogger(__name__)


class CountTask(Task):
    """See the module. The store is opened and closed by the task."""

    def __init__(
        self, tp: TP, context: TaskContext, member: Member, count: WindowedCount, store: Store
    ) -> None:
        super().__init__(tp, context, member)
        self._count = count
        self._store = store
        self._changelog = TP(count.changelog_topic, tp.partition)
        self._counts: WindowedCounts | None = None
        self._committed_position = 0
        self._deleted_before = 0
        self._closing_told = False

    @property
    def counts(self) -> WindowedCounts:
        """The task's counts; only while it is open."""
        assert self._counts is not None, "the task is not open"
        return self._counts

    @property
    def table(self) -> str:
        """The name of the count's table."""
        return self._count.name

    @property
    def watermark(self) -> int:
        return self.counts.watermark

    @property
    def pending(self) -> bool:
        return self.position != self._committed_position or self._closing_told

    @property
    def urgent(self) -> bool:
        return self._closing_told or self.counts.close_due

    @property
    def uncommitted_keys(self) -> int:
        return self.counts.uncommitted_keys

    @property
    def committed_position(self) -> int:
        """The repartition topic is not needed below this any more, whoever takes over."""
        return self._committed_position

    async def _restore(self, on_progress: Callable[[], None]) -> None:
        context = self.context
        sources = context.partitions[self._count.source_topic]
        fingerprint = self._count.fingerprint(context.partitions)
        restored = await restore(
            self._count.name,
            context.cluster,
            self._changelog,
            self._store,
            fingerprint,
            on_progress,
        )
        if restored is None:
            restored = Bookkeeping.begin(uuid.uuid4().hex, fingerprint, sources)
        log_range = await context.cluster.log_range(self.tp)
        if not log_range.start <= restored.position <= log_range.end:
            raise OffsetLostError(
                f"{self.tp}: the stored state continues at {restored.position}, but the log holds "
                f"[{log_range.start}, {log_range.end})"
            )
        self._counts = WindowedCounts(
            self._count.windows, self._store, restored, context.settings.close_chunk
        )
        await self._counts.load()
        self.position = self._committed_position = restored.position

    def merge(self, batch: Batch) -> None:
        for columns in batch.chunk.batches:
            for _, _, value in columns.rows():
                try:
                    partial = Partial.decode(value or b"")
                except ValueError as exc:
                    raise BrokenChainError(f"{self.tp}: {exc}") from exc
                self.counts.merge(partial)

    def closed(self, batch: Batch) -> Closing | None:
        """The closed window's chunk that came with a batch; the agent writes its final results."""
        if batch.closing is not None:
            self.counts.closed(batch.closing)
            self._closing_told = True
        return batch.closing

    def done(self, batch: Batch) -> None:
        if batch.closing is not None and not self._closing_told:
            raise TaskStoppedError(
                f"the agent of {self.tp.topic} did not take the counts of a closed window",
                "Let it ask its table for `closed(batch)` with every batch",
            )
        super().done(batch)

    async def tick(self) -> Batch | None:
        if self.pending:
            return None  # what the window has got last must be committed first
        closing = await self.counts.next_closing()
        if closing is None:
            return None
        return Batch(self, Chunk(self.tp, self.position, self.position), closing)

    async def _commit(self, sent: Outgoing) -> None:
        step = await self.counts.resolve(self.position)
        sent.records[self._changelog] = self._changelog_records(step)
        sent.offsets[self.tp] = Committed(self.position, "")
        if step.bookkeeping.closing_after is not None:
            crash_points.reached("in-chunked-close")
        written = await self._transact(sent)
        crash_points.reached("before-write-batch")
        await self.counts.apply(step, written[self._changelog] + 1)
        crash_points.reached("after-write-batch")
        self._committed_position = self.position
        self._closing_told = False

    def _changelog_records(self, step: Step) -> list[Fields]:
        """The step's records; bookkeeping comes last, so that it holds for all before it."""
        now = self.context.clock.now()
        records: list[Fields] = [
            (prefix + key, None if n is None else encode_count(n), now, ())
            for window, counts in step.counts.items()
            for prefix in (window_prefix(window),)
            for key, n in counts.items()
        ]
        records.append(Record(BOOKKEEPING_KEY, step.bookkeeping.encode(), now))
        return records

    async def open_counts(self, key: bytes) -> list[WindowCount]:
        """A key's counts in its open windows, oldest first, as of the task's last commit.

        Raises NotReadyError unless the task is open.
        """
        if self.state not in (State.RUNNING, State.COMMITTING):
            raise NotReadyError(f"the task of {self.tp} is {self.state.value}")
        try:
            counts = await self.counts.committed(key)
        except StoreError as exc:
            raise NotReadyError(f"the counts of {self.tp} can't be read: {exc.happened}") from exc
        size = self._count.windows.size_ms
        return [WindowCount(window, window + size, n) for window, n in counts.items()]

    async def forget_merged(self) -> None:
        """Delete what the repartition topic holds below our committed position."""
        before = self._committed_position
        if before > self._deleted_before:
            await self.context.cluster.delete_records(self.tp, before)
            self._deleted_before = before

    async def close(self) -> None:
        try:
            await super().close()
        finally:
            # Even if cancelled meanwhile: RocksDB's lock would shut out this task's successor.
            await self._store.close()
