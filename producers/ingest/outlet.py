"""The way out, which all sources share: to Kafka, idempotent, acknowledged by all replicas in sync.

What was taken and isn't acknowledged yet is bounded in bytes. While Kafka is away nothing fails:
the buffer fills, and sources wait, or are told that it is full.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka_errors
from murmurhash2 import murmurhash2

from producers.backoff import Backoff
from producers.ingest.batch import Batch, Delivery
from producers.ingest.lane import Lane
from producers.ingest.record import Record
from streams import metrics
from streams.access import CONNECT_TIMEOUT_MS, explain
from streams.errors import BufferFullError, TallyError, UndeliveredError
from streams.kafka_settings import KafkaSettings

log = logging.getLogger(__name__)

BATCH_BYTES = 128 * 1024
START_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 5.0
#: With which Java's producers hash; from org.apache.kafka.common.utils.Utils.murmur2.
_SEED = 0x9747B28C


#: What a producer that starts anew doesn't meet.
_BY_ANOTHER_PRODUCER = (
    kafka_errors.KafkaTimeoutError,
    kafka_errors.OutOfOrderSequenceNumber,
    kafka_errors.InvalidProducerEpoch,
    kafka_errors.UnknownProducerId,
    kafka_errors.ProducerClosed,
    kafka_errors.ProducerFenced,
)


class Outlet:
    """Start it, publish, drain, close."""

    def __init__(self, kafka: KafkaSettings, buffer_bytes: int, max_record_bytes: int) -> None:
        self._kafka = kafka
        self._buffer_bytes = buffer_bytes
        self._max_record_bytes = max_record_bytes
        self._lanes: dict[str, list[Lane]] = {}
        #: The lane of each topic that records without a key go to, and what it had sent then.
        self._sticky: dict[str, tuple[Lane, int]] = {}
        self._used = 0
        #: Those who wait for room get it in their order.
        self._turn = asyncio.Lock()
        self._released = asyncio.Event()
        self._producer: AIOKafkaProducer | None = None
        #: The newest producer, even if it is retired: it still makes batches.
        self._maker: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._retired: set[asyncio.Task[None]] = set()
        self._backoff = Backoff(0.5, 30.0)

    async def start(self, topics: Iterable[str]) -> None:
        """Connect, and look up the partitions of `topics`; raises TallyError."""
        try:
            producer = await self._usable_producer()
            for topic in topics:
                partitions = await producer.partitions_for(topic)
                self._lanes[topic] = [
                    Lane(topic, number, self._create_batch, self._send)
                    for number in sorted(partitions)
                ]
        except (OSError, kafka_errors.KafkaError) as exc:
            raise explain(exc, self._kafka) from exc

    @property
    def used_bytes(self) -> int:
        """What is taken and not acknowledged."""
        return self._used

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
                await self._release_of_some()
            return self._take(records, delivery)

    async def drain(self) -> None:
        """Wait until all that was taken is acknowledged, or has failed."""
        while self._used:
            await self._release_of_some()

    async def close(self) -> None:
        """Leave the cluster, whatever is still open; within CLOSE_TIMEOUT_S."""
        await asyncio.gather(*(lane.close() for lanes in self._lanes.values() for lane in lanes))
        if self._producer is not None:
            self._retire(self._producer)
        if self._retired:
            await asyncio.wait(self._retired, timeout=CLOSE_TIMEOUT_S)
        for stopping in self._retired:
            stopping.cancel()

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

    async def _release_of_some(self) -> None:
        self._released.clear()
        await self._released.wait()

    def _lane_of(self, record: Record) -> Lane:
        lanes = self._lanes[record.topic]
        if record.key is not None:
            return lanes[(murmurhash2(record.key, _SEED) & 0x7FFFFFFF) % len(lanes)]
        # As Java's producers do: one partition until its batch is sent, then the next one.
        lane, sent = self._sticky.get(record.topic, (lanes[-1], -1))
        if lane.sent != sent:
            lane = lanes[(lane.partition + 1) % len(lanes)]
            self._sticky[record.topic] = lane, lane.sent
        return lane

    def _create_batch(self) -> Any:
        assert self._maker is not None, "the outlet is started before it is used"
        return self._maker.create_batch()

    async def _send(self, batch: Batch) -> None:
        """Publish a batch; only what Kafka refuses for good fails."""
        while True:
            try:
                base = await self._try_to_send(batch)
            except (OSError, kafka_errors.KafkaError, TallyError) as exc:
                if not is_passing(exc):
                    self._give_up(batch, exc)
                    return
                log.warning("Kafka doesn't take records: %s", explain(exc, self._kafka))
                await asyncio.sleep(self._backoff.next_s())
                batch.rebuild(self._create_batch())
            else:
                self._backoff.reset()
                metrics.INGEST_PUBLISHED.labels(batch.topic).inc(len(batch.records))
                batch.acknowledge(base)
                return

    async def _try_to_send(self, batch: Batch) -> int:
        """Publish a batch; returns its first offset."""
        producer = await self._usable_producer()
        try:
            sent = await producer.send_batch(batch.builder, batch.topic, partition=batch.partition)
            return int((await sent).offset)
        except kafka_errors.KafkaError:
            # Its sequence numbers have a gap now, which brokers refuse.
            self._retire(producer)
            raise

    def _give_up(self, batch: Batch, exc: BaseException) -> None:
        reason = explain(exc, self._kafka)
        log.error("%d records can't be published: %s", len(batch.records), reason)
        metrics.INGEST_REFUSED.labels(batch.topic).inc(len(batch.records))
        batch.fail(UndeliveredError(reason.happened, reason.remedy))

    async def _usable_producer(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    acks="all",
                    enable_idempotence=True,
                    compression_type="lz4",
                    max_batch_size=BATCH_BYTES,
                    max_request_size=self._max_record_bytes + BATCH_BYTES,
                    request_timeout_ms=CONNECT_TIMEOUT_MS,
                    **self._kafka.client_options(),
                )
                try:
                    async with asyncio.timeout(START_TIMEOUT_S):
                        await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = self._maker = producer
            return self._producer

    def _retire(self, producer: AIOKafkaProducer) -> None:
        """Use it no more. It stops by itself when its other batches are out."""
        if producer is self._producer:
            self._producer = None
            stopping = asyncio.create_task(producer.stop())
            self._retired.add(stopping)
            stopping.add_done_callback(self._retired.discard)


def is_passing(exc: BaseException) -> bool:
    """Whether the same batch may succeed later."""
    if isinstance(exc, kafka_errors.KafkaError):
        return bool(exc.retriable) or isinstance(exc, _BY_ANOTHER_PRODUCER)
    return isinstance(exc, OSError)
