"""Stage two: merges partials by key, keeps what comes of them in a store, and closes windows.

A window is closed in a transaction of its own, or in several if it is large: first its state and
the watermark that closes it are committed, then it is read back from the store, chunk by chunk, and
handed to the agent.
"""

import logging
import uuid
from collections.abc import Callable
from typing import Any

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
from streams.state.changelog import BOOKKEEPING_KEY, Bookkeeping, window_prefix
from streams.state.restore import restore
from streams.state.store import Store
from streams.state.windowed import Change, Closing, Step, WindowedState
from streams.tasks.batch import Batch
from streams.tasks.context import TaskContext
from streams.tasks.outgoing import Outgoing
from streams.tasks.task import State, Task
from streams.tasks.topology import WindowedTable

log = logging.getLogger(__name__)


class WindowTask(Task):
    """See the module. The store is opened and closed by the task."""

    def __init__(
        self, tp: TP, context: TaskContext, member: Member, table: WindowedTable, store: Store
    ) -> None:
        super().__init__(tp, context, member)
        self._table = table
        self._store = store
        self._changelog = TP(table.changelog_topic, tp.partition)
        self._windowed: WindowedState[Any] | None = None
        self._committed_position = 0
        self._deleted_before = 0
        self._closing_told = False

    @property
    def windowed(self) -> WindowedState[Any]:
        """The task's windowed state; only while it is open."""
        assert self._windowed is not None, "the task is not open"
        return self._windowed

    @property
    def table(self) -> str:
        """The table's name."""
        return self._table.name

    @property
    def watermark(self) -> int:
        return self.windowed.watermark

    @property
    def pending(self) -> bool:
        return self.position != self._committed_position or self._closing_told

    @property
    def urgent(self) -> bool:
        return self._closing_told or self.windowed.close_due

    @property
    def quiet(self) -> bool:
        return super().quiet and self._table.updates is None

    @property
    def uncommitted_keys(self) -> int:
        return self.windowed.uncommitted_keys

    @property
    def committed_position(self) -> int:
        """The repartition topic is not needed below this any more, whoever takes over."""
        return self._committed_position

    async def _restore(self, on_progress: Callable[[], None]) -> None:
        context = self.context
        sources = context.partitions[self._table.source_topic]
        fingerprint = self._table.fingerprint(context.partitions)
        restored = await restore(
            self._table.name,
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
        self._windowed = WindowedState(
            self._table.windows,
            self._table.aggregation,
            self._store,
            restored,
            context.settings.close_chunk,
        )
        await self._windowed.load()
        self.position = self._committed_position = restored.position

    def merge(self, batch: Batch) -> None:
        for columns in batch.chunk.batches:
            for _, _, value in columns.rows():
                try:
                    partial = Partial.decode(value or b"", self._table.aggregation)
                except ValueError as exc:
                    raise BrokenChainError(f"{self.tp}: {exc}") from exc
                self.windowed.merge(partial)

    def closed(self, batch: Batch) -> Closing | None:
        """The closed window's chunk that came with a batch; the agent writes its final results."""
        if batch.closing is not None:
            self.windowed.closed(batch.closing)
            self._closing_told = True
        return batch.closing

    def done(self, batch: Batch) -> None:
        if batch.closing is not None and not self._closing_told:
            raise TaskStoppedError(
                f"the agent of {self.tp.topic} did not take what a closed window came to",
                "Let it ask its table for `closed(batch)` with every batch",
            )
        super().done(batch)

    async def tick(self) -> Batch | None:
        if self.pending:
            return None  # what the window has got last must be committed first
        closing = await self.windowed.next_closing()
        if closing is None:
            return None
        return Batch(self, Chunk(self.tp, self.position, self.position), closing)

    async def _commit(self, sent: Outgoing) -> None:
        step = await self.windowed.resolve(self.position)
        self._add_updates(sent, step.changes)
        sent.records[self._changelog] = self._changelog_records(step)
        sent.offsets[self.tp] = Committed(self.position, "")
        if step.bookkeeping.closing_after is not None:
            crash_points.reached("in-chunked-close")
        written = await self._transact(sent)
        crash_points.reached("before-write-batch")
        await self.windowed.apply(step, written[self._changelog] + 1)
        crash_points.reached("after-write-batch")
        self._committed_position = self.position
        self._closing_told = False

    def _add_updates(self, sent: Outgoing, changes: list[Change]) -> None:
        """Tell of those changes that make a difference."""
        updates, emit = self._table.updates, self._table.aggregation.emit
        if updates is None:
            return
        zero = self._table.aggregation.zero
        for key, before, after in changes:
            record = updates.record(key, emit(after))
            if before == zero or updates.record(key, emit(before)) != record:
                sent.add(self._target(updates.topic, record.key), record)

    def _changelog_records(self, step: Step) -> list[Fields]:
        """The step's records; bookkeeping comes last, so that it holds for all before it."""
        now, encode = self.context.clock.now(), self._table.aggregation.encode
        records: list[Fields] = [
            (prefix + key, None if value is None else encode(value), now, ())
            for window, values in step.contents.items()
            for prefix in (window_prefix(window),)
            for key, value in values.items()
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
            counts = await self.windowed.committed(key)
        except StoreError as exc:
            raise NotReadyError(f"the counts of {self.tp} can't be read: {exc.happened}") from exc
        size = self._table.windows.size_ms
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
