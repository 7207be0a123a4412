"""One application of a test's own: its topics, its workers, and what it wrote."""

import asyncio
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local import LocalKafka
from tests.load import Row, send_rows
from tests.polling import until
from tests.reading import Record, read_all
from tests.worker import Worker


class Kafka(Protocol):
    """A cluster, or a way into one."""

    def env(self) -> dict[str, str]:
        """The variables of a worker."""

    def client_options(self) -> dict[str, Any]:
        """What aiokafka's clients are made with."""


#: {(hashtag, window start): count}
Finals = dict[tuple[str, int], int]

#: Quick failovers. Only our own brokers allow such sessions; another cluster gets the shipped ones.
QUICK = {
    "STREAMS_SESSION_TIMEOUT_MS": "1500",
    "STREAMS_HEARTBEAT_INTERVAL_MS": "300",
    "STREAMS_REBALANCE_TIMEOUT_MS": "5000",
    "STREAMS_TRANSACTION_TIMEOUT_MS": "5000",
}
ROWS_IN_A_BATCH = 100
BATCH_BYTES = 900_000


async def create_topics(
    options: Mapping[str, Any], *names: str, partitions: int, replicas: int = 1, **configs: str
) -> None:
    """Create topics that keep records of any age; `configs` with "_" for "."."""
    settings = {"retention.ms": "-1", **{k.replace("_", "."): v for k, v in configs.items()}}
    admin = AIOKafkaAdminClient(**options)
    try:
        await admin.start()
        response: Any = await admin.create_topics(
            [NewTopic(name, partitions, replicas, topic_configs=settings) for name in names]
        )
        assert all(code == 0 for _, code, *_ in response.topic_errors), response
    finally:
        await admin.close()


async def write(
    options: Mapping[str, Any], topic: str, rows: Sequence[Sequence[Row]], codec: str | None = None
) -> None:
    """Write each partition's rows in their order, some to a batch."""
    async with AIOKafkaProducer(
        **options, compression_type=codec, max_batch_size=BATCH_BYTES
    ) as producer:
        pending = [
            await send_rows(producer, topic, partition, list(part[i : i + ROWS_IN_A_BATCH]))
            for partition, part in enumerate(rows)
            for i in range(0, len(part), ROWS_IN_A_BATCH)
        ]
        await asyncio.gather(*pending)


class Application:
    """See the module. A context manager: no worker is left at the end."""

    def __init__(
        self,
        kafka: Kafka,
        name: str,
        folder: Path,
        *,
        partitions: int = 1,
        replicas: int = 1,
        jobs: Sequence[str] = ("hashtags",),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.app_id = name
        self.options = kafka.client_options()
        self.input, self.output_topic = f"{name}-in", f"{name}-out"
        self.dead_letters = f"{self.input}-dead-letters"
        self.partials = f"{name}-hashtag_counts-repartition"
        self.changelog = f"{name}-hashtag_counts-changelog"
        self.ticker_input, self.ticker_output = f"{name}-prices", f"{name}-candles"
        self.ticker_partials = f"{name}-ticker_prices-repartition"
        self.ticker_changelog = f"{name}-ticker_prices-changelog"
        self.jobs = jobs
        self.partitions = partitions
        self.workers: dict[str, Worker] = {}
        self._replicas = replicas
        self._folder = folder
        self.variables = {
            **kafka.env(),
            **(QUICK if isinstance(kafka, LocalKafka) else {}),
            "STREAMS_APP_ID": name,
            "STREAMS_INPUT_TOPIC": self.input,
            "STREAMS_OUTPUT_TOPIC": self.output_topic,
            "STREAMS_JOBS": ",".join(jobs),
            "STREAMS_TICKER_INPUT_TOPIC": self.ticker_input,
            "STREAMS_TICKER_OUTPUT_TOPIC": self.ticker_output,
            "STREAMS_PARTITIONS": str(partitions),
            "STREAMS_REPLICATION": str(replicas),
            "STREAMS_WINDOW_IDLE_SECONDS": "0",
            **(variables or {}),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers.values():
            worker.end()

    def use_shipped_timeouts(self) -> None:
        """For the workers made from now on."""
        for name in QUICK:
            self.variables.pop(name, None)

    @property
    def tasks(self) -> int:
        """How many tasks all workers have together."""
        return 2 * self.partitions * len(self.jobs)

    def create_topics(self, *names: str, **configs: str) -> None:
        """Create the input and output topics, or those that are named."""
        asyncio.run(
            create_topics(
                self.options,
                *(names or self._topics()),
                partitions=self.partitions,
                replicas=self._replicas,
                **configs,
            )
        )

    def _topics(self) -> list[str]:
        """What the jobs read and write."""
        topics = {
            "hashtags": [self.input, self.output_topic],
            "tickers": [self.ticker_input, self.ticker_output],
        }
        return [topic for job in self.jobs for topic in topics[job]]

    def write(self, rows: Sequence[Sequence[Row]], codec: str | None = None) -> None:
        """Write each partition's rows to the input topic."""
        asyncio.run(write(self.options, self.input, rows, codec))

    def worker(self, name: str = "only", **variables: str) -> Worker:
        """The worker of that name, made at the first time with `variables` of its own."""
        if name not in self.workers:
            self.workers[name] = Worker(name, self._folder, {**self.variables, **variables})
        return self.workers[name]

    def read(self, topic: str) -> list[Record]:
        """All committed records of a topic."""
        return [record for part in asyncio.run(read_all(self.options, topic)) for record in part]

    def until_written(self, topic: str, n: int, seconds: float = 120) -> list[Record]:
        """The records of a topic, once there are at least n."""
        records: list[Record] = []

        def enough() -> bool:
            records[:] = self.read(topic)
            return len(records) >= n

        until(enough, f"{n} records in {topic}", seconds, lambda: f"{records}\n{self.tails()}")
        return records

    def finals_of(self, n: int, decode: Callable[[Record], Finals] | None = None) -> Finals:
        """All finals, once there are n and the workers have stopped in order; none twice."""
        self.until_written(self.output_topic, n)
        for worker in self.workers.values():
            assert worker.stop() == 0, worker.tail()
        finals: Finals = {}
        for record in self.read(self.output_topic):
            final = (decode or decode_json)(record)
            assert not final.keys() & finals.keys(), f"twice: {final}"
            finals |= final
        return finals

    def tails(self) -> str:
        """The end of each worker's log."""
        return "\n".join(f"--- {worker.name}\n{worker.tail()}" for worker in self.workers.values())


def decode_json(record: Record) -> Finals:
    """A final in the JSON format, after a look at all that is said twice in it."""
    final = json.loads(record.value or b"")
    assert record.key == final["hashtag"].encode()
    assert record.timestamp == final["window_end"] - 1
    return {(final["hashtag"], final["window_start"]): final["count"]}


def decode_long(window_ms: int) -> Callable[[Record], Finals]:
    """Reads finals in the format of Java's LongSerializer."""

    def decode(record: Record) -> Finals:
        assert record.key is not None
        assert record.value is not None
        [count] = struct.unpack(">q", record.value)
        return {(record.key.decode(), record.timestamp + 1 - window_ms): count}

    return decode
