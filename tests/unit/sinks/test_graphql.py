"""GraphQL requests, and what answers with status 200 say of each result."""

import json
from typing import Any

import pytest

from streams.core.aggregation import Place
from streams.core.final import Final
from streams.core.prices import OHLC
from streams.core.values import encode_json
from streams.errors import UndeliverableError
from streams.jobs.tickers import as_latest, as_window
from streams.sinks.appsync.formats import MESSAGE_BYTES
from streams.sinks.appsync.graphql import OpaqueFormat, verdicts
from streams.sinks.appsync.typed import TypedFormat, version
from streams.sinks.appsync.verdicts import Fate
from tests.unit.sinks.results import result

OPAQUE = OpaqueFormat("{topic}-{key}", 25)
TYPED = TypedFormat(25)
LOCATIONS = [{"line": 1, "column": 2, "sourceName": None}]


def fates(answer: Any, n: int = 2) -> list[str]:
    return [verdict.fate.value for verdict in verdicts(answer, n)]


def test_a_request_of_two() -> None:
    made = json.loads(OPAQUE.request([OPAQUE.item(result(n)) for n in (1, 2)]))
    assert made["query"] == (
        "mutation Deliver($name0: String!, $data0: AWSJSON!, $name1: String!, $data1: AWSJSON!) "
        "{ r0: publish(name: $name0, data: $data0) { name data } "
        "r1: publish(name: $name1, data: $data1) { name data } }"
    )
    assert made["variables"]["name0"] == "twitter_output-kafka"
    assert json.loads(made["variables"]["data1"])["id"] == "twitter_output-2-2"


def test_what_is_too_large_is_refused() -> None:
    fits = MESSAGE_BYTES - 200
    OPAQUE.item(result(value=b"x" * fits))
    with pytest.raises(UndeliverableError, match="larger than 240000 bytes"):
        OPAQUE.item(result(value=b"x" * MESSAGE_BYTES))


def test_all_accepted() -> None:
    assert fates({"data": {"r0": {"name": "a"}, "r1": {"name": "b"}}}) == ["accepted", "accepted"]


@pytest.mark.parametrize(
    ("type_", "fate"),
    [
        ("DynamoDB:ProvisionedThroughputExceededException", "retry"),
        ("Lambda:Unhandled", "retry"),
        ("SomethingNew", "retry"),
        (None, "retry"),
        ("BadRequestException", "rejected"),
        ("ValidationError", "rejected"),
        ("DynamoDB:ValidationException", "rejected"),
        ("Rejected", "rejected"),
    ],
)
def test_an_error_is_of_its_own_result_only(type_: str | None, fate: str) -> None:
    error = {"path": ["r1"], "message": "no", "errorType": type_, "locations": LOCATIONS}
    answer = {"data": {"r0": {"name": "a"}, "r1": None}, "errors": [error]}
    assert fates(answer) == ["accepted", fate]


@pytest.mark.parametrize(
    ("answer", "fate"),
    [
        # What the schema refuses, as AppSync and as graphql-js tell it.
        (
            {"data": None, "errors": [{"path": None, "locations": LOCATIONS, "message": "x"}]},
            "split",
        ),
        ({"data": None, "errors": [{"locations": LOCATIONS, "message": "x"}]}, "split"),
        ({"errors": [{"errorType": "BadRequestException", "message": "x"}]}, "split"),
        ({"errors": [{"errorType": "InternalFailure", "message": "x"}]}, "retry"),
        ({"errors": [{"message": "x"}]}, "retry"),
        ({"errors": ["x"]}, "retry"),
        ({"errors": 7, "data": {"r0": {}, "r1": {}}}, "retry"),
        ({"errors": {"errorType": "BadRequestException"}}, "split"),
        ({"errorMessage": "Task timed out"}, "retry"),
        ({"errorMessage": "x", "errorType": "BadRequest"}, "split"),
        ({"data": None}, "retry"),
        ({"data": {"r0": None, "r1": None}}, "retry"),
        ({}, "retry"),
        ([], "retry"),
        (None, "retry"),
        ({"data": {"r0": {}, "r1": {}}, "errors": [{"path": ["r7"], "message": "x"}]}, "retry"),
    ],
)
def test_errors_of_the_whole_request(answer: Any, fate: str) -> None:
    assert fates(answer) == [fate, fate]


