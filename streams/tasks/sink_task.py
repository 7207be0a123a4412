"""A sink's task: hands the committed records of one partition to a body that delivers them.

The body runs beside the task and takes its time. What is committed is the offset of the first
record that is not settled yet, so that a crash or a hand-over repeats little and skips nothing.
"""

import asyncio
import time
from collections.abc import Callable

from streams import metrics
from streams.core.columns import TP
from streams.core.outstanding import Outstanding
from streams.core.ports import Committed, Member, Record
from streams.core.source_windows import Aside
from streams.errors import MisfitError, OffsetLostError, TaskStoppedError
from streams.tasks.asides import aside_record
from streams.tasks.batch import Batch
from streams.tasks.context import TaskContext
from streams.tasks.outgoing import Outgoing
from streams.tasks.results import Result, Results
from streams.tasks.task import Task
from streams.tasks.topology import Sink

#: Records out for delivery, or dead letters that wait; with so many, no more are taken from Kafka.
ENOUGH = 1_000
#: The same for the offsets from the first that isn't settled on: a crash would repeat them all.
SPAN = 10_000
#: Seconds that a body has to end once it is cancelled.
STOP_SECONDS = 2.0
#: Characters of a reason that a dead letter carries.
REASON_LENGTH = 1_000


class SinkTask(Task):
    """See the module."""

    def __init__(self, tp: TP, context: TaskContext, member: Member, sink: Sink) -> None:
        super().__init__(tp, context, member)
        self._sink = sink
        self._outstanding = Outstanding(0)
        self._committed_position = 0
        #: By their offsets, values of outstanding results that were made JSON of.
        self._originals: dict[int, bytes | None] = {}
        #: Dead letters by the offset of what they tell of.
        self._dead_letters: dict[int, Record] = {}
        self._taken_at: dict[int, float] = {}
        self._room = asyncio.Event()
        self._results = Results(self)
        self._body: asyncio.Future[None] | None = None
        self._in_flight = metrics.SINK_IN_FLIGHT.labels(sink.name)
        metrics.from_zero(metrics.SINK_REJECTED, sink.name)
        metrics.from_zero(metrics.DEAD_LETTERS, tp.topic)

    @property
    def pending(self) -> bool:
        return self._outstanding.lowest != self._committed_position

    @property
    def urgent(self) -> bool:
        return False

    @property
    def quiet(self) -> bool:
        """Not quiet: what is not committed is delivered again after a crash."""
        return False

    @property
    def waits_outside(self) -> bool:
        return len(self._outstanding) > 0 or super().waits_outside

    async def _restore(self, on_progress: Callable[[], None]) -> None:
        cluster = self.context.cluster
        committed = (await cluster.committed(self.context.settings.app_id, [self.tp])).get(self.tp)
        log = await cluster.log_range(self.tp)
        on_progress()
        # Nothing was ever delivered, or nobody knows what was: from the beginning, so all of it is.
        position = log.start if committed is None else committed.offset
        if not log.start <= position <= log.end:
            raise OffsetLostError(
                f"{self.tp}: {self._sink.name} was to go on from offset {position}, but the log "
                f"holds [{log.start}, {log.end})",
                "What was not delivered is gone. Stop all workers, and set the group's offset of "
                "this partition, or delete it to deliver all that there is",
            )
        self._outstanding = Outstanding(position)
        self.position = self._committed_position = position
        self._room.set()
        self._body = asyncio.ensure_future(self._deliver())

    async def _deliver(self) -> None:
        await self._sink.body(self._results)
        raise TaskStoppedError(
            f"the sink {self._sink.name} ended before its topic {self.tp.topic} did",
            "Let its body iterate over all results",
        )

    def take(self, batch: Batch) -> None:
        results = [
            Result(self.tp.topic, self.tp.partition, *row)
            for columns in batch.chunk.batches
            for row in columns.keyed_rows()
        ]
        now = time.monotonic()
        for result in results:
            self._outstanding.add(result.offset)
            self._taken_at[result.offset] = now
        self._outstanding.pass_to(batch.chunk.next_offset)
        metrics.RECORDS_IN.labels(self.tp.topic).inc(len(results))
        self._in_flight.inc(len(results))
        self._results.put(self._read(results))
        self._look_for_room()

    def _read(self, results: list[Result]) -> list[Result]:
        """The results with their values as JSON; rejects those that don't fit their format."""
        decoder = self._values.decoder
        if decoder is None:
            return results
        read = []
        for result in results:
            try:
                value = None if result.value is None else decoder.json(result.value).encode()
            except MisfitError as exc:
                self.rejected(result, exc.happened)
            else:
                self._originals[result.offset] = result.value
                read.append(result._replace(value=value))
        return read

    def done(self, batch: Batch) -> None:
        if self._outstanding.end != batch.chunk.next_offset:
            raise TaskStoppedError(
                f"the agent of {self.tp.topic} did not hand a batch to its sink",
                "Let it give every batch to its task's `take`",
            )
        super().done(batch)

    async def until_room(self) -> None:
        await self._room.wait()

    async def tick(self) -> Batch | None:
        """Raise the error that the body has ended with, if it has."""
        if self._body is not None and self._body.done():
            self._body.result()
        return None

    def accepted(self, result: Result) -> None:
        """See `Results.accepted`."""
        self._originals.pop(result.offset, None)
        if self._settle(result):
            metrics.SINK_DELIVERED.labels(self._sink.name).inc()

    def rejected(self, result: Result, reason: str) -> None:
        """See `Results.rejected`."""
        value = self._originals.pop(result.offset, result.value)
        if self._settle(result):
            metrics.SINK_REJECTED.labels(self._sink.name).inc()
            aside = Aside(result.offset, result.timestamp, value, reason[:REASON_LENGTH])
            now = self.context.clock.now()
            self._dead_letters[result.offset] = aside_record(self.tp, aside, now, result.key)
            self._look_for_room()

    def _settle(self, result: Result) -> bool:
        if not self._outstanding.settle(result.offset):
            return False
        seconds = time.monotonic() - self._taken_at.pop(result.offset)
        metrics.SINK_SECONDS.labels(self._sink.name).observe(seconds)
        self._in_flight.dec()
        self._look_for_room()
        return True

    def _look_for_room(self) -> None:
        if (
            max(len(self._outstanding), len(self._dead_letters)) < ENOUGH
            and self._outstanding.end - self._outstanding.lowest < SPAN
        ):
            self._room.set()
        else:
            self._room.clear()

    async def _commit(self, sent: Outgoing) -> None:
        position = self._outstanding.lowest
        # Those further on wait for the offset to pass them, or a crash would bring them twice.
        passed = sorted(offset for offset in self._dead_letters if offset < position)
        topic = self.context.settings.dead_letter_topic
        tp = TP(topic, self.tp.partition % self.context.partitions[topic])
        for offset in passed:
            sent.add(tp, self._dead_letters[offset])
        sent.offsets[self.tp] = Committed(position, "")
        await self._transact(sent)
        for offset in passed:
            del self._dead_letters[offset]
        self._committed_position = position
        self._look_for_room()
        metrics.DEAD_LETTERS.labels(self.tp.topic).inc(len(passed))

    async def close(self) -> None:
        try:
            await self.stop_delivering()
        finally:
            await super().close()

    async def stop_delivering(self) -> None:
        """Cancel the body: the partition's next owner delivers what is not committed."""
        body, self._body = self._body, None
        if body is None:
            return
        body.cancel()
        await asyncio.wait([body], timeout=STOP_SECONDS)
        if body.done() and not body.cancelled():
            body.exception()  # has been raised by `tick`, or doesn't matter any more
        self._in_flight.dec(len(self._outstanding))
        self._outstanding = Outstanding(self._outstanding.end)
