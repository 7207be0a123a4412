"""Follows whole output topics, read committed and without a group, for as long as somebody asks.

It keeps its positions over failures of the cluster, so nothing is left out: the log says when it
can't go on, and it tries again after a growing pause. Runs in one event loop, and tells its
listeners there.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

import aiokafka.errors as kafka_errors
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from streams.core.columns import TP
from streams.errors import TransactionError
from streams.kafka.consumers import connected_consumer, has_ended, partitions_of
from streams.kafka.errors import translated
from streams.kafka.record_batches import FetchedBatches, fetched_batches
from streams.schemas.formats import Formats
from streams.settings import Settings
from streams.topics import ensure_topics
from streams.web.live.cursor import Positions
from streams.web.live.messages import (
    OVERHEAD,
    AsJson,
    Message,
    Piece,
    decoded_value,
    json_value,
    long_value,
)
from streams.web.live.retrying import keep_trying
from streams.web.live.ring import Ring
from streams.web.live.slices import slices

log = logging.getLogger(__name__)

#: Records that are handed out without a pause for the event loop's other work.
SLICE = 256
#: Seconds between attempts: at first, and at most.
RETRY_SECONDS = (0.2, 5.0)
#: Seconds that a look-up of the broker may take.
LOOKUP_SECONDS = 10.0
#: How soon partitions that were added are noticed.
METADATA_MS = 30_000
#: A fetch is small enough to be handed out at one go, more or less.
FETCH = {"max_partition_fetch_bytes": 512 * 1024, "fetch_max_bytes": 4 * 2**20}


class Listener(Protocol):
    """Told of all that is read. Called in the event loop, and has to return soon."""

    def restart(self) -> None:
        """Following begins at new positions: what was received before isn't continued."""

    def receive(self, piece: Piece) -> None:
        """Here is what comes next."""

    def lost(self, tp: TP, from_offset: int, to_offset: int) -> None:
        """The log has lost [from, to) before it was read."""


