"""`tally-produce bluesky`, stopped, killed, and started again: no post is missing."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from deploy.local import ExternalKafka, LocalKafka
from streams.access import check_access
from streams.kafka_settings import KafkaSettings
from tests.broker.test_producers import clean_environment
from tests.polling import until_true
from tests.reading import read_all
from tests.unit.producers.test_bluesky import Jetstream, event, running

LIMIT_S = 120
#: Posts that there are before each start of the process.
POSTS = (500, 3000, 3100)


class Run:
    """The producer on a topic."""

    def __init__(self, kafka: LocalKafka | ExternalKafka, topic: str, url: str, place: Path):
        self._kafka = kafka
        self._topic = topic
        self._arguments = ["bluesky", "--url", url, "--place", str(place), "--topic", topic]

    async def until_published(self, count: int) -> Counter[bytes]:
        """What is in the topic, once it holds so many different posts."""
        found: Counter[bytes] = Counter()

        async def enough() -> bool:
            partitions = await read_all(self._kafka.client_options(), self._topic)
            found.clear()
            found.update(record.value or b"" for part in partitions for record in part)
            return len(found) >= count

        settings = KafkaSettings.from_env(self._kafka.env())
        await until_true(lambda: check_access(settings, [self._topic]), LIMIT_S)
        await until_true(enough, LIMIT_S)
        return found

    async def __call__(self, count: int, how: signal.Signals) -> Counter[bytes]:
        """Run until so many posts are there, and end it that way."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "producers", *self._arguments),
            env=clean_environment() | self._kafka.env(),
            stderr=subprocess.DEVNULL,
        )
        try:
            found = await self.until_published(count)
        finally:
            process.send_signal(how)
            await process.wait()
        return found


async def test_stopped_killed_and_started_again(
    kafka: LocalKafka | ExternalKafka, topic: str, tmp_path: Path
) -> None:
    async with running(Jetstream()) as server:
        # Closer together than the overlap, so that each start is sent many of them again.
        for number in range(POSTS[-1]):
            server.log.append(event(number, f"tag{number}"))
            server.log[-1]["time_us"] -= 999_000 * number
        everything, run = server.log, Run(kafka, topic, server.url, tmp_path / "place")
        server.log = everything[: POSTS[0]]
        found = await run(POSTS[0], signal.SIGTERM)
        assert set(found.values()) == {1}
        server.log = everything[: POSTS[1]]
        await run(POSTS[0] + 1, signal.SIGKILL)
        server.log = everything
        found = await run(POSTS[2], signal.SIGTERM)
    assert found.keys() == {b"tag%d" % number for number in range(POSTS[-1])}
    # What was acknowledged to the run that was stopped in order isn't repeated.
    assert {found[b"tag%d" % number] for number in range(POSTS[0])} == {1}
    assert len(server.cursors) == 3
    assert None not in server.cursors[1:]
