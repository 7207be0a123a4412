"""A task's transactional producer on aiokafka.

Hook, written for aiokafka 0.14.0: fills a batch through its compiled builder, which takes
`BatchBuilder._builder` and `_relative_offset`; `tests/contract/test_producer_batches.py` compares
it with `BatchBuilder.append`. Closing reaches for `AIOKafkaProducer._sender`.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
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
            at = in_last = 0
            while at < len(records):
                batch = self._producer.create_batch()
                in_last = _fill(batch, islice(records, at, None))
                assert in_last, "a batch takes its first record, however large"
                at += in_last
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
        if producer is not None:
            # In a task of its own: closing cancels aiokafka's tasks, and may hand that on.
            closing = asyncio.ensure_future(_close(producer))
            await asyncio.wait([closing])


async def _close(producer: MemberProducer) -> None:
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


def _fill(batch: Any, records: Iterable[Fields]) -> int:
    """Add records to an empty batch until it is full; returns how many."""
    # The compiled builder itself: the batch's own `append` costs more than the builder's.
    append = batch._builder.append
    n = 0
    for key, value, timestamp, headers in records:
        # aiokafka wants a list of headers; most records have none.
        listed = list(headers) if headers else _NO_HEADERS
        if append(n, timestamp, key, value, listed) is None:
            break
        n += 1
    batch._relative_offset = n
    return n
