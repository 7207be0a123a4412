"""Reads results from Kafka again, for those who were away for longer than the ring remembers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import aiokafka.errors as kafka_errors
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from streams.access import check_access
from streams.core.columns import TP
from streams.core.ports import LogRange
from streams.errors import OffsetLostError, TransactionError
from streams.kafka.consumers import connected_consumer
from streams.kafka.errors import translated
from streams.kafka.record_batches import fetched_batches
from streams.settings import Settings

#: Seconds that one look-up may take, or the next records of a log that has some.
SECONDS = 15.0
#: Look-ups at a time, which only cursors from the future cause.
LOOKUPS = 4
FETCH = {"max_partition_fetch_bytes": 512 * 1024}


class Archive:
    """Opens readers: a few at a time, the others wait for their turn."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reads = asyncio.Semaphore(settings.live.replays)
        self._lookups = asyncio.Semaphore(LOOKUPS)

    @contextlib.asynccontextmanager
    async def reader(self) -> AsyncIterator["Reader"]:
        """A reader of its own. Raises TransactionError or ClusterAccessError."""
        async with self._reads, self._connected() as reader:
            yield reader

    async def ranges(self, tps: Iterable[TP]) -> dict[TP, LogRange]:
        """Where these logs begin and end; those that don't exist are left out."""
        wanted = list(tps)
        async with self._lookups:
            counts = await check_access(self._settings.kafka, {tp.topic for tp in wanted})
            there = [tp for tp in wanted if tp.partition < counts.get(tp.topic, 0)]
            async with self._connected() as reader:
                return await reader.ranges(there)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator["Reader"]:
        options = {**self._settings.kafka.client_options(), **FETCH}
        async with connected_consumer(options, "connecting to read again", SECONDS) as consumer:
            yield Reader(consumer)


class Reader:
    """Reads one partition after the other."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def ranges(self, tps: Sequence[TP]) -> dict[TP, LogRange]:
        """Where these logs begin and end."""
        wanted = [TopicPartition(*tp) for tp in tps]
        async with translated("looking up logs", SECONDS):
            starts = await self._consumer.beginning_offsets(wanted)
            ends = await self._consumer.end_offsets(wanted)
        return {TP(*tp): LogRange(starts[tp], ends[tp]) for tp in wanted}

    async def read(self, tp: TP, start: int, end: int) -> AsyncIterator[tuple[Iterable[Any], int]]:
        """The records of [start, end) in pieces, each with the offset to go on from.

        Raises OffsetLostError if the log has lost them meanwhile, TransactionError if it fails.
        """
        self._consumer.assign([TopicPartition(*tp)])
        self._consumer.seek(TopicPartition(*tp), start)
        while start < end:
            async with translated(f"reading {tp} from {start}", SECONDS):
                fetched = await fetched_batches(self._consumer._fetcher, {tp}, SECONDS)
            if not fetched:
                raise TransactionError(f"reading {tp} from {start}: nothing came")
            for piece in fetched:
                if isinstance(piece.error, kafka_errors.OffsetOutOfRangeError):
                    raise OffsetLostError(f"{tp}: offset {start} is no longer in the log")
                if piece.error is not None:
                    raise TransactionError(f"reading {tp} from {start}: {piece.error!r}")
                start = min(piece.next_offset, end)
                records = (r for batch in piece.records() for r in batch if r.offset < end)
                yield records, start
