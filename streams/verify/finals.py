"""Records of the output topics as finals: counts in either format, and prices."""

import json
import struct
from typing import Any, NamedTuple


class Final(NamedTuple):
    """One final as it was found; `window` is its start in ms, `found` what its key came to."""

    window: int
    key: str
    found: Any
    partition: int
    offset: int


class UnreadableError(ValueError):
    """A record of the output topic isn't a final; says why."""


#: What a window's prices come to.
_PRICES = ("open", "high", "low", "close", "count")


def decode(partition: int, record: Any, window_ms: int, output_format: str) -> Final:
    """Read a count; raises UnreadableError.

    What a final says twice has to agree: a consumer may rely on either.
    """
    hashtag = _key(record)
    window = record.timestamp + 1 - window_ms
    if output_format == "long":
        count = _long(record.value)
    else:
        count = _count(record.value, hashtag, window, window_ms)
    _check_window(window, window_ms)
    return Final(window, hashtag, count, partition, record.offset)


def decode_prices(partition: int, record: Any, window_ms: int) -> Final | None:
    """Read what a window's prices came to; None for a latest price. Raises UnreadableError."""
    symbol = _key(record)
    final = _json(record.value)
    if "price" in final:
        return None
    window = record.timestamp + 1 - window_ms
    _check(final, "ticker", symbol, window, window_ms)
    _check_window(window, window_ms)
    if missing := [name for name in _PRICES if name not in final]:
        raise UnreadableError(f"it has no {missing[0]}")
    return Final(window, symbol, {name: final[name] for name in _PRICES}, partition, record.offset)


def _key(record: Any) -> str:
    try:
        key = (record.key or b"").decode()
    except UnicodeDecodeError:
        raise UnreadableError("its key is not UTF-8") from None
    if record.value is None or record.key is None:
        raise UnreadableError("it has no value, or no key")
    return key


def _check_window(window: int, window_ms: int) -> None:
    if window % window_ms or window < 0:
        raise UnreadableError(
            f"its timestamp is not the last ms of a {window_ms / 1000:g} s window"
        )


def _long(value: bytes) -> int:
    if len(value) != 8:
        raise UnreadableError(f"its value has {len(value)} bytes; a count has 8")
    return int(struct.unpack(">q", value)[0])


def _count(value: bytes, hashtag: str, window: int, window_ms: int) -> int:
    final = _json(value)
    _check(final, "hashtag", hashtag, window, window_ms)
    count = final.get("count")
    if type(count) is not int:
        raise UnreadableError("its count is not a whole number")
    return count


def _json(value: bytes) -> dict[str, Any]:
    try:
        final = json.loads(value)
    except ValueError:
        final = None
    if not isinstance(final, dict):
        raise UnreadableError("its value is not a final in JSON")
    return final


def _check(final: dict[str, Any], name: str, key: str, window: int, window_ms: int) -> None:
    try:
        said = final[name], final["window_start"], final["window_end"]
    except KeyError:
        raise UnreadableError("its value is not a final in JSON") from None
    if said != (key, window, window + window_ms):
        raise UnreadableError(
            f"its value and its key or timestamp disagree, or its window isn't "
            f"{window_ms / 1000:g} s long"
        )