def test_a_result_alone_is_not_split() -> None:
    answer = {"data": None, "errors": [{"locations": LOCATIONS, "message": "Unknown type"}]}
    [verdict] = verdicts(answer, 1)
    assert verdict.fate is Fate.REJECTED
    assert verdict.reason == "Unknown type"


def test_a_typed_count() -> None:
    value = {"hashtag": "kafka", "count": 7, "window_start": 0, "window_end": 20_000}
    item = TYPED.item(result(3, value=json.dumps(value).encode(), timestamp=19_999))
    made = json.loads(TYPED.request([item]))
    assert "publishHashtagCount(result: $result0)" in made["query"]
    assert made["variables"]["result0"] == {
        "id": "twitter_output-2-3",
        "version": "000000000019999-0000000000000000003",
        "hashtag": "kafka",
        "count": 7,
        "windowStart": "1970-01-01T00:00:00.000Z",
        "windowEnd": "1970-01-01T00:00:20.000Z",
    }


@pytest.mark.parametrize("field", ["symbol", "ticker"])
def test_a_typed_ticker(field: str) -> None:
    value = {field: "AMZN", "price": 51.5, "high": 52, "event_time": "2026-01-01T00:00:00"}
    item = TYPED.item(result(3, value=json.dumps(value).encode(), timestamp=1_001))
    made = json.loads(TYPED.request([item]))["variables"]["result0"]
    assert made.pop("version").startswith("000000000001001-")
    assert made == {
        "id": "twitter_output-2-3",
        "symbol": "AMZN",
        "price": 51.5,
        "high": 52,
        "eventTime": "1970-01-01T00:00:01.001Z",
    }


def test_what_the_ticker_job_writes_is_a_typed_ticker() -> None:
    """A latest price, and what a window came to."""
    prices = OHLC.add(OHLC.add(OHLC.zero, 51.0, Place(5, 0, 0)), 52.0, Place(9, 0, 1))
    window = as_window(Final(b"TBV", prices, 0, 60_000))
    items = [
        TYPED.item(result(3, b"TBV", encode_json(as_latest(b"TBV", prices)), timestamp=9)),
        TYPED.item(result(4, b"TBV", encode_json(window), timestamp=59_999)),
    ]
    made = json.loads(TYPED.request(items))["variables"]
    assert [made[name]["price"] for name in ("result0", "result1")] == [52.0, 52.0]
    assert [made[name]["symbol"] for name in ("result0", "result1")] == ["TBV", "TBV"]
    assert (made["result1"]["open"], made["result1"]["high"]) == (51.0, 52.0)
    assert made["result0"]["eventTime"] == "1970-01-01T00:00:00.009Z"


@pytest.mark.parametrize(
    "value",
    [
        b"7",
        b"x",
        b"",
        None,
        b"{}",
        b'{"hashtag": "a"}',
        b'{"ticker": "A"}',
        b'{"price": 1}',
        b'{"hashtag": "a", "count": 1, "window_start": "x", "window_end": 1e300}',
    ],
)
def test_what_fits_no_type_is_refused(value: bytes | None) -> None:
    with pytest.raises(UndeliverableError):
        TYPED.item(result(value=value))


def test_versions_grow_as_text() -> None:
    times = (0, 9, 10, 1_763_000_000_000)
    grown = [version(result(n, timestamp=t)) for t in times for n in (0, 9, 10, 2**62)]
    assert grown == sorted(grown)
