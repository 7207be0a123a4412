"""A task: one partition of one topic, with a transactional producer of its own.

    CREATED -> OPENING -> RUNNING <-> COMMITTING
       any of them -> CLOSED

A task is used once. On any error it is closed, all that was not committed is thrown away with it,
and a new one is opened in its place. Whoever drives a task calls its methods one at a time:
deliver a batch, wait until the agent's body is done with it, commit when that is due.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum

from streams import metrics
from streams.core.columns import TP, Chunk
from streams.core.ports import Headers, Member
from streams.core.windows import NO_TIME
from streams.errors import TaskStoppedError
from streams.state.windowed import Closing
from streams.tasks import outgoing
from streams.tasks.batch import Batch, Values
from streams.tasks.chunk_decoder import ChunkDecoder
from streams.tasks.context import TaskContext
from streams.tasks.outgoing import Outgoing


class State(Enum):
    """Where a task is in its life; see the module."""

    CREATED = "created"
    OPENING = "opening"
    RUNNING = "running"
    COMMITTING = "committing"
    CLOSED = "closed"


_LEGAL = {
    State.CREATED: {State.OPENING, State.CLOSED},
    State.OPENING: {State.RUNNING, State.CLOSED},
    State.RUNNING: {State.COMMITTING, State.CLOSED},
    State.COMMITTING: {State.RUNNING, State.CLOSED},
    State.CLOSED: {State.CLOSED},
}

#: Accumulators that a pending transaction may hold; at more it is committed before its time.
UNCOMMITTED_KEYS = 50_000
#: How much longer the quiet commit interval is while a task is behind, and at most (ms).
BEHIND, BEHIND_MS = 5, 5_000


def transactional_id(app_id: str, tp: TP) -> str:
    """The id under which whoever owns the task of `tp` writes; a younger owner fences the older."""
    return f"{app_id}-{tp}"


def _ignore() -> None:
    """For callers that don't watch a restore."""


