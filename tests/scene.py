"""An application under steady load, and the check of every final that it writes meanwhile."""

import asyncio
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests import reference
from tests.application import Application, Kafka
from tests.load import Load, Pace
from tests.output import OutputReader
from tests.polling import until
from tests.reading import read_all

WINDOW_MS = 2_000
GRACE_MS = 500
MIN_MENTIONED = 4


#: What the workers are told of it.
COUNTING = {
    "STREAMS_WINDOW_SECONDS": str(WINDOW_MS / 1000),
    "STREAMS_GRACE_SECONDS": str(GRACE_MS / 1000),
    "STREAMS_MIN_MENTIONED": str(MIN_MENTIONED),
    "STREAMS_LOG_FINALS": "false",
    # Many transactions, so that faults meet them.
    "STREAMS_QUIET_COMMIT_INTERVAL_MS": "100",
}


def seed_of_run() -> int:
    """TALLY_SEED to see a run again, else a new one; printed, so pytest shows it on failure."""
    seed = int(os.environ.get("TALLY_SEED") or random.SystemRandom().randrange(2**32))
    print(f"TALLY_SEED={seed}")
    return seed


class Scene(Application):
    """See the module. Load and reader run as long as its context lasts."""

    def __init__(
        self,
        kafka: Kafka,
        name: str,
        folder: Path,
        *,
        partitions: int = 3,
        pace: Pace | None = None,
        variables: Mapping[str, str] | None = None,
        load_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        """`load_options` is what the load's client is made with, if not with `kafka`'s."""
        self.seed = seed_of_run()
        self.random = random.Random(self.seed)
        ours = {**COUNTING, **(variables or {})}
        super().__init__(kafka, name, folder, partitions=partitions, variables=ours, **options)
        self.create_topics()
        self.load = Load(
            load_options or self.options, self.input, partitions, self.seed, pace or Pace()
        )
        self.output = OutputReader(self.options, self.output_topic, partitions)

    def __enter__(self) -> Self:
        self.load.start()
        self.output.start()
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.load.finish()
        self.output.finish()

    def finals_grow(self, by: int = 20) -> None:
        """Wait until more finals were seen: the application is at work."""
        goal = len(self.output.found) + by
        until(lambda: len(self.output.found) >= goal, f"{by} more finals", 90, self.tails)

    def finish(self, seconds: float = 120) -> None:
        """End the load, let the workers finish, and check every final."""
        written = self.load.finish()
        read = asyncio.run(read_all(self.options, self.input))
        rows = [[(record.value, record.timestamp) for record in part] for part in read]
        assert rows == written, "the load itself wrote something twice, or lost it"
        expected = reference.finals(rows, WINDOW_MS, GRACE_MS, MIN_MENTIONED)
        assert expected
        self.output.until_complete(expected, seconds, self.tails)
        for worker in self.workers.values():
            if worker.alive:
                assert worker.stop() == 0, worker.tail()
        self.output.finish()
        self.output.check(expected)
