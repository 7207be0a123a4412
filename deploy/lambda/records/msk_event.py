"""What Lambda hands over for a batch of Kafka's records, and how to tell it which ones failed."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple


class Position(NamedTuple):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int


def records(event: Mapping[str, Any]) -> Iterator[tuple[Position, Mapping[str, Any]]]:
    """All records of all partitions as they came; those of a partition in their order."""
    for batch in event["records"].values():
        for raw in batch:
            yield Position(raw["topic"], raw["partition"], raw["offset"]), raw


def line(position: Position, raw: Mapping[str, Any]) -> str:
    """A record as one line of JSON. Raises ValueError if it isn't what Lambda promises."""
    fields = {**position._asdict(), "timestamp": raw["timestamp"]}
    for name in ("key", "value"):
        fields |= _readable(name, raw.get(name))
    return json.dumps(fields, ensure_ascii=False)


def failures(positions: Iterable[Position]) -> dict[str, Any]:
    """The answer that has these records, and no others, come again."""
    return {
        "batchItemFailures": [
            {"itemIdentifier": {"partition": f"{p.topic}-{p.partition}", "offset": p.offset}}
            for p in positions
        ]
    }


def _readable(name: str, encoded: str | None) -> dict[str, Any]:
    """A key or value as JSON or text where it is that, else as it came."""
    if encoded is None:
        return {name: None}
    data = base64.b64decode(encoded, validate=True)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {f"{name}_base64": encoded}
    if name == "key":
        return {name: text}
    try:
        return {name: json.loads(text)}
    except ValueError:
        return {name: text}
