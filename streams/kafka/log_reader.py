"""Reads logs for restores and standbys: whole record batches, by a consumer without a group."""

import asyncio
from collections.abc import Mapping
from itertools import chain
from typing import Any

import aiokafka.errors as kafka_errors
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from streams.core.columns import TP
from streams.core.ports import Piece
from streams.errors import OffsetLostError, TransactionError
from streams.kafka.consumers import committed_consumer, has_ended, stop_consumer
from streams.kafka.errors import translated
from streams.kafka.record_batches import FetchedBatches, fetched_batches

#: How a restore fetches: as much as comes, while its thread writes what came before.
RESTORE = {"max_partition_fetch_bytes": 2 * 2**20}
#: How standbys fetch: seldom, for they needn't be quick, and every fetch costs.
FOLLOW = {
    "max_partition_fetch_bytes": 2**20,
    "fetch_max_bytes": 8 * 2**20,
    "fetch_min_bytes": 2**20,
    "fetch_max_wait_ms": 500,
}


class LogReader:
    """See `ports.LogFollower`. `options` are those of any client, `fetch` one of the above.

    It connects when it is first told to read.
    """

    def __init__(
        self, options: Mapping[str, Any], seconds: float, fetch: Mapping[str, int]
    ) -> None:
        self._options = {**options, **fetch}
        self._seconds = seconds
        self._positions: dict[TP, int] = {}
        self._consumer: AIOKafkaConsumer | None = None
        self._connecting = asyncio.Lock()

    async def begin(self, tp: TP, offset: int) -> None:
        async with self._connecting:
            if self._consumer is None or has_ended(self._consumer):
                await self._connect()
        self._positions[tp] = offset
        self._assign()

    async def next(self, tp: TP, seconds: float) -> Piece | None:
        assert self._consumer is not None, "a log is begun before it is read"
        async with translated(f"reading {tp}", seconds + self._seconds):
            found = await fetched_batches(self._consumer._fetcher, {tp}, seconds)
        for fetched in found:
            return self._piece(fetched)
        if has_ended(self._consumer):
            raise TransactionError(f"reading {tp}: the client has ended")
        return None

    def leave(self, tp: TP) -> None:
        if self._positions.pop(tp, None) is not None:
            self._assign()

    async def close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stop_consumer(consumer)

    async def _connect(self) -> None:
        await self.close()
        consumer = committed_consumer(self._options)
        try:
            async with translated("connecting to read", self._seconds):
                await consumer.start()
        except BaseException:
            await stop_consumer(consumer)
            raise
        self._consumer = consumer

    def _assign(self) -> None:
        """Tell the consumer where to read. Each assignment begins anew, so all are sought."""
        if self._consumer is not None:
            self._consumer.assign([TopicPartition(*tp) for tp in self._positions])
            for tp, offset in self._positions.items():
                self._consumer.seek(TopicPartition(*tp), offset)

    def _piece(self, fetched: FetchedBatches) -> Piece:
        tp = fetched.tp
        if isinstance(fetched.error, kafka_errors.OffsetOutOfRangeError):
            raise OffsetLostError(f"{tp}: offset {self._positions[tp]} is no longer in the log")
        if fetched.error is not None:
            raise TransactionError(f"reading {tp}: {fetched.error!r}")
        self._positions[tp] = fetched.next_offset
        assert self._consumer is not None
        end = self._consumer.last_stable_offset(TopicPartition(*tp))
        records = chain.from_iterable(fetched.records())
        return Piece(records, fetched.next_offset, max(end or 0, fetched.next_offset))
