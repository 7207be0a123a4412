"""Results on their way to clients: a record of an output topic, and its JSON made once for all.

{"key": "kafka", "value": {...}, "timestamp": 1763000019999, "id": "topic-0-17", "cursor": "..."}
"""

import base64
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.core import strict_json
from streams.core.columns import TP
from streams.core.values import Decoder
from streams.errors import MisfitError
from streams.web.live.frames import text_frame

#: Makes JSON of a record's value.
AsJson = Callable[[bytes | None], str]

#: What a message takes beside its key and value, in bytes.
OVERHEAD = 300


@dataclass(slots=True, eq=False)
class Piece:
    """Some records of one partition that follow each other in the log.

    start      the positions in all partitions before it
    prefix     what the cursors of its messages begin with
    following  the partition's next offset after it
    """

    tp: TP
    start: Mapping[TP, int]
    prefix: str
    as_json: AsJson
    following: int
    messages: Sequence["Message"] = field(default_factory=list)
    size: int = 0


class Message:
    """One record. `frame` is empty until somebody wants it and calls `encode`; then it is kept."""

    __slots__ = ("frame", "key", "offset", "piece", "timestamp", "value")

    def __init__(self, piece: Piece, record: Any) -> None:
        self.piece = piece
        self.offset: int = record.offset
        self.timestamp: int = record.timestamp
        self.key: bytes | None = record.key
        self.value: bytes | None = record.value
        self.frame = b""

    @property
    def tp(self) -> TP:
        return self.piece.tp

    def encode(self) -> None:
        """Make the WebSocket frame, with the cursor of those who follow live."""
        if not self.frame:
            self.frame = self.frame_at(f"{self.piece.prefix}{self.offset + 1}")

    def frame_at(self, cursor: str) -> bytes:
        """As a WebSocket frame with another cursor."""
        topic, partition = self.piece.tp
        return text_frame(
            f'{{"key":{key_as_json(self.key)},"value":{self.piece.as_json(self.value)},'
            f'"timestamp":{self.timestamp},"id":"{topic}-{partition}-{self.offset}",'
            f'"cursor":"{cursor}"}}'.encode()
        )


class Item:
    """What else waits for a connection, and is never conflated."""

    __slots__ = ("frame",)

    def __init__(self, frame: bytes) -> None:
        self.frame = frame


def key_as_json(key: bytes | None) -> str:
    return "null" if key is None else json.dumps(key_text(key), ensure_ascii=False)


def key_text(key: bytes) -> str:
    """A key as clients write it; bytes that aren't UTF-8 as `\\xff`."""
    return key.decode(errors="backslashreplace")


def json_value(value: bytes | None) -> str:
    """The value as it is if it is JSON, else as a string: its text, or base64 of its bytes."""
    if value is None:
        return "null"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return json.dumps(base64.b64encode(value).decode())
    try:
        strict_json.parse(text)
    except ValueError:
        return json.dumps(text)
    return text


def long_value(value: bytes | None) -> str:
    """8 bytes, big-endian, as a number; anything else as `json_value` has it."""
    if value is None or len(value) != 8:
        return json_value(value)
    return str(struct.unpack(">q", value)[0])


def decoded_value(decoder: Decoder) -> AsJson:
    """Values by their topic's format; what doesn't fit it as `json_value` has it."""

    def as_json(value: bytes | None) -> str:
        if value is None:
            return "null"
        try:
            return decoder.json(value)
        except MisfitError:
            return json_value(value)

    return as_json
