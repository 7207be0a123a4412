"""Hashtags and prices as their topics hold them."""

import pytest

from producers.encoding import hashtag_encoder, price_encoder
from producers.quotes import Quote
from streams.errors import SettingError
from streams.schemas import avro_formats
from streams.schemas.avro import AvroSchema
from streams.schemas.formats import Formats
from streams.schemas.settings import SchemaSettings
from streams.settings import Settings
from tests.unit.schemas.registries import STRING, FakeRegistry


def formats_of(**formats: str) -> Formats:
    schemas = SchemaSettings(formats=formats, url="http://127.0.0.1:1")
    return Formats(Settings(schemas=schemas))


def test_raw_strings_take_no_encoder() -> None:
    assert hashtag_encoder(formats_of(other="json"), "tags") is None
    assert price_encoder(formats_of(), "prices") is None, "they are JSON already"


def test_json() -> None:
    encode = hashtag_encoder(formats_of(tags="json"), "tags")
    assert encode is not None
    assert encode('Ä"'.encode()) == '{"hashtag": "Ä\\""}'.encode()


async def test_avro(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = FakeRegistry(STRING)
    monkeypatch.setattr(avro_formats, "_open", lambda _settings: registry)
    formats = formats_of(tags="avro")
    encode = hashtag_encoder(formats, "tags")
    assert encode is not None
    await formats.start()
    value = encode(b"kafka")
    assert value.startswith(registry.wire.head("2"))
    assert AvroSchema(registry.texts[1]).read(value[5:]) == {"hashtag": "kafka"}
    await formats.aclose()
    assert registry.closed


async def test_prices_in_avro(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = FakeRegistry()
    monkeypatch.setattr(avro_formats, "_open", lambda _settings: registry)
    formats = formats_of(prices="avro")
    encode = price_encoder(formats, "prices")
    assert encode is not None
    await formats.start()
    value = encode(Quote("TBV", 51, 5).record().value)
    assert AvroSchema(registry.texts[0]).read(value[5:]) == {
        "event_time": "1970-01-01T00:00:00.005Z",
        "ticker": "TBV",
        "price": 51.0,
    }
    await formats.aclose()


async def test_a_start_that_fails_leaves_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = FakeRegistry()
    monkeypatch.setattr(avro_formats, "_open", lambda _settings: registry)
    formats = formats_of(tags="avro")
    formats.writer("tags", STRING, {"hashtag": "kafka"})
    with pytest.raises(SettingError):
        await formats.start()
    assert registry.closed
