"""The Lambda consumers: each record of each partition is handled, and failures are reported."""

import base64
import json
import logging
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.cloud.functions import function
from tests.cloud.payloads import event, failed, record

TOPIC = "twitter_output"
FINAL = {"hashtag": "kafka", "count": 7, "window_start": 1763000000000, "window_end": 1763000020000}


def _events() -> dict[str, Any]:
    value = json.dumps(FINAL).encode()
    return event(
        **{
            f"{TOPIC}-0": [record(TOPIC, 0, offset, value) for offset in (15, 16, 17)],
            f"{TOPIC}-2": [
                record(TOPIC, 2, 3, "grün".encode()),
                record(TOPIC, 2, 4, None),
                record(TOPIC, 2, 5, b"\xff\x00", key=None),
            ],
            "other-topic-1": [record("other-topic", 1, 0, b"9")],
        }
    )


@pytest.fixture
def log_records() -> Iterator[ModuleType]:
    with function("records", "log_records") as module:
        yield module


@pytest.fixture
def to_firehose(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.setenv("STREAM_NAME", "stream")
    with function("records", "to_firehose") as module:
        monkeypatch.setattr(module, "PAUSE_SECONDS", 0)
        yield module


def test_each_record_of_each_partition_is_logged(
    log_records: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert log_records.handler(_events(), None) == {"batchItemFailures": []}
    lines = [json.loads(m) for m in caplog.messages if m.startswith("{")]
    places = [(line["topic"], line["partition"], line["offset"]) for line in lines]
    assert places == [
        *[(TOPIC, 0, offset) for offset in (15, 16, 17)],
        *[(TOPIC, 2, offset) for offset in (3, 4, 5)],
        ("other-topic", 1, 0),
    ]
    assert lines[0] == {
        "topic": TOPIC,
        "partition": 0,
        "offset": 15,
        "timestamp": 1545084650987,
        "key": "kafka",
        "value": FINAL,
    }
    assert [line.get("value") for line in lines[3:]] == ["grün", None, None, 9]
    assert lines[5]["value_base64"] == base64.b64encode(b"\xff\x00").decode()
    assert lines[5]["key"] is None
    assert "7 records of 3 partitions, 0 failed" in caplog.messages[-1]


def test_what_can_not_be_read_is_reported_and_the_rest_logged(
    log_records: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    given = _events()
    given["records"][f"{TOPIC}-0"][1]["value"] = "no base64!"
    del given["records"]["other-topic-1"][0]["timestamp"]
    with caplog.at_level(logging.INFO):
        answer = log_records.handler(given, None)
    assert answer["batchItemFailures"] == [*failed(TOPIC, 0, 16), *failed("other-topic", 1, 0)]
    assert sum(message.startswith("{") for message in caplog.messages) == 5


class Firehose:
    """A stream that refuses chosen lines; `asked` are the requests."""

    def __init__(self, module: ModuleType) -> None:
        self.asked: list[list[bytes]] = []
        self.taken: list[bytes] = []
        self.refusals: dict[bytes, int] = {}
        self.breaks = 0
        self._error = module.BotoCoreError

    def put_record_batch(self, DeliveryStreamName: str, Records: Any) -> Any:
        assert DeliveryStreamName == "stream"
        lines = [item["Data"] for item in Records]
        self.asked.append(lines)
        if self.breaks:
            self.breaks -= 1
            raise self._error()
        results = [self._put(line) for line in lines]
        return {"FailedPutCount": len([r for r in results if r]), "RequestResponses": results}

    def _put(self, line: bytes) -> dict[str, str]:
        for part, left in self.refusals.items():
            if part in line and left:
                self.refusals[part] = left - 1
                return {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
        self.taken.append(line)
        return {"RecordId": "1"}


@pytest.fixture
def firehose(to_firehose: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Firehose:
    stream = Firehose(to_firehose)
    monkeypatch.setattr(to_firehose, "_client", lambda: stream)
    return stream


def test_each_record_is_delivered_once_as_a_line(
    to_firehose: ModuleType, firehose: Firehose
) -> None:
    assert to_firehose.handler(_events(), None) == {"batchItemFailures": []}
    assert len(firehose.asked) == 1
    assert all(line.endswith(b"\n") for line in firehose.taken)
    assert [json.loads(line)["offset"] for line in firehose.taken] == [15, 16, 17, 3, 4, 5, 0]


def test_only_what_firehose_leaves_is_sent_again(
    to_firehose: ModuleType, firehose: Firehose
) -> None:
    firehose.refusals = {b'"offset": 16': 2}
    assert to_firehose.handler(_events(), None) == {"batchItemFailures": []}
    assert [len(lines) for lines in firehose.asked] == [7, 1, 1]
    assert len(firehose.taken) == 7


def test_what_firehose_never_takes_is_reported(to_firehose: ModuleType, firehose: Firehose) -> None:
    firehose.refusals = {b'"offset": 16': 99, b'"offset": 4,': 99}
    answer = to_firehose.handler(_events(), None)
    assert answer["batchItemFailures"] == [*failed(TOPIC, 0, 16), *failed(TOPIC, 2, 4)]
    assert len(firehose.taken) == 5
    assert len(firehose.asked) == to_firehose.ATTEMPTS


def test_all_is_reported_while_firehose_is_away(
    to_firehose: ModuleType, firehose: Firehose
) -> None:
    firehose.breaks = 99
    answer = to_firehose.handler(_events(), None)
    assert len(answer["batchItemFailures"]) == 7
    firehose.breaks, firehose.asked = 1, []
    assert to_firehose.handler(_events(), None) == {"batchItemFailures": []}
    assert len(firehose.asked) == 2


def test_requests_stay_within_what_firehose_takes(
    to_firehose: ModuleType, firehose: Firehose
) -> None:
    small = [record(TOPIC, 0, offset, b"1") for offset in range(1201)]
    large = [record(TOPIC, 1, offset, b"x" * 900_000) for offset in range(6)]
    too_large = [record(TOPIC, 2, 8, b"x" * 1_100_000)]
    given = event(**{f"{TOPIC}-0": small, f"{TOPIC}-1": large, f"{TOPIC}-2": too_large})
    answer = to_firehose.handler(given, None)
    assert answer["batchItemFailures"] == failed(TOPIC, 2, 8)
    assert len(firehose.taken) == 1207
    for lines in firehose.asked:
        assert len(lines) <= 500
        assert sum(map(len, lines)) <= 4 * 2**20


def test_a_window_without_records_is_no_failure(
    to_firehose: ModuleType, firehose: Firehose
) -> None:
    assert to_firehose.handler(event(), None) == {"batchItemFailures": []}
    assert not firehose.asked
