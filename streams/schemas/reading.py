"""Reads a topic's Avro values, each by the schema that it names."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from streams.core.values import Decoder
from streams.errors import MisfitError
from streams.schemas.avro import AvroSchema, as_json
from streams.schemas.known import KnownSchemas
from streams.schemas.wire import WireFormat, inflate

#: Schemas that are looked up at a time: damaged values may name thousands that don't exist.
LOOK_UPS = 256


class _Reading(NamedTuple):
    """How values that begin alike are read."""

    schema: AvroSchema
    deflated: bool


class AvroDecoder:
    """See `Decoder`. `readings` are by the values' heads."""

    def __init__(
        self,
        wire: WireFormat,
        reader: AvroSchema | None,
        readings: Mapping[bytes, _Reading | MisfitError],
    ) -> None:
        self._size = wire.size
        self._reader = reader
        self._readings = readings

    def covers(self, heads: set[bytes]) -> bool:
        """Whether it reads all values that begin so."""
        return heads <= self._readings.keys()

    def value(self, raw: bytes) -> Any:
        reading = self._readings[raw[: self._size]]
        if isinstance(reading, MisfitError):
            raise MisfitError(reading.happened)  # a new one: each would add its traceback
        payload = raw[self._size :]
        if reading.deflated:
            payload = inflate(payload)
        return reading.schema.read(payload, self._reader)

    def json(self, raw: bytes) -> str:
        return as_json(self.value(raw))


class AvroFormat:
    """See `ValueFormat`. Values are read as `reader` has them, else as they were written."""

    def __init__(self, schemas: KnownSchemas, reader: AvroSchema | None) -> None:
        self._schemas = schemas
        self._wire = schemas.registry.wire
        self._reader = reader
        self._last = AvroDecoder(self._wire, reader, {})

    async def decoder(self, values: Iterable[bytes | None]) -> Decoder:
        size = self._wire.size
        heads = {value[:size] for value in values if value is not None}
        # As a rule all have the schema that those before them had.
        if self._last.covers(heads):
            return self._last
        readings: dict[bytes, _Reading | MisfitError] = {}
        waiting = list(heads)
        while waiting:
            some, waiting = waiting[:LOOK_UPS], waiting[LOOK_UPS:]
            readings |= zip(some, await asyncio.gather(*map(self._reading, some)), strict=True)
        decoder = AvroDecoder(self._wire, self._reader, readings)
        if not any(isinstance(reading, MisfitError) for reading in readings.values()):
            self._last = decoder
        return decoder

    async def _reading(self, head: bytes) -> _Reading | MisfitError:
        try:
            schema_id, deflated = self._wire.parse(head)
        except MisfitError as exc:
            return exc
        found = await self._schemas.find(schema_id)
        return found if isinstance(found, MisfitError) else _Reading(found, deflated)
