"""One batch of a partition on its way to Kafka, and the deliveries that wait for it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from producers.ingest.record import OVERHEAD, Position, Record


class Batch:
    """Records of one partition in their order; `full` once one more didn't fit."""

    def __init__(self, builder: Any, topic: str, partition: int) -> None:
        self.builder = builder
        self.topic = topic
        self.partition = partition
        self.base = -1
        self.records: list[Record] = []
        self.full = False
        self.deliveries: list[Delivery] = []
        # The same for all, so that it is exactly as long when it is built again.
        self._timestamp = time.time_ns() // 1_000_000

    def append(self, record: Record) -> bool:
        """Whether it still fitted; the first one always does."""
        if not self._build(record):
            self.full = True
            return False
        self.records.append(record)
        return True

    def rebuild(self, builder: Any) -> None:
        """The same records again; what Kafka got of a builder can't be sent twice."""
        self.builder = builder
        for record in self.records:
            fitted = self._build(record)
            assert fitted, "what fitted once fits again"

    def _build(self, record: Record) -> bool:
        added = self.builder.append(
            timestamp=self._timestamp, key=record.key, value=record.value, headers=record.headers
        )
        return added is not None

    def acknowledge(self, base: int) -> None:
        """Kafka has it, from offset `base` on."""
        self.base = base
        for delivery in self.deliveries:
            delivery.settle()

    def fail(self, problem: Exception) -> None:
        """Kafka hasn't acknowledged it, and won't."""
        for delivery in self.deliveries:
            delivery.settle(problem)


class Delivery:
    """Some records that were taken together: done when Kafka has acknowledged all of them.

    `settled` is called once, then, or when some of it has failed; even if nobody waits any more.
    """

    __slots__ = ("_future", "_problem", "_sent", "_settled", "_waiting", "cost")

    def __init__(self, records: Sequence[Record], settled: Callable[["Delivery"], None]) -> None:
        self.cost = sum(record.size for record in records) + OVERHEAD * len(records)
        self._settled = settled
        self._future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sent: list[tuple[Batch, int]] = []
        self._waiting = 0
        self._problem: Exception | None = None

    def add(self, batch: Batch) -> None:
        """Its next record is the last one of `batch` so far."""
        if not batch.deliveries or batch.deliveries[-1] is not self:
            batch.deliveries.append(self)
            self._waiting += 1
        self._sent.append((batch, len(batch.records) - 1))

    def settle(self, problem: Exception | None = None) -> None:
        """One of its batches is acknowledged, or has failed."""
        self._waiting -= 1
        self._problem = self._problem or problem
        if self._waiting:
            return
        self._settled(self)
        # It is cancelled if whoever waited has given up.
        if self._future.done():
            return
        if self._problem is None:
            self._future.set_result(None)
        else:
            self._future.set_exception(self._problem)
            self._future.exception()  # nobody has to ask

    async def acknowledged(self) -> list[Position]:
        """Where its records are, in their order; raises UndeliveredError. Only one may wait.

        Whoever is cancelled here hears no more of it, but it is published all the same.
        """
        await self._future
        return [Position(b.topic, b.partition, b.base + at) for b, at in self._sent]
