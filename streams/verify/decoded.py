"""Records whose values are JSON or Avro, as comparisons read them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from streams.core.values import Decoder, ValueFormat, text_in
from streams.errors import MisfitError


class Decoded(NamedTuple):
    """A record with another value than it has in its topic; `timestamp` in ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


async def texts(
    format_: ValueFormat | None, records: Iterable[Any], field: str, max_bytes: int
) -> Iterable[Any]:
    """Records with the text that counts as their value; without one if they are dead letters."""
    if format_ is None:
        return records
    kept = list(records)
    decoder = await format_.decoder(record.value for record in kept)
    return [_with(record, _text(decoder, record.value, field, max_bytes)) for record in kept]


async def jsons(format_: ValueFormat | None, records: Iterable[Any]) -> Iterable[Any]:
    """Records with JSON as their value; without one if they don't fit their format."""
    if format_ is None:
        return records
    kept = list(records)
    decoder = await format_.decoder(record.value for record in kept)
    return [_with(record, _json(decoder, record.value)) for record in kept]


def _with(record: Any, value: bytes | None) -> Decoded:
    return Decoded(record.offset, record.timestamp, record.key, value)


def _text(decoder: Decoder, raw: bytes | None, field: str, max_bytes: int) -> bytes | None:
    if raw is None or len(raw) > max_bytes:
        return None
    try:
        return text_in(decoder.value(raw), field).encode()
    except MisfitError:
        return None


def _json(decoder: Decoder, raw: bytes | None) -> bytes | None:
    try:
        return None if raw is None else decoder.json(raw).encode()
    except MisfitError:
        return None
