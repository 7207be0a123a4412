"""`tally-produce` in a process of its own, and whether all that it took is in the topic, once."""

import asyncio
import itertools
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from producers.sources.simulate import Plan, tweets
from streams.access import check_access
from streams.kafka_settings import KafkaSettings
from tests.polling import until
from tests.reading import read_all
from tests.worker import clean_environment

RATE = 100
SEED = 7
STOP_SECONDS = 90.0


@contextmanager
def producing(
    way: Mapping[str, str], options: Mapping[str, Any], topic: str, folder: Path
) -> Iterator[None]:
    """Runs it as long as the context lasts, coming in by `way`; then reads by `options`."""
    start_ms = time.time_ns() // 1_000_000
    arguments = ["--rate", str(RATE), "--seed", str(SEED), "--start", str(start_ms)]
    log = folder / f"{topic}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "producers", "simulate", "--topic", topic, *arguments],
            env={**clean_environment(), **way},
            stderr=output,
        )
    try:
        reached = KafkaSettings.from_env(way)
        until(lambda: bool(asyncio.run(check_access(reached, [topic]))), "its topic", 120)
        yield
        assert process.poll() is None, log.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
    told = re.search(r"Published ([\d,]+) hashtags of ([\d,]+) posts", log.read_text())
    assert told, log.read_text()
    published, posts = (int(number.replace(",", "")) for number in told.groups())
    expected = made_up(start_ms, posts)
    assert published == expected.total()
    read = asyncio.run(read_all(options, topic))
    assert Counter((r.value, r.timestamp) for part in read for r in part) == expected


def made_up(start_ms: int, posts: int) -> Counter[tuple[bytes, int]]:
    """The hashtags of the first posts, with their times."""
    plan = Plan(
        seed=SEED,
        tags=1000,
        skew=1,
        rate=RATE,
        speed=1,
        start_ms=start_ms,
        jitter_ms=0,
        count=None,
    )
    return Counter(
        (hashtag["tag"].encode(), start_ms + int(int(tweet["id"]) * 1000 / RATE))
        for tweet in itertools.islice(tweets(plan), posts)
        for hashtag in tweet["entities"]["hashtags"]
    )
