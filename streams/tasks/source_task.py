"""Stage one: reads an input partition, counts it in windows, and sends partial counts.

Its state is small enough to travel with its committed offset: see `source_progress`.
"""

from collections.abc import Callable

from streams import metrics
from streams.core.columns import TP
from streams.core.counting import Aside, SourceCounter, SourceCounts
from streams.core.partials import KeyCounts, cut
from streams.core.ports import Committed, Member, Record
from streams.core.selection import Selector, Steps
from streams.core.windows import TumblingWindows
from streams.errors import OffsetLostError, TaskStoppedError
from streams.tasks.asides import aside_record
from streams.tasks.batch import Batch, Values
from streams.tasks.context import TaskContext
from streams.tasks.outgoing import Outgoing
from streams.tasks.source_progress import SourceProgress
from streams.tasks.task import Task
from streams.tasks.topology import WindowedCount

#: By the count's name too: another one may have as many partitions as it likes.
Selectors = dict[tuple[str, Steps], Selector]


class SourceTask(Task):
    """See the module. Selectors are shared by a worker's tasks: they remember distinct values."""

    def __init__(
        self,
        tp: TP,
        context: TaskContext,
        member: Member,
        count: WindowedCount,
        selectors: Selectors,
    ) -> None:
        super().__init__(tp, context, member)
        self._count = count
        self._selectors = selectors
        self._partitions = context.partitions[count.partials_topic]
        self._fingerprint = count.fingerprint(context.partitions)
        self._counter = SourceCounter(count.windows, self._partitions)
        self._sent_to: list[int] = []
        self._sent_open_from = 0
        self._committed_position = 0
        self._moved_at = context.clock.now()

    @property
    def _windows(self) -> TumblingWindows:
        return self._count.windows

    @property
    def _open_from(self) -> int:
        return self._windows.first_open(self._counter.stream_time)

    @property
    def watermark(self) -> int:
        return self._counter.stream_time

    @property
    def pending(self) -> bool:
        return self.position != self._committed_position or self.urgent

    @property
    def urgent(self) -> bool:
        """Stream time has passed a window's end and grace: stage two waits to hear of it."""
        return self._open_from > self._sent_open_from

    @property
    def quiet(self) -> bool:
        return super().quiet and not self._counter.has_asides

    @property
    def uncommitted_keys(self) -> int:
        return self._counter.distinct

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
        self._counter = SourceCounter(self._windows, self._partitions, progress.stream_time)
        self._sent_to = progress.sent_to
        # Whatever advanced the committed stream time has told stage two in the same transaction.
        self._sent_open_from = self._open_from
        self.position = self._committed_position = committed.offset
        self._moved_at = self.context.clock.now()

    def done(self, batch: Batch) -> None:
        super().done(batch)
        if batch.chunk.next_offset > batch.chunk.from_offset:
            self._moved_at = self.context.clock.now()

    def count(self, values: Values) -> None:
        newest = self.context.clock.now() + self.context.settings.max_ahead_ms
        self._counter.count(values.batch.chunk, self._selector(values.steps), newest)

    def _selector(self, steps: Steps) -> Selector:
        selector = self._selectors.get((self._count.name, steps))
        if selector is None:
            named = ", ".join(step.function.__name__ for step in steps)
            if named != self._count.selection:
                raise TaskStoppedError(
                    f"the agent of {self.tp.topic} selects by '{named}', but its table "
                    f"{self._count.name} is declared for '{self._count.selection}'",
                    "Declare the steps that the agent takes: stored counts depend on them",
                )
            selector = self._selectors[self._count.name, steps] = Selector(
                steps,
                lambda key: self.context.partition_of(self._count.partials_topic, key),
                self.context.settings.max_value_bytes,
            )
        return selector

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
        self._counter.advance(now - idle_ms)
        return Batch(self, self.empty_chunk())

    async def _commit(self, sent: Outgoing) -> None:
        counted = self._counter.take()
        now = self.context.clock.now()
        progress = SourceProgress(self._counter.stream_time, list(self._sent_to))
        closes = self.urgent
        for partition in range(self._partitions):
            counts = {w: by[partition] for w, by in counted.counts.items() if by[partition].keys}
            if counts or closes:
                self._add_partials(sent, partition, counts, now)
                progress.sent_to[partition] = self.position
        self._set_aside(sent, counted.late, counted.rejected, now)
        metadata = progress.encode(self.position, self._fingerprint)
        sent.offsets[self.tp] = Committed(self.position, metadata)
        await self._transact(sent)
        self._sent_to = progress.sent_to
        self._sent_open_from = self._open_from
        self._committed_position = self.position
        self._report(counted)

    def _add_partials(
        self, sent: Outgoing, partition: int, counts: dict[int, KeyCounts], now: int
    ) -> None:
        tp = TP(self._count.partials_topic, partition)
        for partial in cut(
            self.tp.partition,
            self._sent_to[partition],
            self.position,
            self._counter.stream_time,
            counts,
        ):
            sent.add(tp, Record(None, partial.encode(), now))

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
            sent.add(tp, aside_record(self.tp, aside, now))

    def _report(self, counted: SourceCounts) -> None:
        topic = self.tp.topic
        metrics.RECORDS_IN.labels(topic).inc(counted.records)
        metrics.LATE.labels(topic).inc(len(counted.late))
        metrics.DEAD_LETTERS.labels(topic).inc(len(counted.rejected))
