"""A topic that is loaded once and counted many times, and what has to come of it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from benchmarks import topics
from benchmarks.hashtags import Population
from benchmarks.load import Load, load
from benchmarks.reference import Finals, Reference
from benchmarks.run import Kafka
from benchmarks.targets import Job, new_app

WINDOW_MS = 20_000
MIN_MENTIONED = 4
#: A thousand million an hour, in a second of event time.
RATE = 277_777
#: Event time at least, so that some windows close: the last one, and its grace, stay open.
MIN_SECONDS = 3.5 * WINDOW_MS / 1000


class Data(NamedTuple):
    """What a topic is loaded with."""

    records: int
    rate: int = RATE
    distinct: int = 50_000
    skew: float = 1.0
    #: Bytes of a value; 0: as the hashtags are, 8 to 20.
    length: int = 0
    partitions: int = topics.PARTITIONS
    compression: str | None = None
    window_ms: int = WINDOW_MS
    grace_ms: int = WINDOW_MS
    #: Every hashtag once before any comes again, instead of draws by chance.
    in_turns: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """A loaded topic."""

    topic: str
    data: Data
    finals: Finals
    late: int
    batch_bytes: int

    def job(self, workers: int = 1) -> Job:
        """Counting it, as a new application."""
        data = self.data
        return Job(new_app(), self.topic, data.window_ms, data.grace_ms, data.partitions, workers)

    def as_json(self) -> dict[str, Any]:
        """What is worth keeping."""
        return {
            **self.data._asdict(),
            "finals": len(self.finals),
            "late": self.late,
            "batch_bytes": self.batch_bytes,
        }


@asynccontextmanager
async def loaded(kafka: Kafka, data: Data) -> AsyncIterator[Loaded]:
    """Load a topic of its own, and delete it at the end."""
    topic = f"{new_app()}-input"
    population = Population(data.distinct, data.skew, data.length)
    what = Load(
        data.records,
        time.time_ns() // 1_000_000,
        data.window_ms,
        data.grace_ms,
        data.rate,
        population.in_turns() if data.in_turns else population.draw(),
        data.partitions,
        data.compression,
    )
    reference = Reference(data.partitions, data.window_ms, data.grace_ms, MIN_MENTIONED)
    await topics.create(kafka.options, topic, partitions=data.partitions)
    try:
        size = await load(kafka.options, topic, what, reference)
        yield Loaded(topic, data, reference.finals(), reference.late, size)
    finally:
        await topics.delete(kafka.options, topic)
