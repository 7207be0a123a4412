"""A real cluster behind the engine's ports; see `ports.Cluster`."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import aiokafka.errors as kafka_errors
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.structs import TopicPartition

from streams.core.columns import TP
from streams.core.ports import Committed, LogRange, Piece
from streams.kafka.consumers import stop_consumer
from streams.kafka.errors import translated
from streams.kafka.group_offsets import StableOffsetFetchRequest, committed_offsets
from streams.kafka.log_reader import FOLLOW, RESTORE, LogReader
from streams.kafka.producer import KafkaProducer

_UNSTABLE_OFFSET_COMMIT = 88


class WallClock:
    """See `ports.Clock`."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000


class KafkaCluster:
    """One worker's view of the cluster: a consumer without a group for look-ups, an admin client.

    `options` are the access options of any aiokafka client. Every wait ends after `timeout_ms`.
    """

    def __init__(self, options: Mapping[str, Any], timeout_ms: int) -> None:
        self._options = {**options, "request_timeout_ms": timeout_ms}
        self._timeout_ms = timeout_ms
        self._seconds = timeout_ms / 1000
        self._lookup: AIOKafkaConsumer | None = None
        self._uncommitted: AIOKafkaConsumer | None = None
        self._admin: AIOKafkaAdminClient | None = None

    async def start(self) -> None:
        """Connect."""
        self._lookup = AIOKafkaConsumer(**self._options, isolation_level="read_committed")
        await self._lookup.start()
        self._uncommitted = AIOKafkaConsumer(**self._options)
        await self._uncommitted.start()
        self._admin = AIOKafkaAdminClient(**self._options)
        await self._admin.start()

    async def stop(self) -> None:
        """Close all connections of the look-ups."""
        for consumer in (self._lookup, self._uncommitted):
            if consumer is not None:
                await stop_consumer(consumer)
        if self._admin is not None:
            await self._admin.close()

    @property
    def lookup(self) -> AIOKafkaConsumer:
        """The consumer for look-ups; only after `start`."""
        assert self._lookup is not None, "the cluster is started before it is used"
        return self._lookup

    @property
    def admin(self) -> AIOKafkaAdminClient:
        """The admin client; only after `start`."""
        assert self._admin is not None, "the cluster is started before it is used"
        return self._admin

    def producer(self, transactional_id: str) -> KafkaProducer:
        return KafkaProducer(self._options, transactional_id, self._timeout_ms)

    async def committed(
        self, group: str, tps: Sequence[TP], *, stable: bool = True
    ) -> dict[TP, Committed]:
        async with translated(f"reading the committed offsets of {group}", self._seconds):
            client: AIOKafkaClient = self.lookup._client
            while True:
                try:
                    node = await client.coordinator_lookup(0, group)
                    request = StableOffsetFetchRequest(group, list(tps), stable)
                    response = await client.send(node, request, group=ConnectionGroup.COORDINATION)
                    if not _unstable(response):
                        return committed_offsets(response)
                except kafka_errors.KafkaError as exc:
                    if not exc.retriable:
                        raise
                # A transaction that is just being ended, or a coordinator that is just moving.
                await asyncio.sleep(0.02)

    async def high_watermark(self, tp: TP) -> int:
        async with translated(f"looking up the end of {tp}", self._seconds):
            assert self._uncommitted is not None, "the cluster is started before it is used"
            return await _end(self._uncommitted, tp)

    async def log_range(self, tp: TP) -> LogRange:
        async with translated(f"looking up the log of {tp}", self._seconds):
            start = (await self.lookup.beginning_offsets([TopicPartition(*tp)]))[tp]
            return LogRange(start, await _end(self.lookup, tp))

    async def read(self, tp: TP, start: int, end: int) -> AsyncIterator[Piece]:
        if start >= end:
            return
        reader = LogReader(self._options, self._seconds, RESTORE)
        try:
            await reader.begin(tp, start)
            position = start
            # Logs end in control records, so the position tells the end, not the last record.
            while position < end:
                piece = await self._next_piece(reader, tp, position)
                position = piece.following
                yield piece
        finally:
            await reader.close()

    async def _next_piece(self, reader: LogReader, tp: TP, position: int) -> Piece:
        async with translated(f"reading {tp} from {position}", self._seconds):
            while True:
                piece = await reader.next(tp, self._seconds)
                if piece is not None:
                    return piece

    def follower(self) -> LogReader:
        return LogReader(self._options, self._seconds, FOLLOW)

    async def delete_records(self, tp: TP, before: int) -> None:
        async with translated(f"deleting records of {tp}", self._seconds):
            await self.admin.delete_records(
                {TopicPartition(*tp): RecordsToDelete(before_offset=before)}
            )


async def _end(consumer: AIOKafkaConsumer, tp: TP) -> int:
    """A log's end as the consumer's isolation level sees it."""
    return int((await consumer.end_offsets([TopicPartition(*tp)]))[tp])


def _unstable(response: Any) -> bool:
    return any(
        code == _UNSTABLE_OFFSET_COMMIT
        for _topic, partitions, _tags in response.topics
        for *_fields, code, _tag in partitions
    )
