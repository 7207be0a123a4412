"""Steady, seeded load: every row's value, partition and event time follow from the seed alone."""

import asyncio
import random
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer

Row = tuple[bytes | None, int]

#: Where event time begins, in ms: a while ago, so that no bound on the future is met.
BEGIN = 1_600_000_000_000
TICK_SECONDS = 0.02
TAGS = [f"#tag{number:02}" for number in range(30)]
#: Now and then a row that isn't counted as it stands.
ODD = [b"x", b"", b"\xff\xfe", "  #Ümläut ".encode(), "😀".encode(), b"#TAG00", b" #tag01\t", None]


@dataclass(frozen=True)
class Pace:
    """How fast: rows a tick for each partition, event-time ms a tick, and how late rows may be."""

    rows: int = 15
    step_ms: int = 200
    late_ms: int = 5_000


def endless_rows(seed: int, partition: int, pace: Pace) -> Iterator[list[Row]]:
    """The rows of one partition, tick by tick; partitions are at different times of day."""
    random_ = random.Random(f"{seed}-{partition}")
    now = BEGIN + partition * 700
    while True:
        now += pace.step_ms
        rows: list[Row] = []
        for _ in range(pace.rows):
            # The lower the number the more often, as with real hashtags.
            tag = TAGS[int(random_.random() ** 2 * len(TAGS))].encode()
            value = random_.choice(ODD) if random_.random() < 0.05 else tag
            behind = random_.randrange(pace.late_ms if random_.random() < 0.1 else pace.step_ms)
            rows.append((value, now - behind))
        yield rows


async def send_rows(
    producer: AIOKafkaProducer, topic: str, partition: int, rows: list[Row]
) -> asyncio.Future[Any]:
    """Write rows as one record batch; the future is its acknowledgement."""
    batch = producer.create_batch()
    for value, timestamp in rows:
        assert batch.append(key=None, value=value, timestamp=timestamp) is not None
    batch.close()
    future: asyncio.Future[Any] = await producer.send_batch(batch, topic, partition=partition)
    return future


class Load:
    """A producer in a thread; remembers all it wrote, in the order of offsets."""

    def __init__(
        self, options: Mapping[str, Any], topic: str, partitions: int, seed: int, pace: Pace
    ) -> None:
        self.rows: list[list[Row]] = [[] for _ in range(partitions)]
        self._options = options
        self._topic = topic
        self._ticks = [endless_rows(seed, partition, pace) for partition in range(partitions)]
        self._pace = pace
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="load")

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def finish(self) -> list[list[Row]]:
        """Close the last windows, wait until all is acknowledged, and return all rows."""
        self._stop.set()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self.rows

    def _run(self) -> None:
        try:
            asyncio.run(self._produce())
        except BaseException as exc:
            self._error = exc

    async def _produce(self) -> None:
        # Idempotent and patient: the load outlives brokers that die, without gap or repetition.
        async with AIOKafkaProducer(
            **self._options, enable_idempotence=True, request_timeout_ms=60_000
        ) as producer:
            pending: set[asyncio.Future[Any]] = set()
            while not self._stop.is_set():
                for partition, ticks in enumerate(self._ticks):
                    pending.add(await self._send(producer, partition, next(ticks)))
                await asyncio.sleep(TICK_SECONDS)
                done = {future for future in pending if future.done()}
                pending -= done
                await asyncio.gather(*done)  # raises what was refused
            for partition, rows in enumerate(self.rows):
                # One value that is counted, so far ahead that all windows before it close.
                far = max(timestamp for _, timestamp in rows) + 3_600_000
                pending.add(await self._send(producer, partition, [(b"#end", far)]))
            await asyncio.gather(*pending)

    async def _send(
        self, producer: AIOKafkaProducer, partition: int, rows: list[Row]
    ) -> asyncio.Future[Any]:
        self.rows[partition] += rows
        return await send_rows(producer, self._topic, partition, rows)
