"""Reading finals as soon as they are committed, with the time at which they could be read."""

import asyncio
import itertools
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

    def __init__(
        self, options: Mapping[str, Any], topic: str, partitions: int = PARTITIONS
    ) -> None:
        self._tps = [TopicPartition(topic, p) for p in range(partitions)]
        self._consumer = AIOKafkaConsumer(**options, isolation_level="read_committed")
        #: What was fetched, with the monotonic time (s) at which it was there.
        self._fetched: list[tuple[float, FetchedBatches]] = []
        #: How many finals were read, and when the last ones were.
        self.count, self.newest = 0, 0.0

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

    async def until_reading(self) -> None:
        """Return at once: nothing is missed, for it reads from the topic's beginning."""

    async def fetch(self, seconds: float) -> None:
        """Take what is there, or comes within `seconds`."""
        wanted = {TP(*tp) for tp in self._tps}
        for fetched in await fetched_batches(self._consumer._fetcher, wanted, seconds):
            if fetched.error is not None:
                raise fetched.error
            self.newest = time.monotonic()
            self._fetched.append((self.newest, fetched))
            headers = [raw.header for raw in fetched.batches]
            self.count += sum(batch.next_offset - batch.base_offset for batch in headers)

    async def wait_for(self, n: int, stalled_seconds: float) -> None:
        """Wait until `n` finals are there, or none come any more."""
        began = time.monotonic()
        while self.count < n and time.monotonic() - max(self.newest, began) < stalled_seconds:
            await self.fetch(0.2)

    async def linger(self, seconds: float) -> None:
        """Read on for a while, for there should be no more."""
        async with asyncio.timeout(seconds + 5):
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                await self.fetch(0.2)

    def longest_gap(self, since: float, until: float) -> float:
        """The longest that any partition was without finals between two moments (seconds)."""
        arrivals = {tp.partition: [since] for tp in self._tps}
        for at, fetched in self._fetched:
            if since < at < until and fetched.batches:
                arrivals[fetched.tp.partition].append(at)
        return max(
            later - earlier
            for times in arrivals.values()
            for earlier, later in itertools.pairwise([*times, until])
        )

    def decode(self) -> tuple[Seen, dict[int, list[float]]]:
        """All counts that were read; by window end, the time at which each final was there."""
        seen: Seen = {}
        times: dict[int, list[float]] = {}
        for at, fetched in self._fetched:
            for raw in fetched.batches:
                for record in raw.header:
                    end = record.timestamp + 1
                    count = json.loads(record.value)["count"]
                    seen.setdefault((record.key, end), []).append(count)
                    times.setdefault(end, []).append(at)
        return seen, times
