"""Records whose values are JSON or Avro, as comparisons read them."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from streams.core.values import Decoder, ValueFormat, text_in
from streams.errors import MisfitError, VerifyError

#: Seconds that the schemas of what was fetched may take: a comparison has a person who waits.
SCHEMA_SECONDS = 60.0


class Decoded(NamedTuple):
    """A record with another value than it has in its topic; `timestamp` in ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: Any


async def texts(
    format_: ValueFormat | None, records: Iterable[Any], field: str, max_bytes: int
) -> Iterable[Any]:
    """Records with the text that counts as their value; without one if they are dead letters."""

    def text(decoder: Decoder, raw: bytes) -> bytes | None:
        return text_in(decoder.value(raw), field).encode() if len(raw) <= max_bytes else None

    return await _read(format_, records, text)


async def fields(
    format_: ValueFormat | None, records: Iterable[Any], max_bytes: int
) -> Iterable[Any]:
    """Records with what their value stands for; without it if they are dead letters."""

    def value(decoder: Decoder, raw: bytes) -> Any:
        return decoder.value(raw) if len(raw) <= max_bytes else None

    return await _read(format_, records, value)


async def jsons(format_: ValueFormat | None, records: Iterable[Any]) -> Iterable[Any]:
    """Records with JSON as their value; without one if they don't fit their format."""
    return await _read(format_, records, lambda decoder, raw: decoder.json(raw).encode())


async def _read(
    format_: ValueFormat | None, records: Iterable[Any], read: Callable[[Decoder, bytes], Any]
) -> Iterable[Any]:
    """The records as they are, if their values are raw."""
    if format_ is None:
        return records
    kept = list(records)
    try:
        async with asyncio.timeout(SCHEMA_SECONDS):
            decoder = await format_.decoder(record.value for record in kept)
    except TimeoutError:
        raise VerifyError(
            f"The schema registry can't be asked for {SCHEMA_SECONDS:g} s", "Try again when it can"
        ) from None
    return [_with(record, decoder, read) for record in kept]


def _with(record: Any, decoder: Decoder, read: Callable[[Decoder, bytes], Any]) -> Decoded:
    try:
        value = None if record.value is None else read(decoder, record.value)
    except MisfitError:
        value = None
    return Decoded(record.offset, record.timestamp, record.key, value)
