"""Follows a table's changelog while somebody wants the counts of its open windows."""

import asyncio
import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from streams.access import check_access
from streams.core.columns import TP
from streams.errors import MissingTopicError, TransactionError
from streams.jobs.names import HASHTAG_COUNTS
from streams.kafka.consumers import connected_consumer, has_ended, partitions_of
from streams.kafka.errors import translated
from streams.kafka.record_batches import fetched_batches
from streams.settings import Settings
from streams.tasks.topology import changelog_topic
from streams.web.live.messages import Piece
from streams.web.live.provisional import Count, Provisional
from streams.web.live.retrying import keep_trying
from streams.web.live.slices import slices

#: Seconds between two provisional counts of a key.
PERIOD_SECONDS = 1.0
#: Records to look through, or counts to deliver, without a pause for other work.
SLICE = 1000
#: Seconds before the changelog is followed again after an error: at first, and at most.
RETRY_SECONDS = (1.0, 60.0)
#: Seconds that a look-up of the broker may take.
LOOKUP_SECONDS = 10.0
#: Seldom and much: nobody is told more often than once a second.
FETCH = {
    "max_partition_fetch_bytes": 2**20,
    "fetch_max_bytes": 8 * 2**20,
    "fetch_min_bytes": 2**18,
    "fetch_max_wait_ms": 300,
    # What was missed while the cluster was away has been overtaken.
    "auto_offset_reset": "latest",
}


class Subscribers(Protocol):
    """Who wants provisional counts of a topic's keys; see `hub.Hub`."""

    def provisional_keys(self, topic: str) -> AbstractSet[bytes]:
        """The keys whose provisional counts somebody wants."""

    def deliver_provisional(self, topic: str, key: bytes, payload: bytes) -> None:
        """Deliver JSON `payload` to those of a key who want provisional counts."""


class ProvisionalCounts:
    """See the module. Also a listener of the follower of results: no final is followed by less."""

    def __init__(self, settings: Settings, subscribers: Subscribers) -> None:
        self._settings = settings
        self._topic = settings.output_topic
        self._changelog = changelog_topic(settings.app_id, HASHTAG_COUNTS)
        self._subscribers = subscribers
        self._counts = Provisional()
        self._reading: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                wanted = self._subscribers.provisional_keys(self._topic)
                self._counts.watch(wanted)
                if not wanted:
                    await self._stop_reading()
                elif self._reading is None:
                    self._reading = asyncio.create_task(self._read(), name="follow changelog")
                await self._deliver()
                await asyncio.sleep(PERIOD_SECONDS)
        finally:
            await self._stop_reading()

    def restart(self) -> None:
        """Nothing to do: counts are told as they are now."""

    def receive(self, piece: Piece) -> None:
        """Note the finals among the results that have just been delivered."""
        if piece.tp.topic == self._topic:
            for message in piece.messages:
                window = message.timestamp + 1 - self._settings.window_ms
                self._counts.closed(message.key, window)

    def lost(self, tp: TP, from_offset: int, to_offset: int) -> None:
        """Nothing to do: the changelog tells of closed windows, too."""

    async def _deliver(self) -> None:
        for number, key in enumerate(self._counts.changed(), 1):
            # Looked up only now: its window may have been closed since the last pause.
            count = self._counts.newest(key)
            if count is not None:
                payload = as_json(count, self._settings.window_ms)
                self._subscribers.deliver_provisional(self._topic, key, payload)
            if number % SLICE == 0:
                await asyncio.sleep(0)

    async def _stop_reading(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.wait([reading])

    async def _read(self) -> None:
        await keep_trying(self._connect_and_follow, "Provisional counts", RETRY_SECONDS)

    async def _connect_and_follow(self) -> None:
        # Asked first, for a consumer would make brokers create the topic, and wrongly.
        there = await check_access(self._settings.kafka, [self._changelog])
        tps = [TopicPartition(self._changelog, p) for p in range(there.get(self._changelog, 0))]
        if not tps:
            raise MissingTopicError(f"No topic {self._changelog!r}", "Start a worker")
        options = {**self._settings.kafka.client_options(), **FETCH}
        async with connected_consumer(options, "connecting to follow", LOOKUP_SECONDS) as consumer:
            async with translated("looking up where to follow", LOOKUP_SECONDS):
                await self._begin(consumer, tps)
            await self._follow(consumer, {TP(*tp) for tp in tps})

    async def _begin(self, consumer: AIOKafkaConsumer, tps: Sequence[TopicPartition]) -> None:
        """Go to the end of all partitions, as a reader of committed records sees it."""
        await partitions_of(consumer, self._changelog)
        consumer.assign(tps)
        for tp, end in (await consumer.end_offsets(tps)).items():
            consumer.seek(tp, end)

    async def _follow(self, consumer: AIOKafkaConsumer, tps: AbstractSet[TP]) -> None:
        while True:
            for fetched in await fetched_batches(consumer._fetcher, tps, PERIOD_SECONDS):
                if fetched.error is not None:
                    raise fetched.error
                for some in slices(chain.from_iterable(fetched.records()), SLICE):
                    self._counts.take(some)
                    await asyncio.sleep(0)
            if has_ended(consumer):
                raise TransactionError("the client has ended")


def as_json(count: Count, window_ms: int) -> bytes:
    """A provisional count as clients get it; times in ms since the epoch."""
    hashtag = count.key.decode(errors="backslashreplace")
    value = {
        "hashtag": hashtag,
        "count": count.number,
        "window_start": count.window,
        "window_end": count.window + window_ms,
    }
    message = {
        "key": hashtag,
        "value": value,
        "timestamp": count.timestamp,
        "provisional": True,
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
