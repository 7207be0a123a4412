"""Reading finals as soon as they are committed, with the time at which they could be read."""

import asyncio
import json
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.topics import PARTITIONS
from streams.core.columns import TP
from streams.kafka.record_batches import FetchedBatches, fetched_batches

#: Counts by (hashtag, window end): as many as were read.
Seen = dict[tuple[bytes, int], list[int]]


class FinalsReader:
    """Reads an output topic, read committed.

    It takes whole record batches and decodes them later, so that its own slowness doesn't show in
    the times.
    """

    def __init__(self, options: Mapping[str, Any], topic: str) -> None:
        self._tps = [TopicPartition(topic, p) for p in range(PARTITIONS)]
        self._consumer = AIOKafkaConsumer(**options, isolation_level="read_committed")
        #: What was fetched, with the monotonic time (s) at which it was there.
        self._fetched: list[tuple[float, FetchedBatches]] = []
        self.count = 0

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        self._consumer.assign(self._tps)
        await self._consumer.seek_to_beginning(*self._tps)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._consumer.stop()

    async def fetch(self, seconds: float) -> None:
        """Take what is there, or comes within `seconds`."""
        wanted = {TP(*tp) for tp in self._tps}
        for fetched in await fetched_batches(self._consumer._fetcher, wanted, seconds):
            if fetched.error is not None:
                raise fetched.error
            self._fetched.append((time.monotonic(), fetched))
            self.count += sum(batch.next_offset - batch.base_offset for batch in fetched.batches)

    async def wait_for(self, n: int, stalled_seconds: float) -> float:
        """Wait until `n` finals are there, or none come any more; returns the last one's time."""
        last = time.monotonic()
        while self.count < n and time.monotonic() - last < stalled_seconds:
            before = self.count
            await self.fetch(0.2)
            if self.count > before:
                last = self._fetched[-1][0]
        return last

    async def linger(self, seconds: float) -> None:
        """Read on for a while, for there should be no more."""
        async with asyncio.timeout(seconds + 5):
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                await self.fetch(0.2)

    def decode(self) -> tuple[Seen, dict[int, list[float]]]:
        """All counts that were read; by window end, the time at which each final was there."""
        seen: Seen = {}
        times: dict[int, list[float]] = {}
        for at, fetched in self._fetched:
            for batch in fetched.batches:
                for record in batch:
                    end = record.timestamp + 1
                    count = json.loads(record.value)["count"]
                    seen.setdefault((record.key, end), []).append(count)
                    times.setdefault(end, []).append(at)
        return seen, times
