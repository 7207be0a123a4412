"""Our client against a real registry with Confluent's API."""

import json
from collections.abc import AsyncIterator

import pytest

from streams.errors import MisfitError, RegistryError, SchemaRefusedError
from streams.schemas.avro import AvroSchema
from streams.schemas.confluent import ConfluentRegistry
from tests.schemas.apicurio import API, Apicurio
from tests.schemas.inputs import EVOLVED, FIRST, INCOMPATIBLE, TAG, plain, record

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture
async def registry(apicurio: Apicurio) -> AsyncIterator[ConfluentRegistry]:
    made = ConfluentRegistry(apicurio.url)
    yield made
    await made.close()


async def test_what_is_registered_is_found(registry: ConfluentRegistry, topic: str) -> None:
    await registry.check()
    assert await registry.find(topic, FIRST) is None
    schema_id = await registry.register(topic, FIRST)
    assert await registry.register(topic, FIRST) == schema_id
    assert await registry.find(topic, FIRST) == schema_id
    assert await registry.find(topic, EVOLVED) is None
    found = await registry.schema(schema_id)
    assert found is not None
    assert json.loads(found.text) == json.loads(FIRST)
    assert await registry.schema("2000000000") is None


async def test_versions_are_compared(
    apicurio: Apicurio, registry: ConfluentRegistry, topic: str
) -> None:
    first = await registry.register(topic, FIRST)
    apicurio.compatible(topic)
    assert await registry.objections(topic, EVOLVED) == ""
    assert await registry.objections(topic, INCOMPATIBLE)
    with pytest.raises(SchemaRefusedError):
        await registry.register(topic, INCOMPATIBLE)
    assert await registry.register(topic, EVOLVED) != first
    assert await registry.find(topic, INCOMPATIBLE) is None


async def test_a_schema_that_builds_upon_another(
    apicurio: Apicurio, registry: ConfluentRegistry, topic: str
) -> None:
    inner, outer = f"{topic}-inner", f"{topic}-outer"
    apicurio.register(inner, FIRST)
    text = record({"name": "tag", "type": "tally.Hashtag"}, name="Outer")
    reference = {"name": "tally.Hashtag", "subject": f"{inner}-value", "version": 1}
    schema_id = apicurio.register(outer, text, references=[reference])
    found = await registry.schema(str(schema_id))
    assert found is not None
    assert len(found.references) == 1
    value = {"tag": {"hashtag": "kafka"}}
    schema = AvroSchema(found.text, found.references)
    whole = record({"name": "tag", "type": json.loads(FIRST)}, name="Outer")
    assert schema.read(plain(whole, value)) == value


async def test_what_is_no_avro_schema(
    apicurio: Apicurio, registry: ConfluentRegistry, topic: str
) -> None:
    text = 'syntax = "proto3"; message Hashtag { string hashtag = 1; }'
    other = apicurio.register(topic, text, schemaType="PROTOBUF")
    with pytest.raises(MisfitError, match="PROTOBUF"):
        await registry.schema(str(other))
    with pytest.raises(SchemaRefusedError):
        await registry.register(f"{topic}-wrong", '{"type": "record"}')


async def test_a_wrong_address(apicurio: Apicurio) -> None:
    for path in ("", "/apis", API[:-1] + "17"):
        registry = ConfluentRegistry(apicurio.root + path)
        for asked in (registry.check(), registry.schema("1")):
            with pytest.raises(RegistryError) as caught:
                await asked
            assert caught.value.setting == "STREAMS_SCHEMA_REGISTRY_URL"
        await registry.close()


async def test_topics_of_any_name(registry: ConfluentRegistry, topic: str) -> None:
    schema_id = await registry.register(f"a.{topic}_b-c", record(TAG))
    assert await registry.find(f"a.{topic}_b-c", record(TAG)) == schema_id
