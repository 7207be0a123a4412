"""The main job in the test driver: made from settings, fed with rows, and read back."""

import functools
import json
from collections.abc import Sequence
from typing import Any

from streams.jobs.hashtags import hashtags
from streams.settings import Settings
from streams.testing import TestDriver
from streams.transport.app import StreamsApp
from tests.reference import Rows

INPUT = "twitter_input"
OUTPUT = "twitter_output"
DEAD_LETTERS = "twitter_input-dead-letters"
LATE = "late"
PARTIALS = "tally-hashtag_counts-repartition"
CHANGELOG = "tally-hashtag_counts-changelog"

#: Closes every window of a test whose timestamps are small; one record of it is never final.
CLOSER = (b"closer", 5_555_555_555)


@functools.cache
def job(**settings: Any) -> StreamsApp:
    """The main job; tasks keep their own state, so drivers may share one."""
    made = Settings(log_finals=False, **settings)
    app = StreamsApp(made)
    hashtags(app, made)
    return app


def feed(driver: TestDriver, partitions: Sequence[Rows]) -> None:
    """Append each partition's rows."""
    for partition, rows in enumerate(partitions):
        for value, timestamp in rows:
            driver.produce(INPUT, value, timestamp, partition=partition)


def finals(driver: TestDriver) -> dict[tuple[str, int], int]:
    """{(hashtag, window start): count} of all finals; each is there once, or this fails."""
    found: dict[tuple[str, int], int] = {}
    for record in driver.read_output(OUTPUT):
        value = json.loads(record.value or b"")
        key = value["hashtag"], value["window_start"]
        assert key not in found, f"{key} came twice"
        found[key] = value["count"]
    return found


def asides(driver: TestDriver, topic: str) -> list[tuple[bytes, bytes, bytes | None]]:
    """(source partition, source offset, value) of late records or dead letters, sorted."""
    return sorted(
        (r.headers["partition"], r.headers["offset"], r.value) for r in driver.read_output(topic)
    )
