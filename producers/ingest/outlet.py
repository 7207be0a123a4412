"""The way out, which all sources share: to Kafka, idempotent, acknowledged by all replicas in sync.

What was taken and isn't acknowledged yet is bounded in bytes. While Kafka is away nothing fails:
the buffer fills, and sources wait, or are told that it is full.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence

from producers.ingest.batch import Batch, Delivery
from producers.ingest.lane import Lane
from producers.ingest.producer import Producer
from producers.ingest.record import Record
from streams import metrics
from streams.core.partitioning import partition_of
from streams.errors import BufferFullError, UndeliveredError
from streams.kafka_settings import KafkaSettings

log = logging.getLogger(__name__)


class Outlet:
    """Start it, publish, close."""

    def __init__(self, kafka: KafkaSettings, buffer_bytes: int, max_record_bytes: int) -> None:
        self._producer = Producer(kafka, max_record_bytes)
        self._buffer_bytes = buffer_bytes
        self._max_record_bytes = max_record_bytes
        self._lanes: dict[str, list[Lane]] = {}
        #: The lane of each topic that records without a key go to, and what it had sent then.
        self._sticky: dict[str, tuple[Lane, int]] = {}
        self._used = 0
        #: Those who wait for room get it in their order.
        self._turn = asyncio.Lock()
        self._released = asyncio.Event()

    async def start(self, topics: Iterable[str]) -> None:
        """Connect, and look up the partitions of `topics`; raises TallyError."""
        await self._producer.start()
        for topic in topics:
            metrics.from_zero(metrics.INGEST_REFUSED, topic)
            self._lanes[topic] = [
                Lane(topic, number, self._producer.new_builder, self._send)
                for number in await self._producer.partitions_of(topic)
            ]

    @property
    def used_bytes(self) -> int:
        """What is taken and not acknowledged."""
        return self._used

    @property
    def waiting_s(self) -> float:
        """The longest time that a partition's records have waited for their acknowledgement."""
        return max((lane.waiting_s for lanes in self._lanes.values() for lane in lanes), default=0)

    def partitions_of(self, topic: str) -> list[int]:
        """The numbers of a topic's partitions."""
        return [lane.partition for lane in self._lanes[topic]]

    def offer(self, records: Sequence[Record]) -> Delivery:
        """Take `records` now, or raise BufferFullError, or UndeliveredError for a long one."""
        delivery = self._check(records)
        if self._turn.locked() or not self._has_room(delivery.cost):
            raise BufferFullError("Kafka doesn't acknowledge as fast as records come")
        return self._take(records, delivery)

    async def publish(self, records: Sequence[Record]) -> Delivery:
        """Take `records` as soon as there is room; raises UndeliveredError for a long one."""
        delivery = self._check(records)
        async with self._turn:
            while not self._has_room(delivery.cost):
                self._released.clear()
                await self._released.wait()
            return self._take(records, delivery)

    async def close(self) -> None:
        """Leave the cluster, whatever is still open."""
        await asyncio.gather(*(lane.close() for lanes in self._lanes.values() for lane in lanes))
        await self._producer.close()

    def _check(self, records: Sequence[Record]) -> Delivery:
        for record in records:
            if record.size > self._max_record_bytes:
                raise UndeliveredError(
                    f"A record of {record.size:,} bytes is longer than {self._max_record_bytes:,}",
                    "STREAMS_INGEST_MAX_RECORD_BYTES may be raised",
                )
        return Delivery(records, self._release)

    def _has_room(self, cost: int) -> bool:
        # What is larger than the buffer has to go somewhere, too.
        return not self._used or self._used + cost <= self._buffer_bytes

    def _take(self, records: Sequence[Record], delivery: Delivery) -> Delivery:
        self._used += delivery.cost
        metrics.INGEST_BUFFER.set(self._used)
        for record in records:
            self._lane_of(record).append(record, delivery)
        return delivery

    def _release(self, delivery: Delivery) -> None:
        self._used -= delivery.cost
        metrics.INGEST_BUFFER.set(self._used)
        self._released.set()

    def _lane_of(self, record: Record) -> Lane:
        lanes = self._lanes[record.topic]
        if record.key is not None:
            return lanes[partition_of(record.key, len(lanes))]
        # As Java's producers do: one partition until its batch is sent, then the next one.
        lane, sent = self._sticky.get(record.topic, (lanes[-1], -1))
        if lane.sent != sent:
            lane = lanes[(lane.partition + 1) % len(lanes)]
            self._sticky[record.topic] = lane, lane.sent
        return lane

    async def _send(self, batch: Batch) -> None:
        try:
            base = await self._producer.send(batch)
        except UndeliveredError as exc:
            log.error("%d records can't be published: %s", len(batch.records), exc)
            metrics.INGEST_REFUSED.labels(batch.topic).inc(len(batch.records))
            batch.fail(exc)
        else:
            metrics.INGEST_PUBLISHED.labels(batch.topic).inc(len(batch.records))
            batch.acknowledge(base)
