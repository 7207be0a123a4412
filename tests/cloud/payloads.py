"""What Lambda gives to a function for records of MSK, as its documentation shows it."""

import base64
from typing import Any

ARN = "arn:aws:kafka:eu-west-1:123456789012:cluster/demo/751d2973-a626-431c-9d4e-d7975eb44dd7-2"


def event(**partitions: list[dict[str, Any]]) -> dict[str, Any]:
    """An invocation with the records of some partitions, by `topic-partition`."""
    return {
        "eventSource": "aws:kafka",
        "eventSourceArn": ARN,
        "bootstrapServers": "b-2.demo-cluster-1.a1bcde.c1.kafka.us-east-1.amazonaws.com:9092,"
        "b-1.demo-cluster-1.a1bcde.c1.kafka.us-east-1.amazonaws.com:9092",
        "records": partitions,
    }


def record(
    topic: str, partition: int, offset: int, value: bytes | None, key: bytes | None = b"kafka"
) -> dict[str, Any]:
    """One record; keys and values are in base64, headers are lists of signed bytes."""
    raw: dict[str, Any] = {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "timestamp": 1545084650987,
        "timestampType": "CREATE_TIME",
        "headers": [{"headerKey": [104, 101, 97, 100, -61, -68, 49]}],
    }
    if key is not None:
        raw["key"] = base64.b64encode(key).decode()
    if value is not None:
        raw["value"] = base64.b64encode(value).decode()
    return raw


def failed(topic: str, partition: int, *offsets: int) -> list[dict[str, Any]]:
    """How a function reports records of a partition."""
    where = f"{topic}-{partition}"
    return [{"itemIdentifier": {"partition": where, "offset": offset}} for offset in offsets]
