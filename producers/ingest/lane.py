"""The way to one partition: one batch at Kafka at a time, the next one fills meanwhile.

So a quiet partition's records leave at once, and a busy one's in batches, without a timer.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from producers.ingest.batch import Batch, Delivery
from producers.ingest.record import Record


class Lane:
    """Takes records without waiting; how many there may be is the outlet's business."""

    def __init__(
        self,
        topic: str,
        partition: int,
        new_builder: Callable[[], Any],
        send: Callable[[Batch], Awaitable[None]],
    ) -> None:
        self.topic = topic
        self.partition = partition
        #: Batches handed over so far.
        self.sent = 0
        self._new_builder = new_builder
        self._send = send
        self._batches: deque[Batch] = deque()
        self._sending: asyncio.Task[None] | None = None
        self._since = 0.0

    @property
    def waiting_s(self) -> float:
        """For how long the batch that is being sent hasn't been acknowledged."""
        return 0.0 if self._sending is None else time.monotonic() - self._since

    def append(self, record: Record, delivery: Delivery) -> None:
        """Queue one record; `delivery` learns what becomes of it."""
        if not self._batches or self._batches[-1].full or not self._batches[-1].append(record):
            batch = Batch(self._new_builder(), self.topic, self.partition)
            fitted = batch.append(record)
            assert fitted, "a batch takes its first record, however large"
            self._batches.append(batch)
        delivery.add(self._batches[-1])
        if self._sending is None:
            self._since = time.monotonic()
            self._sending = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._batches:
                # One that is being sent takes no more records.
                self.sent += 1
                self._since = time.monotonic()
                await self._send(self._batches.popleft())
        finally:
            self._sending = None

    async def close(self) -> None:
        """Stop sending."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait({self._sending})
