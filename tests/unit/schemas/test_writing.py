"""Writers get their schema's id at the start, or the process doesn't start."""

import pytest

from streams.errors import MisfitError, SettingError, StartError
from streams.schemas import writing
from streams.schemas.avro import AvroSchema
from streams.schemas.writing import AvroWriter
from tests.unit.schemas.registries import HASHTAG, STRING, FakeRegistry

EXAMPLE = {"hashtag": ""}


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "START_SECONDS", 0.05)
    monkeypatch.setattr(writing, "LONGEST_PAUSE", 0.01)


def writer(text: str = HASHTAG, *, register: bool = True) -> AvroWriter:
    return AvroWriter("tags", AvroSchema(text), [EXAMPLE], register=register)


async def test_a_schema_is_registered_once() -> None:
    registry = FakeRegistry(STRING)
    for _ in range(2):
        made = writer()
        await made.start(registry)
        value = made({"hashtag": "kafka"})
        assert value == registry.wire.head("2") + b"\x0akafka"
    assert registry.texts == [STRING, HASHTAG]
    with pytest.raises(MisfitError):
        made({"hashtag": 7})


@pytest.mark.parametrize("register", [True, False])
async def test_an_incompatible_schema(register: bool) -> None:
    registry = FakeRegistry(STRING)
    registry.refused[HASHTAG] = "reader type: RECORD not compatible with writer type: STRING"
    with pytest.raises(SettingError, match="tags: reader type") as caught:
        await writer(register=register).start(registry)
    assert caught.value.name == "STREAMS_SCHEMA_FILES"
    assert registry.texts == [STRING]


async def test_a_schema_that_has_to_be_there() -> None:
    registry = FakeRegistry(STRING)
    with pytest.raises(SettingError, match="not in the registry") as caught:
        await writer(register=False).start(registry)
    assert caught.value.name == "STREAMS_SCHEMA_REGISTER"
    registry.texts.append(HASHTAG)
    await writer(register=False).start(registry)


async def test_a_schema_for_something_else() -> None:
    registry = FakeRegistry()
    with pytest.raises(SettingError, match="doesn't fit") as caught:
        await writer(STRING).start(registry)
    assert caught.value.name == "STREAMS_SCHEMA_FILES"
    assert not registry.texts, "nothing is registered that can't be written"


async def test_a_registry_that_is_down() -> None:
    registry = FakeRegistry()
    registry.up.clear()
    with pytest.raises(StartError, match="it is down"):
        await writer().start(registry)
    registry.wrong_setting = "STREAMS_SCHEMA_REGISTRY_USERNAME"
    with pytest.raises(SettingError, match="it is down") as caught:
        await writer().start(registry)
    assert caught.value.name == "STREAMS_SCHEMA_REGISTRY_USERNAME"
