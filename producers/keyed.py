"""Publishing records by their key: all of a key go to one partition, in their order."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple

from aiokafka import errors as kafka_errors

from producers.delivery import Delivery
from streams.kafka_settings import KafkaSettings

LINGER_S = 0.005
RECORDS_IN_FLIGHT = 10_000


class KeyedRecord(NamedTuple):
    """What becomes one record; the timestamp in epoch ms."""

    key: bytes
    value: bytes
    timestamp_ms: int


class KeyedPublisher(Delivery):
    """See `Delivery`. The partition is that of Java's clients.

    `encode` makes the value that is published of a record's; without it, that is the one.
    """

    unit: ClassVar[str] = "quotes"

    def __init__(
        self, kafka: KafkaSettings, topic: str, encode: Callable[[bytes], bytes] | None = None
    ) -> None:
        super().__init__(kafka, topic, RECORDS_IN_FLIGHT, LINGER_S)
        self._encode = encode

    async def publish(self, records: Iterable[KeyedRecord]) -> None:
        """Take `records`; waits while too many are in flight. Raises what `failure` holds."""
        for record in records:
            await self._slots.acquire()
            try:
                delivery = await self._queued(record)
            except BaseException:
                self._slots.release()
                raise
            self.sent += 1
            self._watch(delivery, 1)
        await self._taken()

    async def _queued(self, record: KeyedRecord) -> asyncio.Future[Any]:
        value = record.value if self._encode is None else self._encode(record.value)
        while True:
            self._raise_failure()
            try:
                delivery: asyncio.Future[Any] = await self._producer.send(
                    self._topic, value, record.key, timestamp_ms=record.timestamp_ms
                )
            except kafka_errors.KafkaTimeoutError:
                continue  # its partition's last batch isn't out yet; what is in it has timers
            except (OSError, kafka_errors.KafkaError) as exc:
                self._fail(exc)
            else:
                return delivery