class Task(ABC):
    """See the module. `member` is our place in the group when the partition was assigned."""

    def __init__(self, tp: TP, context: TaskContext, member: Member) -> None:
        self.tp = tp
        self.context = context
        self.member = member
        self.state = State.CREATED
        self.position = 0
        #: Set when a batch was given up half-way: what is pending may not be committed any more.
        self.spoiled = False
        self._producer = context.cluster.producer(transactional_id(context.settings.app_id, tp))
        #: What reads the topic's values, unless they are raw strings.
        self._values = ChunkDecoder(context.format_of(tp.topic))
        self._outgoing = Outgoing()
        self._targets: dict[tuple[str, int], TP] = {}
        self._committed_at = context.clock.now()

    async def open(self, on_progress: Callable[[], None] = _ignore) -> None:
        """Fence older owners, then find the state and position to go on from.

        `on_progress` is called as the restore gets on.

        Raises TaskStoppedError if going on would falsify counts, FingerprintMismatchError if the
        stored state belongs to other settings, and TaskRetriedError otherwise.
        """
        self._move(State.OPENING)
        await self._producer.start()
        await self._restore(on_progress)
        self._committed_at = self.context.clock.now()
        self._move(State.RUNNING)

    def deliver(self, chunk: Chunk) -> Batch | None:
        """The batch to hand to the agent, or None if the chunk isn't the one that follows.

        Then the driver seeks to `position` and fetches anew.
        """
        assert self.state is State.RUNNING
        if chunk.from_offset != self.position:
            return None
        return Batch(self, chunk)

    async def until_room(self) -> None:  # noqa: B027  (most always have)
        """Wait until the task has room for another chunk."""

    async def until_readable(self, chunk: Chunk) -> None:
        """Wait until the values of the chunk that is to be delivered next can be read.

        Whoever is cancelled while waiting asks again, for the same chunk, before delivering it.
        """
        await self._values.until_ready(chunk)

    @property
    def watermark(self) -> int:
        """Event time (ms) up to which the task has seen all that counts; NO_TIME if it has none."""
        return NO_TIME

    @property
    def waits_outside(self) -> bool:
        """Whether what keeps the task from getting on lies outside of this worker and of Kafka."""
        return self._values.waiting

    def done(self, batch: Batch) -> None:
        """Note that the agent's body is done with a batch."""
        self.position = batch.chunk.next_offset

    async def tick(self) -> Batch | None:
        """An empty batch, if the task has something to do that no record asks for."""
        return None

    def empty_chunk(self) -> Chunk:
        """A chunk of no records at the current position."""
        return Chunk(self.tp, self.position, self.position)

    def commit_in(self, *, behind: bool = False) -> int | None:
        """Milliseconds until the next commit is due; None if nothing is pending.

        `behind` tells that more records are waiting already: then what is quiet may stay so for
        longer, for neither state nor finals can be news.
        """
        if not self.pending:
            return None
        if self.urgent or self.uncommitted_keys > UNCOMMITTED_KEYS:
            return 0
        settings = self.context.settings
        interval = settings.commit_interval_ms
        if self.quiet:
            quiet = settings.quiet_commit_interval_ms
            interval = max(interval, min(quiet * BEHIND, BEHIND_MS) if behind else quiet)
        elapsed = self.context.clock.now() - self._committed_at
        # A clock that was set back must not put the commit off.
        return min(max(0, interval - elapsed), interval)

    async def commit(self) -> None:
        """Commit all that the delivered batches caused. After an error the task must be closed."""
        self._move(State.COMMITTING)
        with metrics.COMMIT_SECONDS.labels(self.tp.topic).time():
            sent, self._outgoing = self._outgoing, Outgoing()
            await self._commit(sent)
        self._committed_at = self.context.clock.now()
        for tp, records in sent.records.items():
            metrics.RECORDS_OUT.labels(tp.topic).inc(len(records))
        self._move(State.RUNNING)
        for function in sent.after_commit:
            function()

    async def close(self) -> None:
        """Let go of producer and store; what is not committed is lost, and will be done again."""
        self._move(State.CLOSED)
        self._values.stop()
        with contextlib.suppress(Exception):
            await self._producer.close()

    def send(
        self, topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers
    ) -> None:
        """Add a record to the pending transaction; see `Batch.send`."""
        if topic not in self.context.partitions:
            raise TaskStoppedError(
                f"the agent of {self.tp.topic} writes to {topic!r}, which it has not declared",
                "Name the topic in the agent's `sends_to`",
            )
        self._outgoing.add(self._target(topic, key), (key, value, timestamp, headers))

    def _target(self, topic: str, key: bytes | None) -> TP:
        """The partition of a topic that a record goes to."""
        partition = (
            self.tp.partition % self.context.partitions[topic]
            if key is None
            else self.context.partition_of(topic, key)
        )
        tp = self._targets.get((topic, partition))
        if tp is None:
            tp = self._targets[topic, partition] = TP(topic, partition)
        return tp

    def after_commit(self, function: Callable[[], None]) -> None:
        """See `Batch.after_commit`."""
        self._outgoing.after_commit.append(function)

    def count(self, values: Values) -> None:
        """Count values by window; only a source that feeds a windowed count can."""
        raise TaskStoppedError(
            f"{values.batch} can't be counted: its topic feeds no windowed count",
            "Declare a table for the topic",
        )

    def add(self, batch: Batch) -> None:
        """Add records to their windows; only a source that feeds an aggregation can."""
        raise TaskStoppedError(
            f"{batch} can't be added: its topic feeds no aggregation",
            "Declare a table for the topic",
        )

    def merge(self, batch: Batch) -> None:
        """Merge partials; only the second stage of a table can."""
        raise TaskStoppedError(
            f"{batch} can't be merged: it holds no partials",
            "Let the agent read the table's partials",
        )

    def take(self, batch: Batch) -> None:
        """Hand a batch's records to a sink's body; only a topic with a sink has one."""
        raise TaskStoppedError(
            f"{batch} can't be delivered: its topic has no sink", "Declare a sink for the topic"
        )

    def closed(self, batch: Batch) -> Closing | None:
        """The chunk of a closed window that came with a batch, if any; see `WindowTask`."""
        return batch.closing

    @property
    def quiet(self) -> bool:
        """Whether nobody waits to see what is pending: no record goes to a topic of the user's.

        State of open windows is like that, and the longer it waits the less there is: a key is
        written once a transaction.
        """
        return not (self._outgoing.records or self._outgoing.after_commit)

    @property
    def uncommitted_keys(self) -> int:
        """How many accumulators the pending transaction holds."""
        return 0

    @property
    @abstractmethod
    def pending(self) -> bool:
        """Whether there is anything to commit."""

    @property
    @abstractmethod
    def urgent(self) -> bool:
        """Whether what is pending should be committed at once."""

    @abstractmethod
    async def _restore(self, on_progress: Callable[[], None]) -> None: ...

    @abstractmethod
    async def _commit(self, sent: Outgoing) -> None: ...

    async def _transact(self, sent: Outgoing) -> dict[TP, int]:
        return await outgoing.commit(self._producer, sent, self.member)

    def _move(self, to: State) -> None:
        assert to in _LEGAL[self.state], f"{self.tp}: {self.state.value} -> {to.value}"
        self.state = to
