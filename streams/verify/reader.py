"""Reads one topic from a point in time up to ends that were asked for; never further, no group."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any

import aiokafka.errors as kafka_errors
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.core.columns import TP
from streams.errors import VerifyError
from streams.kafka.consumers import committed_consumer, stop_consumer
from streams.kafka.record_batches import FetchedBatches, fetched_batches
from streams.kafka_settings import KafkaSettings

#: Seconds within which a broker has to bring some of what it says it has.
STALL_SECONDS = 30.0


class Reader:
    """A topic's partitions as a reader of committed records sees them; made by `reading`."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str, partitions: int) -> None:
        self._consumer = consumer
        self._tps = [TopicPartition(topic, partition) for partition in range(partitions)]
        self.positions = [0] * partitions
        self.starts = [0] * partitions
        self.ends = [0] * partitions
        #: Partitions whose log has lost its beginning, and is read from what is left.
        self.cut_off: list[TP] = []

    @property
    def unread(self) -> list[int]:
        """Partitions that have not been read to their ends."""
        return [p for p, end in enumerate(self.ends) if self.positions[p] < end]

    async def begin(self, from_ms: int) -> None:
        """Go to the first record of each partition that bears `from_ms` or a later timestamp."""
        await self.extend()
        found = await self._consumer.offsets_for_times({tp: from_ms for tp in self._tps})
        beginnings = await self._consumer.beginning_offsets(self._tps)
        for tp in self._tps:
            p = tp.partition
            at = found.get(tp)
            self.starts[p] = self.ends[p] if at is None else at.offset
            if 0 < self.starts[p] <= beginnings[tp]:
                self.cut_off.append(TP(*tp))
        self.positions = list(self.starts)
        # All at once, or the fetcher would complain of a partition without a position.
        self._consumer.assign(self._tps)
        for tp in self._tps:
            self._consumer.seek(tp, self.starts[tp.partition])

    async def extend(self) -> None:
        """Ask for the ends anew."""
        ends = await self._consumer.end_offsets(self._tps)
        self.ends = [ends[tp] for tp in self._tps]

    async def fetch(self, wanted: Collection[int]) -> list[tuple[int, Iterable[Any]]]:
        """Some records of the `wanted` partitions, of which none is at its end; moves positions.

        May go past the ends: what was asked for is there, and perhaps more.
        """
        for tp in self._tps:
            # What nobody wants yet is not fetched, or it would fill the memory.
            if tp.partition in wanted:
                self._consumer.resume(tp)
            else:
                self._consumer.pause(tp)
        tps = {TP(*self._tps[p]) for p in wanted}
        async with asyncio.timeout(STALL_SECONDS):
            while True:
                fetched = await fetched_batches(self._consumer._fetcher, tps, seconds=1.0)
                if fetched:
                    return [self._taken(one) for one in fetched]

    def _taken(self, fetched: FetchedBatches) -> tuple[int, Iterable[Any]]:
        if isinstance(fetched.error, kafka_errors.OffsetOutOfRangeError):
            raise VerifyError(
                f"{fetched.tp} lost its records at offset {self.positions[fetched.tp.partition]} "
                "while they were read",
                "Compare a later time, or let the topic keep its records for longer",
            )
        if fetched.error is not None:
            raise fetched.error
        self.positions[fetched.tp.partition] = fetched.next_offset
        # One by one: kept as objects, a fetch of small records would take thirty times its size.
        return fetched.tp.partition, chain.from_iterable(fetched.records())


@asynccontextmanager
async def reading(
    kafka: KafkaSettings, topic: str, partitions: int, from_ms: int
) -> AsyncIterator[Reader]:
    """A reader of a topic's committed records from a point in time on."""
    consumer = committed_consumer(kafka.client_options())
    try:
        await consumer.start()
        reader = Reader(consumer, topic, partitions)
        await reader.begin(from_ms)
        yield reader
    finally:
        await stop_consumer(consumer)
