"""The output topic, watched by a read_committed reader all the time that workers suffer."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from tests.application import Finals, decode_json
from tests.journal import Journal
from tests.polling import until

#: {(hashtag, window start): every count that became visible}
Found = Mapping[tuple[str, int], list[int]]


def differences(expected: Finals, found: Found) -> dict[str, list[Any]]:
    """What is wrong with the finals that were found, by the kind of wrong."""
    return {
        "missing": sorted(expected.keys() - found.keys()),
        "extra": sorted(found.keys() - expected.keys()),
        "repeated": [name for name, counts in found.items() if len(counts) > 1],
        "different": [
            (name, counts, expected[name])
            for name, counts in found.items()
            if name in expected and set(counts) != {expected[name]}
        ],
    }


class OutputReader:
    """A consumer in a thread; remembers each final that ever became visible.

    With a journal, another process can go on where this one ended.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        topic: str,
        partitions: int,
        journal: Path | None = None,
    ) -> None:
        self.found: dict[tuple[str, int], list[int]] = defaultdict(list)
        #: When finals came, in s of `time.monotonic`.
        self.arrivals: list[float] = []
        self._options = options
        self._topic = topic
        self._journal = Journal(journal, partitions)
        for tag, window, count in self._journal.finals:
            self.found[tag, window].append(count)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        # A daemon: when a test is cut short it may never hear that it has to stop.
        self._thread = threading.Thread(target=self._run, name="output reader", daemon=True)

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
        wrong = differences(expected, self.found)
        summary = ", ".join(f"{len(names)} {what}" for what, names in wrong.items())
        print(f"of {len(expected)} finals: {summary}")
        assert not any(wrong.values()), {what: names[:5] for what, names in wrong.items()}

    def _run(self) -> None:
        try:
            asyncio.run(self._read())
        except BaseException as exc:
            self._error = exc
        finally:
            self._journal.close()

    async def _read(self) -> None:
        # Never a reset: what is lost has to be seen as lost.
        async with AIOKafkaConsumer(
            **self._options,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="none",
        ) as consumer:
            tps = [TopicPartition(self._topic, p) for p in range(len(self._journal.positions))]
            consumer.assign(tps)
            for tp, position in zip(tps, self._journal.positions, strict=True):
                consumer.seek(tp, position)
            while not self._stop.is_set():
                await self._take(consumer)
            ends = await consumer.end_offsets(tps)
            for tp in tps:
                while await consumer.position(tp) < ends[tp]:
                    await self._take(consumer)

    async def _take(self, consumer: AIOKafkaConsumer) -> None:
        fetched: dict[TopicPartition, list[ConsumerRecord[Any, Any]]]
        fetched = await consumer.getmany(timeout_ms=100)
        finals: list[tuple[str, int, int]] = []
        for tp, records in fetched.items():
            for record in records:
                finals += ((*name, count) for name, count in decode_json(record).items())
            if records:
                self._journal.positions[tp.partition] = records[-1].offset + 1
        for tag, window, count in finals:
            self.found[tag, window].append(count)
        if finals:
            self.arrivals.append(time.monotonic())
            self._journal.add(finals)
