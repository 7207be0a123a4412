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
from streams.core.ports import Committed, LogRange, LogRecord
from streams.errors import OffsetLostError, TransactionError
from streams.kafka.errors import translated
from streams.kafka.group_offsets import StableOffsetFetchRequest, committed_offsets
from streams.kafka.producer import KafkaProducer
from streams.kafka.record_batches import fetched_batches

#: Bytes of a partition that one fetch of a restore brings.
RESTORE_FETCH_BYTES = 2 * 2**20
#: Seconds that closing a consumer may take.
STOP_SECONDS = 2.0
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

    async def read(
        self, tp: TP, start: int, end: int
    ) -> AsyncIterator[tuple[list[LogRecord], int]]:
        if start >= end:
            return
        consumer = AIOKafkaConsumer(
            **self._options,
            isolation_level="read_committed",
            auto_offset_reset="none",
            max_partition_fetch_bytes=RESTORE_FETCH_BYTES,
        )
        position = start
        try:
            async with translated(f"reading {tp}", self._seconds):
                await consumer.start()
                consumer.assign([TopicPartition(*tp)])
                consumer.seek(TopicPartition(*tp), start)
            # Logs end in control records, so the position tells the end, not the last record.
            while position < end:
                async with translated(f"reading {tp} from {position}", self._seconds):
                    records, position = await _next_records(consumer, tp, position)
                yield records, position
        finally:
            await stop_consumer(consumer)

    async def delete_records(self, tp: TP, before: int) -> None:
        async with translated(f"deleting records of {tp}", self._seconds):
            await self.admin.delete_records(
                {TopicPartition(*tp): RecordsToDelete(before_offset=before)}
            )


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer. In a task of its own: a consumer that never fetched cancels its caller."""
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait([stopping], timeout=STOP_SECONDS)
    stopping.cancel()


async def _end(consumer: AIOKafkaConsumer, tp: TP) -> int:
    """A log's end as the consumer's isolation level sees it."""
    return int((await consumer.end_offsets([TopicPartition(*tp)]))[tp])


def _unstable(response: Any) -> bool:
    return any(
        code == _UNSTABLE_OFFSET_COMMIT
        for _topic, partitions, _tags in response.topics
        for *_fields, code, _tag in partitions
    )


async def _next_records(
    consumer: AIOKafkaConsumer, tp: TP, position: int
) -> tuple[list[LogRecord], int]:
    while True:
        for fetched in await fetched_batches(consumer._fetcher, {tp}, seconds=1.0):
            if isinstance(fetched.error, kafka_errors.OffsetOutOfRangeError):
                raise OffsetLostError(f"{tp}: offset {position} is no longer in the log")
            if fetched.error is not None:
                raise TransactionError(f"reading {tp}: {fetched.error!r}")
            records = [
                LogRecord(record.offset, record.key, record.value)
                for batch in fetched.batches
                for record in batch
                if record.offset >= position
            ]
            return records, fetched.next_offset
