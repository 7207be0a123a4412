"""Records are published as their topics hold them, or are dead letters."""

import json
from pathlib import Path

import pytest

from producers.ingest.formats import TopicFormats
from producers.ingest.record import Record
from streams.errors import MisfitError, RequestError, SettingError
from streams.schemas import avro_formats
from streams.schemas.avro import AvroSchema
from streams.schemas.formats import Formats
from streams.schemas.settings import SchemaSettings
from streams.settings import Settings
from tests.unit.ingest.slow_outlet import SlowOutlet, gateway_of
from tests.unit.schemas.registries import FakeRegistry

ORDER = """{"type": "record", "name": "Order", "fields": [{"name": "n", "type": "long"}]}"""


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> FakeRegistry:
    made = FakeRegistry()
    monkeypatch.setattr(avro_formats, "_open", lambda _settings: made)
    return made


def settings_of(files: dict[str, Path] | None = None, **formats: str) -> Settings:
    schemas = SchemaSettings(formats=formats, files=files or {}, url="http://127.0.0.1:1")
    return Settings(schemas=schemas)


def test_raw_values_are_as_they_come() -> None:
    settings = settings_of(other="json")
    record = Record("any", b"\xff")
    assert TopicFormats(settings, Formats(settings), ["any"]).encoded(record) is record


def test_json_is_published_to_the_letter() -> None:
    settings = settings_of(any="json")
    formats = TopicFormats(settings, Formats(settings), ["any"])
    good = Record("any", b' {"a":1.0}', b"key", "id")
    assert formats.encoded(good) == good
    assert formats.encoded(Record("any", None)) == Record("any", None)
    with pytest.raises(MisfitError, match="not JSON"):
        formats.encoded(Record("any", b"{"))
    with pytest.raises(RequestError, match="Record 1: value is not JSON"):
        formats.all_encoded([good, Record("any", b"NaN")])


async def test_avro(registry: FakeRegistry, tmp_path: Path) -> None:
    file = tmp_path / "order.avsc"
    file.write_text(ORDER)
    settings = settings_of({"orders": file}, orders="avro", ticker_input="avro")
    made = Formats(settings)
    formats = TopicFormats(settings, made, ["orders", "ticker_input"])
    await made.start()
    encoded = formats.encoded(Record("orders", b'{"n": 7}', b"key"))
    assert encoded.key == b"key"
    assert AvroSchema(ORDER).read((encoded.value or b"")[5:]) == {"n": 7}
    for misfit in (b'{"n": "7"}', b'{"n": 7, "m": 1}', b"7", b"{"):
        with pytest.raises(MisfitError):
            formats.encoded(Record("orders", misfit))
    price = {"event_time": "2026-01-02", "ticker": "TBV", "price": 51}
    assert formats.encoded(Record("ticker_input", json.dumps(price).encode())).value
    assert len(registry.texts) == 2


@pytest.mark.usefixtures("registry")
def test_avro_takes_a_schema() -> None:
    settings = settings_of(orders="avro")
    with pytest.raises(SettingError, match="there is none of orders") as caught:
        TopicFormats(settings, Formats(settings), ["orders"])
    assert caught.value.name == "STREAMS_SCHEMA_FILES"


async def test_what_does_not_fit_is_a_dead_letter() -> None:
    gateway = gateway_of(SlowOutlet(), settings_of(twitter_input="json"))
    assert gateway.record("sqs", b'"a"') == Record("twitter_input", b'"a"')
    letter = gateway.record("sqs", b"a", b"key", "id")
    reason = "For twitter_input: value is not JSON"
    assert letter == Record("twitter_input-dead-letters", b"a", b"key", "id", reason)
