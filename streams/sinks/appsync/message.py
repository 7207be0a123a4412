"""What a subscriber gets: a result as JSON, and the channel that it goes to."""

import json
import re
from typing import Any

from streams.core import strict_json
from streams.errors import UndeliverableError
from streams.sinks.settings import CHANNEL_SEGMENTS
from streams.tasks.results import Result

#: Characters of a segment of an Events API's channel.
SEGMENT_LENGTH = 50
#: Stands for a segment of which nothing is left.
EMPTY = "none"

_ILLEGAL = re.compile(r"[^A-Za-z0-9]")


def message(result: Result) -> str:
    """`{"topic", "key", "value", "id"}` as JSON.

    `value` is the record's own JSON, to the letter; a string if it is none, null for a tombstone.
    `id` is the same whenever the result is sent again. Raises UndeliverableError.
    """
    return (
        f'{{"topic": {json.dumps(result.topic)}, "key": {json.dumps(key_of(result))}, '
        f'"value": {_as_json(result.value)}, "id": {json.dumps(result.id)}}}'
    )


def key_of(result: Result) -> str | None:
    """The key as text. Raises UndeliverableError."""
    return None if result.key is None else _text(result.key, "key")


def value_of(result: Result) -> Any:
    """The value that the record's JSON stands for. Raises UndeliverableError."""
    try:
        return strict_json.parse(_text(result.value or b"", "value"))
    except ValueError as exc:
        raise UndeliverableError("value is not JSON") from exc


def channel(template: str, result: Result) -> str:
    """The channel of a result: the template with its `{topic}` and `{key}` filled in."""
    # The key last, for a key may hold braces itself.
    filled = template.replace("{topic}", result.topic)
    return filled.replace("{key}", key_of(result) or "")


def events_channel(template: str, result: Result) -> str:
    """The same for an Events API, whose channels are `/namespace/segment/...`.

    They hold letters and digits, and "-" in between; every other character becomes "-".
    """
    names = {"topic": result.topic, "key": key_of(result) or ""}
    segments = template.strip("/").split("/")
    for name, value in names.items():
        legal = _ILLEGAL.sub("-", value)
        segments = [segment.replace(f"{{{name}}}", legal) for segment in segments]
    assert len(segments) <= CHANNEL_SEGMENTS
    return "/" + "/".join(segment[:SEGMENT_LENGTH].strip("-") or EMPTY for segment in segments)


def _as_json(value: bytes | None) -> str:
    if value is None:
        return "null"
    text = _text(value, "value")
    try:
        strict_json.parse(text)
    except ValueError:
        return json.dumps(text)
    return text


def _text(raw: bytes, what: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as exc:
        raise UndeliverableError(f"{what} is not UTF-8") from exc
