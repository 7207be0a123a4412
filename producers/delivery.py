"""What publishing has in common: a producer, deliveries in flight, and the first failure.

All is idempotent and acknowledged by all replicas in sync. What can't be delivered ends the run,
since whatever came after it might be published while it isn't.
"""

import asyncio
from typing import Any, ClassVar

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka_errors

from streams.access import CONNECT_TIMEOUT_MS, explain
from streams.errors import ClusterAccessError
from streams.kafka_settings import KafkaSettings

BATCH_BYTES = 128 * 1024
DELIVERY_TIMEOUT_S = 120.0
START_TIMEOUT_S = 20.0
FLUSH_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 5.0


class Delivery:
    """A producer to one topic, with at most `in_flight` deliveries open.

    Start it, publish, flush, close; close() doesn't flush, so that an error isn't held up. `sent`
    counts what was taken, `acked` what the cluster has acknowledged, both in `unit`. `failure` ends
    with a TallyError as soon as something can't be published.
    """

    unit: ClassVar[str]

    def __init__(self, kafka: KafkaSettings, topic: str, in_flight: int, linger_s: float) -> None:
        self._kafka = kafka
        self._topic = topic
        self._producer = AIOKafkaProducer(
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            max_batch_size=BATCH_BYTES,
            linger_ms=int(linger_s * 1000),
            request_timeout_ms=CONNECT_TIMEOUT_MS,
            **kafka.client_options(),
        )
        self._slots = asyncio.Semaphore(in_flight)
        self._in_flight: dict[asyncio.Future[Any], asyncio.TimerHandle] = {}
        #: Set while nothing is in flight, or after a failure.
        self._settled = asyncio.Event()
        self._settled.set()
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent = self.acked = 0

    @property
    def total(self) -> str:
        """What was acknowledged, for people."""
        return f"{self.acked:,} {self.unit}"

    async def start(self) -> None:
        """Connect; raises ClusterAccessError."""
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._producer.start()
        except kafka_errors.ClusterAuthorizationFailedError as exc:
            # How Kafka says that a client may write to no topic at all, and so not to ours.
            denied = kafka_errors.TopicAuthorizationFailedError(self._topic)
            raise explain(denied, self._kafka) from exc
        except (OSError, kafka_errors.KafkaError) as exc:
            raise explain(exc, self._kafka) from exc

    async def flush(self, timeout_s: float = FLUSH_TIMEOUT_S) -> None:
        """Wait until all is acknowledged; raises ClusterAccessError if that takes too long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._hand_over_rest()
                if not self.failure.done():
                    await self._settled.wait()
        except TimeoutError:
            raise self._unacknowledged(timeout_s) from None
        self._raise_failure()

    async def close(self) -> None:
        """Leave the cluster, whatever is still open; within CLOSE_TIMEOUT_S."""
        # stop() waits for all batches; whoever wanted them has called flush() before.
        stopping = asyncio.create_task(self._producer.stop())
        await asyncio.wait({stopping}, timeout=CLOSE_TIMEOUT_S)
        stopping.cancel()
        self.failure.cancel()

    async def _hand_over_rest(self) -> None:
        """Give the producer what was taken and isn't in flight yet."""

    async def _taken(self) -> None:
        """What ends a publish(): raises what `failure` holds."""
        self._raise_failure()
        await asyncio.sleep(0)  # a source that never waits mustn't starve the sender

    def _watch(self, delivery: asyncio.Future[Any], count: int) -> None:
        """Take over a delivery of `count` for which a slot was acquired."""
        self._in_flight[delivery] = asyncio.get_running_loop().call_later(
            DELIVERY_TIMEOUT_S, self._overdue
        )
        self._settled.clear()
        delivery.add_done_callback(lambda done: self._delivered(done, count))

    def _delivered(self, delivery: asyncio.Future[Any], count: int) -> None:
        self._in_flight.pop(delivery).cancel()
        self._slots.release()
        if not self._in_flight:
            self._settled.set()
        if delivery.cancelled():
            return
        problem = delivery.exception()
        if problem is None:
            self.acked += count
        else:
            self._fail(problem)

    def _fail(self, problem: BaseException) -> None:
        if not self.failure.done():
            self.failure.set_exception(explain(problem, self._kafka))
        self._settled.set()

    def _raise_failure(self) -> None:
        if self.failure.done():
            self.failure.result()

    def _overdue(self) -> None:
        self._fail(self._unacknowledged(DELIVERY_TIMEOUT_S))

    def _unacknowledged(self, waited_s: float) -> ClusterAccessError:
        return ClusterAccessError(
            f"{self.sent - self.acked:,} {self.unit} weren't acknowledged within {waited_s:g} s: "
            "some of them may be in the topic, some not",
            "Look at the brokers",
        )
