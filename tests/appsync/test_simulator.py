"""Results on their whole way: made-up tweets, Kafka, the job, the sink, AppSync, subscribers."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import reference
from tests.application import Application, Finals, Kafka
from tests.appsync.simulator import GqlSubscriber, amplify_subscriber, simulator
from tests.polling import until
from tests.reading import read_all
from tests.worker import clean_environment

Name = Callable[[str], str]

SUBSCRIBE = "subscription ($name: String) { subscribe(name: $name) { name data } }"
PARTITIONS = 2
WINDOW_MS, ABOVE = 20_000, 4
#: Ten windows of some fifty hashtags.
TWEETS = ["--count", "10000", "--rate", "50", "--tags", "60", "--speed", "0", "--start", "1000000"]
PRODUCE_SECONDS = 120


def produce(app: Application) -> None:
    """Write tweets as people do, and something that closes their windows."""
    command = [sys.executable, "-m", "producers", "simulate", "--topic", app.input, "--seed", "5"]
    environment = {**clean_environment(), **app.variables}
    subprocess.run([*command, *TWEETS], env=environment, check=True, timeout=PRODUCE_SECONDS)
    app.write([[(b"#end", 10**10)]] * PARTITIONS)


def expected_finals(app: Application) -> Finals:
    """What the tweets come to, by brute force."""
    read = asyncio.run(read_all(app.options, app.input))
    rows = [[(record.value, record.timestamp) for record in part] for part in read]
    return reference.finals(rows, WINDOW_MS, 0, ABOVE)


def messages(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the subscriber was sent: topic, key, value and id."""
    return [json.loads(answer["data"]) for answer in answers]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_final_reaches_its_subscribers(
    kafka: Kafka,
    unique: Name,
    tmp_path: Path,
    node: str,
    certificates: Mapping[str, Path],
) -> None:
    with (
        simulator(node, certificates, tmp_path) as peer,
        Application(
            kafka, unique("appsync"), tmp_path, partitions=PARTITIONS, variables=peer.variables
        ) as app,
        GqlSubscriber(peer, SUBSCRIBE, {"name": app.output_topic}) as gql,
        amplify_subscriber(node, peer, tmp_path, [app.output_topic, "another"]) as amplify,
    ):
        app.create_topics()
        worker = app.worker().start()
        produce(app)
        expected = expected_finals(app)
        assert len(expected) > 300
        until(lambda: len(gql.got) >= len(expected), "all finals", 180, app.tails)
        found = messages([answer["subscribe"] for answer in gql.got])
        values = [final["value"] for final in found]
        assert {(v["hashtag"], v["window_start"]): v["count"] for v in values} == expected
        by_id = {final["id"]: final for final in found}
        records = {
            f"{app.output_topic}-{r.partition}-{r.offset}": r for r in app.read(app.output_topic)
        }
        assert by_id.keys() == records.keys()
        for id_, record in records.items():
            assert by_id[id_]["topic"] == app.output_topic
            assert by_id[id_]["key"] == (record.key or b"").decode()
            assert by_id[id_]["value"] == json.loads(record.value or b"")
        # The simulator doesn't look at the arguments of subscriptions: both get everything.
        until(lambda: {m["id"] for m in messages(amplify())} == by_id.keys(), "all by Amplify", 60)
        assert {message["name"] for message in amplify()} == {app.output_topic}
        counted = {
            ("streams_sink_delivered_total", "appsync"): len(expected),
            ("streams_sink_in_flight", "appsync"): 0,
        }
        # Subscribers may have a result before the sink has the answer.
        until(lambda: counted.items() <= worker.metrics().items(), "it is counted", 60, app.tails)
        assert worker.stop() == 0, worker.tail()
        assert "canary" not in worker.said()
        assert "Unclosed" not in worker.said()
