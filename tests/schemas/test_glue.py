"""Our client against moto's Glue; what moto doesn't do is in tests/unit/schemas/test_glue.py."""

import json
import uuid

import pytest

from streams.errors import RegistryError, SchemaRefusedError
from streams.schemas.glue import GlueRegistry
from tests.schemas.glue import Moto
from tests.schemas.inputs import EVOLVED, FIRST

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def registry(moto: Moto, topic: str) -> GlueRegistry:
    """One of the test's own."""
    moto.client().create_registry(RegistryName=topic)
    return GlueRegistry(topic, "FULL", moto.client())


@pytest.fixture
def from_environment(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in moto.variables.items():
        monkeypatch.setenv(name, value)


async def test_what_is_registered_is_found(moto: Moto, registry: GlueRegistry, topic: str) -> None:
    assert await registry.find("tags", FIRST) is None
    first = await registry.register("tags", FIRST)
    assert await registry.register("tags", FIRST) == first
    assert await registry.find("tags", FIRST) == first
    second = await registry.register("tags", EVOLVED)
    assert second != first
    found = await registry.schema(second)
    assert found is not None
    assert json.loads(found.text) == json.loads(EVOLVED)
    assert await registry.schema(str(uuid.uuid4())) is None
    made = moto.client().get_schema(SchemaId={"RegistryName": topic, "SchemaName": "tags"})
    assert (made["Compatibility"], made["DataFormat"]) == ("FULL", "AVRO")


@pytest.mark.usefixtures("from_environment")
async def test_a_registry_that_is_not_there() -> None:
    registry = GlueRegistry("nowhere", "FULL")
    with pytest.raises(RegistryError, match="nowhere") as caught:
        await registry.register("tags", FIRST)
    assert caught.value.setting == "STREAMS_GLUE_REGISTRY"
    await registry.close()


async def test_what_is_no_schema(registry: GlueRegistry) -> None:
    with pytest.raises(SchemaRefusedError):
        await registry.register("tags", "{")
