"""A task's transactional producer on aiokafka."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.structs import OffsetAndMetadata, TopicPartition

from streams.core.columns import TP
from streams.core.ports import Committed, Fields, Member
from streams.kafka.errors import translated
from streams.kafka.group_offsets import MemberProducer

#: Bytes of a produced batch, below the brokers' default limit of 1 MiB.
BATCH_BYTES = 900_000
#: Seconds that closing may take before connections are dropped.
CLOSE_SECONDS = 2.0
RETRY_BACKOFF_MS = 20

_NO_HEADERS: list[tuple[str, bytes]] = []


class KafkaProducer:
    """See `ports.TransactionalProducer`. Every wait ends after `timeout_ms`."""

    def __init__(self, options: Mapping[str, Any], transactional_id: str, timeout_ms: int) -> None:
        self._options = options
        self._id = transactional_id
        self._timeout_ms = timeout_ms
        self._seconds = timeout_ms / 1000
        self._started: MemberProducer | None = None

    async def start(self) -> None:
        async with translated(f"initialising {self._id}", self._seconds):
            self._started = MemberProducer(
                **{**self._options, "request_timeout_ms": self._timeout_ms},
                transactional_id=self._id,
                transaction_timeout_ms=self._timeout_ms,
                retry_backoff_ms=RETRY_BACKOFF_MS,
                max_batch_size=BATCH_BYTES,
                max_request_size=2 * BATCH_BYTES,
            )
            await self._started.start()

    @property
    def _producer(self) -> MemberProducer:
        assert self._started is not None, "the producer is started before it is used"
        return self._started

    async def begin(self) -> None:
        async with translated(f"beginning a transaction of {self._id}", self._seconds):
            await self._producer.begin_transaction()

    async def send_offsets(self, offsets: Mapping[TP, Committed], member: Member) -> None:
        async with translated(f"committing offsets by {self._id}", self._seconds):
            self._producer.act_for(member)
            await self._producer.send_offsets_to_transaction(
                {TopicPartition(*tp): OffsetAndMetadata(*at) for tp, at in offsets.items()},
                member.group,
            )

    async def send(self, tp: TP, records: Sequence[Fields]) -> int:
        async with translated(f"writing to {tp} by {self._id}", self._seconds):
            acknowledged: list[asyncio.Future[Any]] = []
            batch = self._producer.create_batch()
            for record in records:
                if not _append(batch, record):
                    acknowledged.append(await self._submit(batch, tp))
                    batch = self._producer.create_batch()
                    _append(batch, record)
            in_last: int = batch.record_count()
            acknowledged.append(await self._submit(batch, tp))
            *_, last = await asyncio.gather(*acknowledged)
            return int(last.offset) + in_last - 1

    async def _submit(self, batch: Any, tp: TP) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = await self._producer.send_batch(
            batch, tp.topic, partition=tp.partition
        )
        return future

    async def commit(self) -> None:
        async with translated(f"committing a transaction of {self._id}", self._seconds):
            await self._producer.commit_transaction()

    async def abort(self) -> None:
        async with translated(f"aborting a transaction of {self._id}", self._seconds):
            await self._producer.abort_transaction()

    async def close(self) -> None:
        producer, self._started = self._started, None
        if producer is None:
            return
        producer.forget_errors()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await producer.stop()
        except Exception:
            # What is still unsent must not be sent: drop the connections under it.
            with contextlib.suppress(Exception):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await producer._sender.close()
            with contextlib.suppress(Exception):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await producer.client.close()


def _append(batch: Any, record: Fields) -> bool:
    """Add a record to a batch; False if the batch is full."""
    key, value, timestamp, headers = record
    # aiokafka wants a list of headers; most records have none.
    listed = list(headers) if headers else _NO_HEADERS
    added = batch.append(timestamp=timestamp, key=key, value=value, headers=listed)
    return added is not None
