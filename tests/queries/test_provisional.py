"""Provisional counts of real workers: committed ones, not too many, and none after the final."""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from websockets.asyncio.client import connect

from streams.access import check_access
from tests.application import Kafka, create_topics
from tests.live.gateways import gateway
from tests.load import Pace
from tests.polling import until_true
from tests.queries.witness import truth_of
from tests.scene import Scene

Name = Callable[[str], str]

TAGS = ["#tag00", "#tag01", "#tag02"]
#: A window lasts two seconds, as long in the load's time as in ours.
PACE = Pace(step_ms=20, late_ms=1_000)


async def listen(
    port: int, query: str, finals: int, provisional: int = 0, seconds: float = 150
) -> list[dict[str, Any]]:
    """What a client gets until there were so many finals and counts of each hashtag."""
    keys = ",".join(map(quote, TAGS))
    found: list[dict[str, Any]] = []
    left = {(tag, True): finals for tag in TAGS} | {(tag, False): provisional for tag in TAGS}
    async with (
        asyncio.timeout(seconds),
        connect(f"ws://127.0.0.1:{port}/ws?hashtag={keys}{query}", open_timeout=90) as ws,
    ):
        while max(left.values()) > 0:
            message = json.loads(await ws.recv())
            if "key" in message:
                found.append(message)
                left[message["key"], "id" in message] -= 1
    return found


async def both(port: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What a client gets that asks for provisional counts, and one that doesn't."""
    one, other = await asyncio.gather(
        listen(port, "&provisional=1", finals=4, provisional=2), listen(port, "", finals=2)
    )
    return one, other


@pytest.mark.long
def test_counts_grow_until_the_final(kafka: Kafka, unique: Name, tmp_path: Path) -> None:
    with Scene(kafka, unique("provisional"), tmp_path, pace=PACE) as scene:
        worker = scene.worker().start().until_running(scene.tasks)
        scene.finals_grow(5)
        begun = time.monotonic()
        found, plain = asyncio.run(both(worker.port))
        seconds = time.monotonic() - begun
        assert not any("provisional" in message for message in plain)
        truth = truth_of(scene.read(scene.changelog))
        check(found, truth.counts, seconds)
        scene.finish()


async def test_a_gateway_makes_no_changelog(
    kafka: Kafka, unique: Name, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Only a worker knows how many partitions it has to have."""
    app_id = unique("nobody")
    changelog = f"{app_id}-hashtag_counts-changelog"
    await create_topics(kafka.client_options(), topic, partitions=1)
    async with (
        gateway(kafka, topic, APP_ID=app_id, OUTPUT_TOPIC=topic) as served,
        served.client("hashtag=a&provisional=1"),
    ):
        await until_true(lambda: f"No topic '{changelog}'" in caplog.text)
    assert await check_access(served.settings.kafka, [changelog, topic]) == {topic: 1}


def check(
    messages: list[dict[str, Any]], committed: dict[tuple[str, int], set[int]], seconds: float
) -> None:
    closed: dict[str, int] = {}
    newest: dict[tuple[str, int], int] = defaultdict(int)
    told: Counter[str] = Counter()
    for message in messages:
        key, value = message["key"], message["value"]
        assert (value["hashtag"], value["window_end"]) == (key, value["window_start"] + 2_000)
        place = key, value["window_start"]
        assert value["count"] >= newest[place], message
        newest[place] = value["count"]
        if "id" in message:
            assert "provisional" not in message
            closed[key] = max(closed.get(key, 0), value["window_start"])
            continue
        assert message["provisional"] is True
        assert set(message) == {"key", "value", "timestamp", "provisional"}
        assert value["count"] in committed[place], message
        assert value["window_start"] > closed.get(key, -1), f"after its final: {message}"
        told[key] += 1
    print(f"provisional counts in {seconds:.1f} s: {dict(told)}")
    assert set(told) == set(TAGS)
    assert max(told.values()) <= seconds + 2, "no more than one a second"
