"""A topic's Avro values, each read by the schema that it names."""

import asyncio
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.errors import MisfitError
from streams.schemas import known
from streams.schemas.avro import AvroSchema
from streams.schemas.known import KnownSchemas
from streams.schemas.reading import AvroFormat
from streams.schemas.wire import ConfluentWire, GlueWire
from tests.unit.schemas.registries import HASHTAG, STRING, FakeRegistry

WIRE = ConfluentWire()
KAFKA = AvroSchema(STRING).write("kafka")
RECORD = AvroSchema(HASHTAG).write({"hashtag": "kafka"})


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "SURE_SECONDS", 0.001)


def format_of(registry: FakeRegistry, reader: str | None = None) -> AvroFormat:
    return AvroFormat(KnownSchemas(registry), None if reader is None else AvroSchema(reader))


async def test_values_of_several_schemas() -> None:
    registry = FakeRegistry(STRING, HASHTAG)
    values = [WIRE.head("1") + KAFKA, WIRE.head("2") + RECORD, None]
    decoder = await format_of(registry).decoder(values)
    assert decoder.value(WIRE.head("1") + KAFKA) == "kafka"
    assert decoder.json(WIRE.head("2") + RECORD) == '{"hashtag": "kafka"}'


async def test_misfits() -> None:
    registry = FakeRegistry(STRING)
    misfits = [b"", b"kafka", WIRE.head("7") + KAFKA, WIRE.head("1"), WIRE.head("1") + KAFKA + b"x"]
    fits = WIRE.head("1") + KAFKA
    decoder = await format_of(registry).decoder([fits, *misfits])
    for misfit in misfits:
        with pytest.raises(MisfitError):
            decoder.value(misfit)
    assert decoder.value(fits) == "kafka"


async def test_a_readers_schema() -> None:
    registry = FakeRegistry(STRING, HASHTAG)
    fits, other = WIRE.head("2") + RECORD, WIRE.head("1") + KAFKA
    decoder = await format_of(registry, HASHTAG).decoder([fits, other])
    assert decoder.value(fits) == {"hashtag": "kafka"}
    with pytest.raises(MisfitError, match="mismatch"):
        decoder.value(other)


async def test_the_usual_schema_asks_nobody() -> None:
    registry = FakeRegistry(STRING)
    format_ = format_of(registry)
    value = WIRE.head("1") + KAFKA
    first = await format_.decoder([value])
    registry.up.clear()
    assert await format_.decoder([value, None]) is first


async def test_thousands_of_schemas_that_do_not_exist() -> None:
    registry = FakeRegistry()
    decoder = await format_of(registry).decoder([WIRE.head(str(i)) for i in range(2000)])
    assert registry.most_at_once <= known.QUESTIONS
    with pytest.raises(MisfitError, match="unknown"):
        decoder.value(WIRE.head("1999"))


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(), deflated=st.booleans())
def test_glues_values(text: str, deflated: bool) -> None:
    wire = GlueWire()
    payload = AvroSchema(STRING).write(text)
    head = wire.head("00000000-0000-0000-0000-000000000001")
    value = b"\x03\x05" + head[2:] + zlib.compress(payload) if deflated else head + payload

    class Glue(FakeRegistry):
        async def schema(self, schema_id: str):  # type: ignore[no-untyped-def]
            return await super().schema(schema_id[-1])

    decoder = asyncio.run(format_of(Glue(STRING, wire=wire)).decoder([value]))
    assert decoder.value(value) == text