class Follower:
    """See the module. `positions` and `ring` say where it is, and what it remembers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.topics = sorted(settings.live.topics)
        self.positions = Positions({})
        self.ring = Ring(settings.live.ring_bytes)
        self._formats = Formats(settings)
        self._format_of = {topic: self._formats.of(topic) for topic in self.topics}
        self._as_json = {topic: _as_json(settings, topic) for topic in self.topics}
        self._listeners: list[Listener] = []
        self._held = 0
        self._running: asyncio.Task[None] | None = None
        #: Tasks that were cancelled, and still let go of their connections.
        self._ending: set[asyncio.Task[None]] = set()
        self._stopping: asyncio.TimerHandle | None = None
        self._caught_up = asyncio.Event()
        self._moved = asyncio.Event()

    def listen(self, listener: Listener) -> None:
        """Tell `listener` from now on."""
        self._listeners.append(listener)

    async def as_json(self, topic: str, records: Sequence[Any]) -> AsJson:
        """What makes JSON of the values of these records of a topic.

        Waits for as long as their schemas can't be had.
        """
        format_ = self._format_of[topic]
        if format_ is None:
            return self._as_json[topic]
        return decoded_value(await format_.decoder(record.value for record in records))

    async def check_formats(self) -> None:
        """See that the topics' values can be read. Raises StartError."""
        await self._formats.start()

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Follow at least as long as this context lasts; see `ready`."""
        self._held += 1
        if self._stopping is not None:
            self._stopping.cancel()
            self._stopping = None
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="follow output topics")
        try:
            yield
        finally:
            self._held -= 1
            if not self._held:
                linger = self._settings.live.linger_ms / 1000
                self._stopping = asyncio.get_running_loop().call_later(linger, self._cancel)

    @property
    def is_ready(self) -> bool:
        """Whether it has read what was there when it began."""
        return self._caught_up.is_set()

    async def ready(self, seconds: float) -> bool:
        """Wait until it has read what was there when it began; False if it takes longer."""
        return await _within(self._caught_up.wait(), seconds)

    async def reach(self, since: Mapping[TP, int], seconds: float) -> bool:
        """Wait until it has read all before `since`; False if it takes longer."""

        async def wait() -> None:
            while any(self.positions.get(tp, 0) < offset for tp, offset in since.items()):
                self._moved.clear()
                await self._moved.wait()

        return await _within(wait(), seconds)

    async def stop(self) -> None:
        """Stop now, whoever holds it; returns when nothing runs any more."""
        if self._stopping is not None:
            self._stopping.cancel()
        self._cancel()
        if self._ending:
            await asyncio.wait(self._ending)
        await self._formats.aclose()

    def _cancel(self) -> None:
        self._stopping = None
        if self._running is not None:
            self._ending.add(self._running)
            self._running.add_done_callback(self._ending.discard)
            self._running.cancel()
            self._running = None
        self._caught_up.clear()
        self.positions = Positions({})
        self.ring.clear()

    async def _run(self) -> None:
        what = f"Following {', '.join(self.topics)}"
        await keep_trying(self._connect_and_follow, what, RETRY_SECONDS)

    async def _connect_and_follow(self) -> None:
        await ensure_topics(self._settings, self.topics)
        options = self._settings.kafka.client_options()
        options |= {**FETCH, "metadata_max_age_ms": METADATA_MS}
        async with connected_consumer(options, "connecting to follow", LOOKUP_SECONDS) as consumer:
            await self._follow(consumer)

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        ends = await self._begin(consumer)
        while True:
            if self._partitions(consumer) - self.positions.keys():
                await self._begin(consumer)
            tps = {TP(*tp) for tp in consumer.assignment()}
            fetched = await fetched_batches(consumer._fetcher, tps, seconds=1.0)
            for piece in fetched:
                await self._take(consumer, piece)
            if has_ended(consumer):
                raise TransactionError("the client has ended")
            if not self._caught_up.is_set() and all(
                self.positions[tp] >= end for tp, end in ends.items()
            ):
                self._caught_up.set()

    async def _begin(self, consumer: AIOKafkaConsumer) -> dict[TP, int]:
        """Assign all partitions, those that are new included; returns the present ends."""
        async with translated("looking up where to follow", LOOKUP_SECONDS):
            tps = [
                TopicPartition(topic, number)
                for topic in self.topics
                for number in sorted(await partitions_of(consumer, topic))
            ]
            starts = await consumer.beginning_offsets(tps)
            ends = await consumer.end_offsets(tps)
        if self.positions:
            # A partition that was added since is read from its start: all in it is new.
            self.positions = Positions({TP(*tp): starts[tp] for tp in tps} | dict(self.positions))
        else:
            history = self._settings.live.history
            self.positions = Positions({TP(*tp): max(starts[tp], ends[tp] - history) for tp in tps})
            for listener in self._listeners:
                listener.restart()
        consumer.assign(tps)
        for tp in tps:
            consumer.seek(tp, self.positions[TP(*tp)])
        return {TP(*tp): end for tp, end in ends.items()}

    def _partitions(self, consumer: AIOKafkaConsumer) -> set[TP]:
        return {
            TP(topic, number)
            for topic in self.topics
            for number in consumer.partitions_for_topic(topic) or ()
        }

    async def _take(self, consumer: AIOKafkaConsumer, fetched: FetchedBatches) -> None:
        if isinstance(fetched.error, kafka_errors.OffsetOutOfRangeError):
            await self._skip(consumer, fetched.tp)
            return
        if fetched.error is not None:
            raise fetched.error
        for records in slices(chain.from_iterable(fetched.records()), SLICE):
            as_json = await self.as_json(fetched.tp.topic, records)
            self._publish(fetched.tp, records, as_json)
            await asyncio.sleep(0)
        self._move(fetched.tp, fetched.next_offset)

    async def _skip(self, consumer: AIOKafkaConsumer, tp: TP) -> None:
        """Go on at the first offset that the log still has."""
        async with translated(f"looking up the start of {tp}", LOOKUP_SECONDS):
            [start] = (await consumer.beginning_offsets([TopicPartition(*tp)])).values()
        before = self.positions[tp]
        log.warning("%s has lost its records from %d to %d", tp, before, start)
        self._move(tp, start)
        consumer.seek(TopicPartition(*tp), start)
        self.ring.clear()
        for listener in self._listeners:
            listener.lost(tp, before, start)

    def _publish(self, tp: TP, records: Sequence[Any], as_json: AsJson) -> None:
        following = records[-1].offset + 1
        piece = Piece(tp, dict(self.positions), self.positions.prefix(tp), as_json, following)
        piece.messages = [Message(piece, record) for record in records]
        piece.size = sum(
            OVERHEAD + len(m.key or b"") + 2 * len(m.value or b"") for m in piece.messages
        )
        piece.size += 16 * len(self.positions)
        self.ring.append(piece)
        self._move(tp, following)
        for listener in self._listeners:
            listener.receive(piece)

    def _move(self, tp: TP, offset: int) -> None:
        self.positions.move(tp, offset)
        self._moved.set()


def _as_json(settings: Settings, topic: str) -> AsJson:
    is_long = settings.output_format == "long" and topic == settings.output_topic
    return long_value if is_long else json_value


async def _within(waiting: Awaitable[object], seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await waiting
    except TimeoutError:
        return False
    return True
