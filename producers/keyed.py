"""Publishing records by their key: all of a key go to one partition, in their order."""

import asyncio
from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from aiokafka import errors as kafka_errors

from producers.delivery import Delivery
from streams.kafka_settings import KafkaSettings

LINGER_S = 0.005
RECORDS_IN_FLIGHT = 10_000
FLUSH_TIMEOUT_S = 10.0


class KeyedRecord(NamedTuple):
    """What becomes one record; the timestamp in epoch ms."""

    key: bytes
    value: bytes
    timestamp_ms: int


class KeyedPublisher(Delivery):
    """Start it, publish, flush, close; see `Delivery`. The partition is that of Java's clients."""

    unit: ClassVar[str] = "quotes"

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        super().__init__(kafka, topic, RECORDS_IN_FLIGHT, LINGER_S)

    async def publish(self, records: Iterable[KeyedRecord]) -> None:
        """Take `records`; waits while too many are in flight. Raises what `failure` holds."""
        for record in records:
            await self._publish_one(record)
        if self.failure.done():
            self.failure.result()
        await asyncio.sleep(0)  # a source that never waits mustn't starve the sender

    async def _publish_one(self, record: KeyedRecord) -> None:
        await self._slots.acquire()
        try:
            delivery = await self._producer.send(
                self._topic, record.value, record.key, timestamp_ms=record.timestamp_ms
            )
        except (OSError, kafka_errors.KafkaError) as exc:
            self._slots.release()
            self._fail(exc)
            return
        except BaseException:
            self._slots.release()
            raise
        self.sent += 1
        self._watch(delivery, 1)

    async def flush(self, timeout_s: float = FLUSH_TIMEOUT_S) -> None:
        """Wait until all is acknowledged; raises ClusterAccessError if that takes too long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._until_acknowledged()
        except TimeoutError:
            raise self._unacknowledged(timeout_s) from None
        if self.failure.done():
            self.failure.result()
