"""Publishing hashtags: whole batches, each to the next partition, a bounded number in flight.

A batch is sent when it is full or has waited for LINGER_S. A failed batch ends the run.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from aiokafka import errors as kafka_errors

from producers.delivery import Delivery
from producers.hashtags import TaggedTweet
from streams.kafka_settings import KafkaSettings

LINGER_S = 0.05
BATCHES_IN_FLIGHT = 16


class Publisher(Delivery):
    """See `Delivery`. `posts` counts the tweets, and what is like them, that were taken.

    `encode` makes a value of a hashtag; without it, that is the value.
    """

    unit: ClassVar[str] = "hashtags"

    def __init__(
        self, kafka: KafkaSettings, topic: str, encode: Callable[[bytes], bytes] | None = None
    ) -> None:
        super().__init__(kafka, topic, BATCHES_IN_FLIGHT, linger_s=0)
        self._encode = encode
        self._lingering: asyncio.Task[None] | None = None
        self._new_batch()
        # Closed batches whose turn hasn't come. A cancelled publish() leaves its batch here, where
        # flush() finds it.
        self._held: deque[Any] = deque()
        self._handing_over = asyncio.Lock()
        self._turn = 0
        self.posts = 0

    @property
    def total(self) -> str:
        """What was acknowledged, and the posts that were taken, for people."""
        return f"{super().total} of {self.posts:,} posts"

    async def start(self) -> None:
        """Connect; raises ClusterAccessError."""
        await super().start()
        self._lingering = asyncio.create_task(self._linger())

    async def publish(self, tweets: Iterable[TaggedTweet]) -> None:
        """Take `tweets`; waits while too much is in flight. Raises what `failure` holds."""
        for hashtags, timestamp_ms in tweets:
            self.posts += 1
            values = hashtags if self._encode is None else map(self._encode, hashtags)
            for value in values:
                while self._batch.append(timestamp=timestamp_ms, key=None, value=value) is None:
                    await self._send()
                self.sent += 1
        await self._taken()

    async def _hand_over_rest(self) -> None:
        await self._send()

    async def close(self) -> None:
        """Leave the cluster, whatever is still open; within CLOSE_TIMEOUT_S."""
        if self._lingering is not None:
            self._lingering.cancel()
            await asyncio.wait({self._lingering})
        await super().close()

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
        self._watch(delivery, count)

    async def _linger(self) -> None:
        while True:
            await asyncio.sleep(LINGER_S)
            if time.monotonic() - self._batch_born >= LINGER_S:
                await self._send()
