"""AppSync Events: its requests, and what its answers say."""

import json
from typing import Any

import pytest

from streams.sinks.appsync.events import EventsFormat
from tests.unit.sinks.results import result

FORMAT = EventsFormat("default/{topic}/{key}", 25)
RETRIED_REJECTED = ["retry", "rejected"]


def test_a_request() -> None:
    items = [FORMAT.item(result(n)) for n in (1, 2)]
    made = json.loads(FORMAT.request(items))
    assert made["channel"] == items[0].group == "/default/twitter-output/kafka"
    assert [json.loads(event)["id"] for event in made["events"]] == [
        "twitter_output-2-1",
        "twitter_output-2-2",
    ]
    assert FORMAT.most == 5


@pytest.mark.parametrize(
    ("answer", "fates"),
    [
        ({"successful": [{"index": 0}, {"index": 1}], "failed": []}, ["accepted", "accepted"]),
        (
            {"successful": [{"index": 1}], "failed": [{"index": 0, "code": 400}]},
            ["rejected", "accepted"],
        ),
        (
            {"successful": [{"index": 1}], "failed": [{"index": 0, "code": 429}]},
            ["retry", "accepted"],
        ),
        (
            {"successful": [{"index": 1}], "failed": [{"index": 0, "code": 500}]},
            ["retry", "accepted"],
        ),
        ({"successful": [{"index": 1}], "failed": [{"index": 0}]}, ["retry", "accepted"]),
        ({"successful": [{"index": 1}]}, ["retry", "accepted"]),
        ({"successful": [{"index": 9}], "failed": [{"index": -1}]}, ["retry", "retry"]),
        *(
            ({"failed": [{"index": 0, "code": code}, {"index": 1, "code": 413}]}, RETRIED_REJECTED)
            for code in (401, 403, 408)
        ),
        (None, ["retry", "retry"]),
        ({"successful": 2, "failed": "all"}, ["retry", "retry"]),
        ({"successful": [0, None, {"index": 1.0}, {"index": [1]}]}, ["retry", "retry"]),
    ],
)
def test_answers(answer: Any, fates: list[str]) -> None:
    assert [verdict.fate.value for verdict in FORMAT.verdicts(answer, 2)] == fates
