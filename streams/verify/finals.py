"""Records of the output topic as finals, in either format."""

import json
import struct
from typing import Any, NamedTuple


class Final(NamedTuple):
    """One final as it was found; `window` is its start in ms."""

    window: int
    hashtag: str
    found: int
    partition: int
    offset: int


class UnreadableError(ValueError):
    """A record of the output topic isn't a final; says why."""


def decode(partition: int, record: Any, window_ms: int, output_format: str) -> Final:
    """Read a record; raises UnreadableError.

    What a final says twice has to agree: a consumer may rely on either.
    """
    try:
        hashtag = (record.key or b"").decode()
    except UnicodeDecodeError:
        raise UnreadableError("its key is not UTF-8") from None
    if record.value is None or record.key is None:
        raise UnreadableError("it has no value, or no key")
    window = record.timestamp + 1 - window_ms
    if output_format == "long":
        count = _long(record.value)
    else:
        count = _json(record.value, hashtag, window, window_ms)
    if window % window_ms or window < 0:
        raise UnreadableError(
            f"its timestamp is not the last ms of a {window_ms / 1000:g} s window"
        )
    return Final(window, hashtag, count, partition, record.offset)


def _long(value: bytes) -> int:
    if len(value) != 8:
        raise UnreadableError(f"its value has {len(value)} bytes; a count has 8")
    return int(struct.unpack(">q", value)[0])


def _json(value: bytes, hashtag: str, window: int, window_ms: int) -> int:
    try:
        final = json.loads(value)
        said = final["hashtag"], final["window_start"], final["window_end"]
        count = final["count"]
    except (ValueError, KeyError, TypeError):
        raise UnreadableError("its value is not a final in JSON") from None
    if type(count) is not int:
        raise UnreadableError("its count is not a whole number")
    if said != (hashtag, window, window + window_ms):
        raise UnreadableError(
            f"its value and its key or timestamp disagree, or its window isn't "
            f"{window_ms / 1000:g} s long"
        )
    return count
