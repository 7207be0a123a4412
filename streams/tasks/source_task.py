"""Stage one: reads an input partition, sums it up in windows, and sends partials.

Its state is small enough to travel with its committed offset: see `source_progress`.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from streams import metrics
from streams.core.columns import TP
from streams.core.partials import KeyValues, cut
from streams.core.ports import Committed, Member, Record
from streams.core.source_windows import Aside, Collected, SourceWindows
from streams.core.windows import NO_TIME, TumblingWindows
from streams.errors import OffsetLostError
from streams.tasks.asides import aside_record
from streams.tasks.batch import Batch
from streams.tasks.context import TaskContext
from streams.tasks.outgoing import Outgoing
from streams.tasks.source_progress import SourceProgress
from streams.tasks.task import Task
from streams.tasks.topology import WindowedTable

S = TypeVar("S", bound=SourceWindows)


class SourceTask(Task, Generic[S]):
    """See the module. `S` is what it sums up records with."""

    def __init__(self, tp: TP, context: TaskContext, member: Member, table: WindowedTable) -> None:
        super().__init__(tp, context, member)
        self._table = table
        self._partitions = context.partitions[table.partials_topic]
        self._fingerprint = table.fingerprint(context.partitions)
        self._source = self._begin(NO_TIME)
        self._sent_to: list[int] = []
        self._sent_open_from = 0
        self._committed_position = 0
        self._moved_at = context.clock.now()
        metrics.from_zero(metrics.DEAD_LETTERS, tp.topic)

    @property
    def _windows(self) -> TumblingWindows:
        return self._table.windows

    @property
    def _open_from(self) -> int:
        return self._windows.first_open(self._source.stream_time)

    @property
    def watermark(self) -> int:
        return self._source.stream_time

    @property
    def pending(self) -> bool:
        return self.position != self._committed_position or self.urgent

    @property
    def urgent(self) -> bool:
        """Stream time has passed a window's end and grace: stage two waits to hear of it."""
        return self._open_from > self._sent_open_from

    @property
    def quiet(self) -> bool:
        return super().quiet and self._table.updates is None and not self._source.has_asides

    @property
    def uncommitted_keys(self) -> int:
        return self._source.distinct

    async def _restore(self, on_progress: Callable[[], None]) -> None:
        cluster = self.context.cluster
        committed = (await cluster.committed(self.context.settings.app_id, [self.tp])).get(self.tp)
        if committed is None:
            raise OffsetLostError(f"{self.tp} has no committed offset")
        log = await cluster.log_range(self.tp)
        if not log.start <= committed.offset <= log.end:
            raise OffsetLostError(
                f"{self.tp}: the committed offset {committed.offset} is outside of the log, "
                f"which holds [{log.start}, {log.end})"
            )
        on_progress()
        progress = SourceProgress.decode(committed.metadata, committed.offset, self._fingerprint)
        self._source = self._begin(progress.stream_time)
        self._sent_to = progress.sent_to
        # Whatever advanced the committed stream time has told stage two in the same transaction.
        self._sent_open_from = self._open_from
        self.position = self._committed_position = committed.offset
        self._moved_at = self.context.clock.now()

    def done(self, batch: Batch) -> None:
        super().done(batch)
        if batch.chunk.next_offset > batch.chunk.from_offset:
            self._moved_at = self.context.clock.now()

    @property
    def _newest_allowed(self) -> int:
        """The latest event time that is believed (ms)."""
        return self.context.clock.now() + self.context.settings.max_ahead_ms

    @abstractmethod
    def _begin(self, stream_time: int) -> S:
        """What records are summed up with, from a stream time (ms) on."""

    async def tick(self) -> Batch | None:
        """An idle source raises its own stream time, so that its last windows close.

        Idle means: nothing came for the idle timeout, and the log really ends at our position. The
        broker is asked for that, for a fetch that gets no answer brings nothing either.
        """
        idle_ms = self.context.settings.window_idle_ms
        now = self.context.clock.now()
        if not idle_ms or now - self._moved_at < idle_ms:
            return None
        if self._windows.first_open(now - idle_ms) <= self._open_from:
            return None
        if await self.context.cluster.high_watermark(self.tp) != self.position:
            self._moved_at = now
            return None
        self._source.advance(now - idle_ms)
        return Batch(self, self.empty_chunk())

    async def _commit(self, sent: Outgoing) -> None:
        collected = self._source.take()
        now = self.context.clock.now()
        progress = SourceProgress(self._source.stream_time, list(self._sent_to))
        closes = self.urgent
        for partition in range(self._partitions):
            windows = {
                w: by[partition] for w, by in collected.windows.items() if by[partition].keys
            }
            if windows or closes:
                self._add_partials(sent, partition, windows, now)
                progress.sent_to[partition] = self.position
        self._set_aside(sent, collected.late, collected.rejected, now)
        metadata = progress.encode(self.position, self._fingerprint)
        sent.offsets[self.tp] = Committed(self.position, metadata)
        await self._transact(sent)
        self._sent_to = progress.sent_to
        self._sent_open_from = self._open_from
        self._committed_position = self.position
        self._report(collected)

    def _add_partials(
        self, sent: Outgoing, partition: int, windows: dict[int, KeyValues[Any]], now: int
    ) -> None:
        tp = TP(self._table.partials_topic, partition)
        for partial in cut(
            self.tp.partition,
            self._sent_to[partition],
            self.position,
            self._source.stream_time,
            windows,
            self._table.aggregation.packed_size,
        ):
            sent.add(tp, Record(None, partial.encode(self._table.aggregation), now))

    def _set_aside(
        self, sent: Outgoing, late: list[Aside], rejected: list[Aside], now: int
    ) -> None:
        self._add_asides(sent, self.context.settings.dead_letter_topic, rejected, now)
        if self.context.settings.late_topic is not None:
            self._add_asides(sent, self.context.settings.late_topic, late, now)

    def _add_asides(self, sent: Outgoing, topic: str, asides: list[Aside], now: int) -> None:
        if not asides:
            return
        tp = TP(topic, self.tp.partition % self.context.partitions[topic])
        for aside in asides:
            sent.add(tp, aside_record(self.tp, aside, now, aside.key))

    def _report(self, collected: Collected) -> None:
        topic = self.tp.topic
        metrics.RECORDS_IN.labels(topic).inc(collected.records)
        metrics.LATE.labels(topic).inc(len(collected.late))
        metrics.DEAD_LETTERS.labels(topic).inc(len(collected.rejected))
