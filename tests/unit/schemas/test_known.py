"""The cache before a registry: what is asked, how often, and what happens while it is down."""

import asyncio

import pytest

from streams.errors import MisfitError
from streams.schemas import known
from streams.schemas.avro import AvroSchema
from streams.schemas.known import KnownSchemas
from tests.unit.schemas.registries import STRING, FakeRegistry


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "SURE_SECONDS", 0.01)
    monkeypatch.setattr(known, "LONGEST_PAUSE", 0.01)


async def test_a_schema_is_asked_for_once() -> None:
    registry = FakeRegistry(STRING)
    schemas = KnownSchemas(registry)
    found = await asyncio.gather(*(schemas.find("1") for _ in range(50)))
    assert isinstance(found[0], AvroSchema)
    assert set(map(id, found)) == {id(found[0])}
    assert registry.asked == {"1": 1}


async def test_an_unknown_id_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica of the registry may be behind."""
    registry = FakeRegistry()
    schemas = KnownSchemas(registry)
    looking = asyncio.create_task(schemas.find("1"))
    while not registry.asked["1"]:
        await asyncio.sleep(0)
    registry.texts.append(STRING)
    assert isinstance(await looking, AvroSchema)
    for _ in range(2):
        found = await schemas.find("2")
        assert isinstance(found, MisfitError)
        assert "2 is unknown" in found.happened
    assert registry.asked["2"] == 2
    monkeypatch.setattr(known, "UNKNOWN_SECONDS", 0)
    assert isinstance(await schemas.find("3"), MisfitError)
    registry.texts += [STRING, STRING]
    await asyncio.sleep(0.01)
    assert isinstance(await schemas.find("3"), AvroSchema), "it was registered after all"


async def test_who_needs_a_schema_waits_while_the_registry_is_down(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    registry = FakeRegistry(STRING)
    registry.up.clear()
    schemas = KnownSchemas(registry)
    looking = asyncio.create_task(schemas.find("1"))
    given_up = asyncio.create_task(schemas.find("1"))
    while registry.asked["1"] < 5:
        await asyncio.sleep(0.001)
    given_up.cancel()
    assert not looking.done()
    registry.up.set()
    assert isinstance(await looking, AvroSchema)
    lines = [record.message for record in caplog.records]
    assert len(lines) == 2, "one line when it begins, one when it ends"
    assert "it is down" in lines[0]
    assert "again" in lines[1]


async def test_what_can_not_be_used_is_found_out_once() -> None:
    registry = FakeRegistry("{", STRING)
    registry.foreign.add("2")
    schemas = KnownSchemas(registry)
    for schema_id in ("1", "1", "2", "2"):
        assert isinstance(await schemas.find(schema_id), MisfitError)
    assert registry.asked == {"1": 1, "2": 1}


async def test_few_questions_at_a_time_and_few_answers_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known, "REMEMBERED", 10)
    registry = FakeRegistry(*[STRING] * 40)
    schemas = KnownSchemas(registry)
    await asyncio.gather(*(schemas.find(str(i)) for i in range(1, 41)))
    assert registry.most_at_once <= known.QUESTIONS
    await schemas.find("40")
    assert registry.asked["40"] == 1
    await schemas.find("1")
    assert registry.asked["1"] == 2
