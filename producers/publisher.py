"""Publishing hashtags: whole batches, each to the next partition, a bounded number in flight.

A batch is sent when it is full or has waited for LINGER_S. All is idempotent and acknowledged by
all replicas in sync; a failed batch ends the run, since whatever came after it might be published
while it isn't.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka_errors

from producers.hashtags import TaggedTweet
from streams.access import CONNECT_TIMEOUT_MS, explain
from streams.errors import ClusterAccessError
from streams.kafka_settings import KafkaSettings

BATCH_BYTES = 128 * 1024
LINGER_S = 0.05
BATCHES_IN_FLIGHT = 16
DELIVERY_TIMEOUT_S = 120.0
FLUSH_TIMEOUT_S = 10.0
START_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 5.0


class Publisher:
    """Start it, publish, flush, close; close() doesn't flush, so that an error isn't held up.

    `tweets` and `sent` count what was taken, `acked` what the cluster has acknowledged (hashtags).
    `failure` ends with a TallyError as soon as something can't be published. `encode` makes a value
    of a hashtag; without it, that is the value.
    """

    def __init__(
        self, kafka: KafkaSettings, topic: str, encode: Callable[[bytes], bytes] | None = None
    ) -> None:
        self._kafka = kafka
        self._topic = topic
        self._encode = encode
        self._producer = AIOKafkaProducer(
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=CONNECT_TIMEOUT_MS,
            **kafka.client_options(),
        )
        self._lingering: asyncio.Task[None] | None = None
        self._new_batch()
        # Closed batches whose turn hasn't come. A cancelled publish() leaves its batch here, where
        # flush() finds it.
        self._held: deque[Any] = deque()
        self._handing_over = asyncio.Lock()
        self._slots = asyncio.Semaphore(BATCHES_IN_FLIGHT)
        self._in_flight: dict[asyncio.Future[Any], asyncio.TimerHandle] = {}
        self._turn = 0
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.tweets = self.sent = self.acked = 0

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
        self._lingering = asyncio.create_task(self._linger())

    async def publish(self, tweets: Iterable[TaggedTweet]) -> None:
        """Take `tweets`; waits while too much is in flight. Raises what `failure` holds."""
        for hashtags, timestamp_ms in tweets:
            self.tweets += 1
            values = hashtags if self._encode is None else map(self._encode, hashtags)
            for value in values:
                while self._batch.append(timestamp=timestamp_ms, key=None, value=value) is None:
                    await self._send()
                self.sent += 1
        if self.failure.done():
            self.failure.result()
        await asyncio.sleep(0)  # a source that never waits mustn't starve the sender

    async def flush(self, timeout_s: float = FLUSH_TIMEOUT_S) -> None:
        """Wait until all is acknowledged; raises ClusterAccessError if that takes too long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._send()
                while self._in_flight and not self.failure.done():
                    await asyncio.wait({*self._in_flight}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise self._unacknowledged(timeout_s) from None
        if self.failure.done():
            self.failure.result()

    async def close(self) -> None:
        """Leave the cluster, whatever is still open; within CLOSE_TIMEOUT_S."""
        if self._lingering is not None:
            self._lingering.cancel()
            await asyncio.wait({self._lingering})
        # stop() waits for all batches; whoever wanted them has called flush() before.
        stopping = asyncio.create_task(self._producer.stop())
        await asyncio.wait({stopping}, timeout=CLOSE_TIMEOUT_S)
        stopping.cancel()
        self.failure.cancel()

    def _new_batch(self) -> None:
        self._batch = self._producer.create_batch()
        self._batch_born = time.monotonic()

    async def _send(self) -> None:
        """Close the open batch and hand over all that are closed, in their order."""
        if self._batch.record_count():
            self._held.append(self._batch)
            self._new_batch()
        async with self._handing_over:
            while self._held and not self.failure.done():
                try:
                    await self._hand_over(self._held[0])
                except kafka_errors.KafkaTimeoutError:
                    continue  # its partition's last batch isn't out yet; that one has a timer
                except (OSError, kafka_errors.KafkaError) as exc:
                    self._fail(exc)
                else:
                    self._held.popleft()

    async def _hand_over(self, batch: Any) -> None:
        """Queue `batch` for the next partition, or, if cancelled, don't."""
        count = batch.record_count()
        await self._slots.acquire()
        try:
            partitions = sorted(await self._producer.partitions_for(self._topic))
            partition = partitions[self._turn % len(partitions)]
            delivery = await self._producer.send_batch(batch, self._topic, partition=partition)
        except BaseException:
            self._slots.release()
            raise
        self._turn += 1
        self._in_flight[delivery] = asyncio.get_running_loop().call_later(
            DELIVERY_TIMEOUT_S, self._overdue
        )
        delivery.add_done_callback(lambda done: self._delivered(done, count))

    def _delivered(self, delivery: asyncio.Future[Any], count: int) -> None:
        self._in_flight.pop(delivery).cancel()
        self._slots.release()
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

    async def _linger(self) -> None:
        while True:
            await asyncio.sleep(LINGER_S)
            if time.monotonic() - self._batch_born >= LINGER_S:
                await self._send()

    def _overdue(self) -> None:
        self._fail(self._unacknowledged(DELIVERY_TIMEOUT_S))

    def _unacknowledged(self, waited_s: float) -> ClusterAccessError:
        return ClusterAccessError(
            f"{self.sent - self.acked:,} hashtags weren't acknowledged within {waited_s:g} s: "
            "some of them may be in the topic, some not",
            "Look at the brokers",
        )
