"""Results on their whole way: Kafka, the job, the sink, AppSync's simulator, subscribers."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.application import Application, Kafka
from tests.appsync.simulator import GqlSubscriber, amplify_subscriber, simulator
from tests.load import Row
from tests.polling import until

Name = Callable[[str], str]

#: Of both APIs: what subscribers see has to be asked for by the mutation.
SUBSCRIBE = "subscription ($name: String) { subscribe(name: $name) { name data } }"
WINDOW = 20_000


def rows(tags: int, windows: int) -> tuple[list[Row], set[tuple[str, int]]]:
    """One partition's rows, and the finals they come to, as (hashtag, window start)."""
    made: list[Row] = []
    for window in range(windows):
        for tag in range(tags):
            made += [(f"#tag{tag}".encode(), window * WINDOW + n) for n in range(5)]
    expected = {(f"#tag{tag}", window * WINDOW) for tag in range(tags) for window in range(windows)}
    return [*made, (b"#end", 10**10)], expected


@pytest.mark.long
@pytest.mark.timeout(300)
def test_every_final_reaches_its_subscribers(
    kafka: Kafka,
    unique: Name,
    tmp_path: Path,
    node: str,
    certificates: Mapping[str, Path],
) -> None:
    written, expected = rows(tags=20, windows=10)
    with (
        simulator(node, certificates, tmp_path) as peer,
        Application(kafka, unique("appsync"), tmp_path, variables=peer.variables) as app,
        GqlSubscriber(peer, SUBSCRIBE, {"name": app.output_topic}) as gql,
        amplify_subscriber(node, peer, tmp_path, [app.output_topic, "another"]) as amplify,
    ):
        app.create_topics()
        app.write([written])
        worker = app.worker().start()

        def seen() -> list[dict[str, Any]]:
            return [json.loads(answer["subscribe"]["data"]) for answer in gql.got]

        until(lambda: len(seen()) >= len(expected), "all finals", 120, app.tails)
        found = seen()
        values = [final["value"] for final in found]
        assert {(v["hashtag"], v["window_start"]) for v in values} == expected
        assert {final["topic"] for final in found} == {app.output_topic}
        by_id = {final["id"]: final for final in found}
        records = app.read(app.output_topic)
        assert by_id.keys() == {f"{app.output_topic}-0-{r.offset}" for r in records}
        for record in records:
            final = by_id[f"{app.output_topic}-0-{record.offset}"]
            assert final["key"] == (record.key or b"").decode()
            assert final["value"] == json.loads(record.value or b"")
        # The simulator doesn't look at the arguments of subscriptions, so both get everything.
        until(
            lambda: {json.loads(m["data"])["id"] for m in amplify()} == by_id.keys(),
            "all finals at aws-amplify",
            60,
        )
        assert {message["name"] for message in amplify()} == {app.output_topic}
        metrics = worker.metrics()
        assert metrics["streams_sink_delivered_total", "appsync"] == len(expected)
        assert metrics["streams_sink_in_flight", "appsync"] == 0
        assert worker.stop() == 0, worker.tail()
        assert "canary" not in worker.said()
