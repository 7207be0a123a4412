"""The output topic, watched by a read_committed reader all the time that workers suffer."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.application import Finals, decode_json
from tests.polling import until


class OutputReader:
    """A consumer in a thread; remembers each final that ever became visible."""

    def __init__(self, options: Mapping[str, Any], topic: str, partitions: int) -> None:
        self.found: dict[tuple[str, int], list[int]] = defaultdict(list)
        self._options = options
        self._tps = [TopicPartition(topic, partition) for partition in range(partitions)]
        self._positions = [0] * partitions
        self._stop_at: list[int] | None = None
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="output reader")

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def finish(self) -> None:
        """Read to the end that the topic has now."""
        if self._thread.is_alive():
            self._stop.set()
            self._thread.join()
        if self._error is not None:
            raise self._error

    def until_complete(self, expected: Finals, seconds: float, more: Any = lambda: "") -> None:
        """Wait until every expected final was seen."""

        def missing() -> str:
            names = sorted(expected.keys() - self.found.keys())
            return f"{len(names)} of {len(expected)} finals are missing: {names[:5]}\n{more()}"

        until(lambda: expected.keys() <= self.found.keys(), "all finals", seconds, missing)

    def check(self, expected: Finals) -> None:
        """Each expected final once, none else; after `finish`."""
        wrong: dict[str, list[Any]] = {
            "missing": sorted(expected.keys() - self.found.keys()),
            "extra": sorted(self.found.keys() - expected.keys()),
            "twice": [name for name, counts in self.found.items() if len(counts) > 1],
            "different": [
                (name, counts, expected[name])
                for name, counts in self.found.items()
                if name in expected and set(counts) != {expected[name]}
            ],
        }
        summary = ", ".join(f"{len(names)} {what}" for what, names in wrong.items())
        print(f"of {len(expected)} finals: {summary}")
        assert not any(wrong.values()), {what: names[:5] for what, names in wrong.items()}

    def _run(self) -> None:
        try:
            asyncio.run(self._read())
        except BaseException as exc:
            self._error = exc

    async def _read(self) -> None:
        async with AIOKafkaConsumer(
            **self._options, enable_auto_commit=False, isolation_level="read_committed"
        ) as consumer:
            consumer.assign(self._tps)
            await consumer.seek_to_beginning(*self._tps)
            while not self._stop.is_set():
                await self._take(consumer)
            ends = await consumer.end_offsets(self._tps)
            for tp in self._tps:
                while await consumer.position(tp) < ends[tp]:
                    await self._take(consumer)

    async def _take(self, consumer: AIOKafkaConsumer) -> None:
        for records in (await consumer.getmany(timeout_ms=100)).values():
            for record in records:
                for name, count in decode_json(record).items():
                    self.found[name].append(count)
