"""The typed API on AppSync's simulator and ministack's DynamoDB: latest values, subscriptions."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from streams.sinks.appsync.typed import TypedFormat
from tests.application import Application, Kafka
from tests.appsync.inputs import rows, write_results
from tests.appsync.ministack import Ministack
from tests.appsync.simulator import GqlSubscriber, Simulator, ask, simulator
from tests.polling import until
from tests.unit.sinks.results import result

Name = Callable[[str], str]

COUNT_FIELDS = "id version hashtag count windowStart windowEnd expiresAt"
ON_COUNT = f"subscription ($tag: String) {{ onHashtagCount(hashtag: $tag) {{ {COUNT_FIELDS} }} }}"
ON_TICKER = "subscription { onTicker { id symbol price open eventTime } }"
LATEST_COUNT = f"query ($tag: String!) {{ latestHashtagCount(hashtag: $tag) {{ {COUNT_FIELDS} }} }}"
LATEST_TICKER = (
    "query ($symbol: String!) { latestTicker(symbol: $symbol) { id price open expiresAt } }"
)
WEEK = 604_800

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture
def table(ministack: Ministack, unique: Name) -> str:
    name = unique("latest")
    ministack.table(name)
    return name


@pytest.fixture
def peer(
    node: str,
    certificates: Mapping[str, Path],
    tmp_path: Path,
    ministack: Ministack,
    table: str,
) -> Iterator[Simulator]:
    where = {"endpoint": ministack.url, "tableName": table}
    with simulator(node, certificates, tmp_path, "typed", where) as running:
        yield running


def publish(peer: Simulator, *values: tuple[int, int, dict[str, Any]]) -> Any:
    """Send results as the sink does: (offset, timestamp, value) of each; all in one request."""
    typed = TypedFormat(25)
    items = [
        typed.item(result(offset, value=json.dumps(value).encode(), timestamp=timestamp))
        for offset, timestamp, value in values
    ]
    made = json.loads(typed.request(items))
    return ask(peer, made["query"], made["variables"])


def count(n: int) -> dict[str, Any]:
    return {"hashtag": "kafka", "count": n, "window_start": 0, "window_end": WEEK}


def test_finals_are_kept_and_published(
    kafka: Kafka, unique: Name, tmp_path: Path, peer: Simulator
) -> None:
    written, expected = rows(tags=5, windows=4)
    variables = {**peer.variables, "STREAMS_APPSYNC_MODE": "typed"}
    with (
        Application(kafka, unique("typed"), tmp_path, variables=variables) as app,
        GqlSubscriber(peer, ON_COUNT, {"tag": "#tag3"}) as subscriber,
    ):
        app.create_topics()
        app.write([written])
        worker = app.worker().start()
        until(lambda: len(subscriber.got) >= len(expected), "all finals", 120, app.tails)
        found = [answer["onHashtagCount"] for answer in subscriber.got]
        assert {f["hashtag"] for f in found} == {tag for tag, _ in expected}
        assert all(f["count"] == 5 and f["id"] and f["expiresAt"] for f in found)
        latest = ask(peer, LATEST_COUNT, {"tag": "#tag3"})["latestHashtagCount"]
        assert latest["windowStart"] == "1970-01-01T00:01:00.000Z"
        assert latest["windowEnd"] == "1970-01-01T00:01:20.000Z"
        assert 0 < latest["expiresAt"] - time.time() <= WEEK
        assert ask(peer, LATEST_COUNT, {"tag": "#none"})["latestHashtagCount"] is None
        assert worker.stop() == 0, worker.tail()


def test_what_the_schema_refuses_is_set_aside(
    kafka: Kafka, unique: Name, tmp_path: Path, peer: Simulator
) -> None:
    """And nothing else, though they travel together."""
    good = [(f"#t{n}".encode(), json.dumps({**count(n), "hashtag": f"#t{n}"})) for n in range(40)]
    bad = [(b"#bad", json.dumps({**count(1), "count": what})) for what in ("many", 2**40, None)]
    results = [(key, value.encode()) for key, value in [*good[:20], *bad, *good[20:]]]
    variables = {**peer.variables, "STREAMS_APPSYNC_MODE": "typed"}
    with (
        Application(kafka, unique("typed"), tmp_path, variables=variables) as app,
        GqlSubscriber(peer, ON_COUNT, {}) as subscriber,
    ):
        app.create_topics()
        write_results(app, results)
        worker = app.worker().start()
        until(lambda: len(subscriber.got) >= len(good), "all good results", 60, app.tails)
        letters = app.until_written(app.dead_letters, len(bad))
        assert [(r.key, r.value) for r in letters] == results[20:23]
        reasons = [dict(r.headers)["reason"] for r in letters]
        assert b'Int cannot represent non-integer value: "many"' in reasons[0]
        assert b"non 32-bit signed integer value" in reasons[1]
        found = [answer["onHashtagCount"] for answer in subscriber.got]
        assert sorted(f["count"] for f in found) == list(range(40))
        assert worker.stop() == 0, worker.tail()


def test_an_older_result_does_not_overwrite_a_newer_one(peer: Simulator) -> None:
    def latest() -> int:
        return int(ask(peer, LATEST_COUNT, {"tag": "kafka"})["latestHashtagCount"]["count"])

    with GqlSubscriber(peer, ON_COUNT, {}) as subscriber:
        publish(peer, (5, 1_000, count(1)))
        publish(peer, (6, 1_000, count(2)))  # as old, but further on
        assert latest() == 2
        for offset, timestamp in ((5, 1_000), (9, 999), (6, 1_000)):
            publish(peer, (offset, timestamp, count(99)))
            assert latest() == 2
        publish(peer, (7, 1_001, count(3)))
        assert latest() == 3
        # Subscribers get late and repeated ones, too: they may have missed them before.
        until(lambda: len(subscriber.got) >= 6, "six messages", 120)
        assert [a["onHashtagCount"]["id"][-1] for a in subscriber.got] == list("565967")


def test_tickers(peer: Simulator) -> None:
    with GqlSubscriber(peer, ON_TICKER, {}) as subscriber:
        amazon = {"symbol": "AMZN", "price": 51.5, "open": 50}
        publish(peer, (1, 1_000, amazon), (2, 1_500, {"ticker": "TBV", "price": 7}))
        until(lambda: len(subscriber.got) >= 2, "two messages", 120)
        assert subscriber.got[0]["onTicker"] == {
            "id": "twitter_output-2-1",
            "symbol": "AMZN",
            "price": 51.5,
            "open": 50,
            "eventTime": "1970-01-01T00:00:01.000Z",
        }
    latest = ask(peer, LATEST_TICKER, {"symbol": "TBV"})["latestTicker"]
    assert (latest["price"], latest["open"]) == (7, None)


def test_what_has_expired_is_not_found(peer: Simulator, ministack: Ministack, table: str) -> None:
    publish(peer, (1, 1_000, count(1)))
    dynamodb = ministack.client("dynamodb")
    dynamodb.update_item(
        TableName=table,
        Key={"pk": {"S": "HashtagCount:kafka"}},
        UpdateExpression="SET expiresAt = :now",
        ExpressionAttributeValues={":now": {"N": str(int(time.time()) - 1)}},
    )
    assert ask(peer, LATEST_COUNT, {"tag": "kafka"})["latestHashtagCount"] is None
    # DynamoDB drops it, for the attribute is the table's TTL.
    until(lambda: not dynamodb.scan(TableName=table)["Items"], "the item is dropped", 150)
