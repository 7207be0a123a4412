"""The ticker job under steady load, and the check of all that it has written."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests import ticker_reference
from tests.application import Application, Kafka
from tests.load import Load, Pace
from tests.polling import until
from tests.reading import read_all
from tests.scene import seed_of_run
from tests.ticker_load import PRICES
from tests.ticker_output import TickerOutput
from tests.ticker_reference import Expected

WINDOW_MS = 2_000
DELAY_MS = 500
GRACE_MS = 300
MIN_PRICE = 50.0

#: What the workers are told of it.
SUMMING = {
    "STREAMS_TICKER_WINDOW_SECONDS": str(WINDOW_MS / 1000),
    "STREAMS_TICKER_DELAY_SECONDS": str(DELAY_MS / 1000),
    "STREAMS_TICKER_GRACE_SECONDS": str(GRACE_MS / 1000),
    "STREAMS_TICKER_MIN_PRICE": str(MIN_PRICE),
}


def expected_of(partitions: Sequence[Sequence[bytes | None]]) -> Expected:
    """What the job has to make of its input."""
    return ticker_reference.expected(partitions, WINDOW_MS, GRACE_MS, DELAY_MS, MIN_PRICE)


def read_output(application: Application) -> TickerOutput:
    """All that it has written by now."""
    return TickerOutput().take(application.read(application.ticker_output))


def read_input(application: Application, load: Load) -> Expected:
    """What the job has to make of a load, which is what it says it wrote."""
    read = asyncio.run(read_all(application.options, application.ticker_input))
    rows = [[(record.value, record.timestamp) for record in part] for part in read]
    assert rows == load.rows, "the load itself wrote something twice, or lost it"
    return expected_of([[value for value, _ in part] for part in rows])


class TickerScene(Application):
    """See the module. The load runs as long as its context lasts."""

    def __init__(
        self,
        kafka: Kafka,
        name: str,
        folder: Path,
        *,
        partitions: int = 3,
        variables: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        self.seed = seed_of_run()
        self.random = random.Random(self.seed)
        super().__init__(
            kafka,
            name,
            folder,
            partitions=partitions,
            jobs=["tickers"],
            variables={**SUMMING, **(variables or {})},
            **options,
        )
        self.create_topics()
        self.load = Load(
            self.options, self.ticker_input, partitions, self.seed, Pace(), feed=PRICES
        )

    def __enter__(self) -> "TickerScene":
        self.load.start()
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.load.finish()

    def finals_grow(self, by: int = 20) -> None:
        """Wait until more final candles were written: the application is at work."""
        goal = len(read_output(self).candles) + by
        until(lambda: len(read_output(self).candles) >= goal, f"{by} more candles", 90, self.tails)

    def finish(self, seconds: float = 150) -> None:
        """End the load, let the workers finish, and check all that they wrote."""
        self.load.finish()
        expected = read_input(self, self.load)
        assert expected.candles
        assert expected.late
        until(lambda: read_output(self).is_complete(expected), "all candles", seconds, self.tails)
        for worker in self.workers.values():
            if worker.alive:
                assert worker.stop() == 0, worker.tail()
        read_output(self).check(expected)
        letters = [
            (int(headers["partition"]), int(headers["offset"]))
            for record in self.read(f"{self.ticker_input}-dead-letters")
            for headers in [dict(record.headers)]
        ]
        assert sorted(letters) == expected.malformed
        print(
            f"{len(expected.candles)} candles, {len(expected.late)} late, {len(letters)} rejected"
        )
