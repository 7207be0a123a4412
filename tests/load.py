"""Steady, seeded load: every row's value, partition and event time follow from the seed alone."""

import asyncio
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

Row = tuple[bytes | None, int]

#: How long all that was written may wait for its acknowledgement.
FINISH_SECONDS = 90.0

#: Where event time begins, in ms: a while ago, so that no bound on the future is met.
BEGIN = 1_600_000_000_000
TAGS = [f"#tag{number:02}" for number in range(30)]
#: Now and then a row that isn't counted as it stands.
ODD = [b"x", b"", b"\xff\xfe", "  #Ümläut ".encode(), "😀".encode(), b"#TAG00", b" #tag01\t", None]


@dataclass(frozen=True)
class Pace:
    """How fast: rows a tick for each partition, event-time ms a tick, and how late rows may be.

    At the end come `left_open` rows of other hashtags, in windows that nothing closes.
    """

    rows: int = 15
    step_ms: int = 200
    late_ms: int = 5_000
    tick_seconds: float = 0.02
    left_open: int = 0


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


def last_rows(seed: int, partition: int, pace: Pace, written: Sequence[Row]) -> list[Row]:
    """What follows on all that was written: a value so far ahead that it closes all windows."""
    far = max(timestamp for _, timestamp in written) + 3_600_000
    random_ = random.Random(f"{seed}-{partition}-last")
    tags = [f"#rest{random_.randrange(pace.left_open)}" for _ in range(pace.left_open)]
    return [(b"#end", far), *((tag.encode(), far + random_.randrange(3_000)) for tag in tags)]


class Feed(NamedTuple):
    """What is written: the rows of a partition, tick by tick, and those that close all windows."""

    endless: Callable[[int, int, Pace], Iterator[list[Row]]]
    last: Callable[[int, int, Pace, Sequence[Row]], list[Row]]


HASHTAGS = Feed(endless_rows, last_rows)


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
    """A producer in a thread; remembers all it wrote, in the order of offsets.

    `written` tells how many rows each partition holds already: the load goes on behind them.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        topic: str,
        partitions: int,
        seed: int,
        pace: Pace,
        written: Sequence[int] = (),
        feed: Feed = HASHTAGS,
    ) -> None:
        self.rows: list[list[Row]] = [[] for _ in range(partitions)]
        self._options = options
        self._topic = topic
        self._seed = seed
        self._feed = feed
        self._ticks = [feed.endless(seed, partition, pace) for partition in range(partitions)]
        self._pace = pace
        self._ended = [self._skip(partition, n) for partition, n in enumerate(written)]
        self._stop = threading.Event()
        self._closes = False
        self._error: BaseException | None = None
        # A daemon, for a load that nobody lets in never ends.
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def finish(self) -> list[list[Row]]:
        """Close the last windows, wait until all is acknowledged, and return all rows."""
        self._closes = True
        return self.pause()

    def pause(self) -> list[list[Row]]:
        """Stop, wait until all is acknowledged, and return all rows; the windows stay open."""
        self._stop.set()
        self._thread.join(FINISH_SECONDS)
        assert not self._thread.is_alive(), "the cluster doesn't acknowledge the load"
        if self._error is not None:
            raise self._error
        return self.rows

    def _run(self) -> None:
        try:
            asyncio.run(self._produce())
        except BaseException as exc:
            self._error = exc

    async def _produce(self) -> None:
        # Idempotent and patient: the load outlives brokers that die, or starve, without gap or
        # repetition.
        async with AIOKafkaProducer(
            **self._options, enable_idempotence=True, request_timeout_ms=180_000
        ) as producer:
            pending: set[asyncio.Future[Any]] = set()
            while not self._stop.is_set() and not any(self._ended):
                for partition, ticks in enumerate(self._ticks):
                    pending.add(await self._send(producer, partition, next(ticks)))
                await asyncio.sleep(self._pace.tick_seconds)
                done = {future for future in pending if future.done()}
                pending -= done
                await asyncio.gather(*done)  # raises what was refused
            if self._closes:
                pending |= await self._close_windows(producer)
            await asyncio.gather(*pending)

    async def _close_windows(self, producer: AIOKafkaProducer) -> set[asyncio.Future[Any]]:
        return {
            await self._send(
                producer, partition, self._feed.last(self._seed, partition, self._pace, rows)
            )
            for partition, rows in enumerate(self.rows)
            if not self._ended or not self._ended[partition]
        }

    def _skip(self, partition: int, written: int) -> bool:
        """Take note of rows that are written already; returns whether they are all there will be.

        Rows are written by the tick, so what is left over can only be the last rows.
        """
        rows = self.rows[partition]
        whole_ticks, more = divmod(written, self._pace.rows)
        if more:
            whole_ticks = (written - 1 - self._pace.left_open) // self._pace.rows
        for _ in range(whole_ticks):
            rows += next(self._ticks[partition])
        if more:
            rows += self._feed.last(self._seed, partition, self._pace, rows)
        assert len(rows) == written, f"{written} rows in partition {partition} are not this load's"
        return bool(more)

    async def _send(
        self, producer: AIOKafkaProducer, partition: int, rows: list[Row]
    ) -> asyncio.Future[Any]:
        self.rows[partition] += rows
        return await send_rows(producer, self._topic, partition, rows)
