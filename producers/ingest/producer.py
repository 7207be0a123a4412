"""The idempotent producer, and another one whenever it can't go on.

aiokafka retries a batch by itself as long as its producer lives, without repeats. What ends that is
a partition without a leader for so long that the batch expires. A batch that is sent again by
another producer may be there twice, if Kafka had it and could not say so.
"""

import asyncio
import logging
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka_errors

from producers.backoff import Backoff
from producers.ingest.batch import Batch
from streams.access import CONNECT_TIMEOUT_MS, explain
from streams.errors import TallyError, UndeliveredError
from streams.kafka_settings import KafkaSettings

log = logging.getLogger(__name__)

BATCH_BYTES = 128 * 1024
START_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 5.0
LONGEST_PAUSE_S = 5.0

#: What a producer that starts anew doesn't meet.
_BY_ANOTHER_PRODUCER = (
    kafka_errors.KafkaTimeoutError,
    kafka_errors.OutOfOrderSequenceNumber,
    kafka_errors.InvalidProducerEpoch,
    kafka_errors.UnknownProducerId,
    kafka_errors.ProducerClosed,
    kafka_errors.ProducerFenced,
)


class Producer:
    """Start it, send, close."""

    def __init__(self, kafka: KafkaSettings, max_record_bytes: int) -> None:
        self._kafka = kafka
        self._max_request = max_record_bytes + BATCH_BYTES
        self._current: AIOKafkaProducer | None = None
        #: The newest one, even if it is retired: it still makes batches.
        self._newest: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._retired: set[asyncio.Task[None]] = set()
        #: What the log has told last; empty when all is well.
        self._trouble = ""

    async def start(self) -> None:
        """Connect; raises TallyError."""
        try:
            await self._usable()
        except (OSError, kafka_errors.KafkaError) as exc:
            raise explain(exc, self._kafka) from exc

    async def partitions_of(self, topic: str) -> list[int]:
        """The numbers of a topic's partitions; raises TallyError."""
        try:
            return sorted(await (await self._usable()).partitions_for(topic))
        except (OSError, kafka_errors.KafkaError) as exc:
            raise explain(exc, self._kafka) from exc

    def new_builder(self) -> Any:
        """What a batch is built by."""
        assert self._newest is not None, "it is started before it is used"
        return self._newest.create_batch()

    async def send(self, batch: Batch) -> int:
        """Publish a batch, however long that takes; returns its first offset.

        Raises UndeliveredError if Kafka refuses it for good.
        """
        backoff = Backoff(0.5, LONGEST_PAUSE_S)
        while True:
            try:
                producer = await self._usable()
            except (OSError, kafka_errors.KafkaError, TallyError) as exc:
                self._tell(exc)
                await asyncio.sleep(backoff.next_s())
                continue
            try:
                base = await self._send(producer, batch)
            except (OSError, kafka_errors.KafkaError) as exc:
                if not _is_passing(exc):
                    reason = explain(exc, self._kafka)
                    raise UndeliveredError(reason.happened, reason.remedy) from exc
                self._tell(exc)
                await asyncio.sleep(backoff.next_s())
                batch.rebuild(self.new_builder())
            else:
                self._all_is_well()
                return base

    async def close(self) -> None:
        """Leave the cluster, whatever is still open; within CLOSE_TIMEOUT_S."""
        if self._current is not None:
            self._retire(self._current)
        if self._retired:
            await asyncio.wait(self._retired, timeout=CLOSE_TIMEOUT_S)
        for stopping in self._retired:
            stopping.cancel()

    async def _send(self, producer: AIOKafkaProducer, batch: Batch) -> int:
        try:
            sent = await producer.send_batch(batch.builder, batch.topic, partition=batch.partition)
            return int((await sent).offset)
        except kafka_errors.KafkaError:
            # Its sequence numbers have a gap now, which brokers refuse.
            self._retire(producer)
            raise

    async def _usable(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._current is None:
                producer = AIOKafkaProducer(
                    acks="all",
                    enable_idempotence=True,
                    compression_type="lz4",
                    max_batch_size=BATCH_BYTES,
                    max_request_size=self._max_request,
                    request_timeout_ms=CONNECT_TIMEOUT_MS,
                    **self._kafka.client_options(),
                )
                try:
                    async with asyncio.timeout(START_TIMEOUT_S):
                        await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._current = self._newest = producer
            return self._current

    def _retire(self, producer: AIOKafkaProducer) -> None:
        """Use it no more. It stops by itself when its other batches are out."""
        if producer is self._current:
            self._current = None
            stopping = asyncio.create_task(producer.stop())
            self._retired.add(stopping)
            stopping.add_done_callback(self._retired.discard)

    def _tell(self, exc: BaseException) -> None:
        """Log a trouble, once for all batches that meet it."""
        text = str(explain(exc, self._kafka))
        if text != self._trouble:
            log.warning("Kafka doesn't take records, which wait: %s", text)
            self._trouble = text

    def _all_is_well(self) -> None:
        if self._trouble:
            log.info("Kafka takes records again")
            self._trouble = ""


def _is_passing(exc: BaseException) -> bool:
    """Whether the same batch may succeed later."""
    if isinstance(exc, kafka_errors.KafkaError):
        return bool(exc.retriable) or isinstance(exc, _BY_ANOTHER_PRODUCER)
    return True
