"""Glue's answers, by botocore's model of the service.

What moto's server can't show: it compares no versions, and refuses nobody.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from streams.errors import MisfitError, RegistryError, SchemaRefusedError, StartError
from streams.schemas import glue
from streams.schemas.glue import GlueRegistry
from streams.schemas.registry import SchemaText
from tests.unit.schemas.registries import HASHTAG

ID = str(uuid.UUID(int=7))
NAME = {"RegistryName": "tally", "SchemaName": "tags"}
BY_DEFINITION = {"SchemaId": NAME, "SchemaDefinition": HASHTAG}
CREATED = {
    "RegistryId": {"RegistryName": "tally"},
    "SchemaName": "tags",
    "DataFormat": "AVRO",
    "Compatibility": "FULL",
    "SchemaDefinition": HASHTAG,
}
NOT_FOUND = "EntityNotFoundException"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glue, "LOOK_SECONDS", 0.001)


@pytest.fixture
def stub() -> Iterator[Stubber]:
    client = botocore.session.Session().create_client(
        "glue", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="canary"
    )
    with Stubber(client) as made:
        yield made
        made.assert_no_pending_responses()


def registry(stub: Stubber) -> GlueRegistry:
    return GlueRegistry("tally", "FULL", stub.client)


def version(status: str, **more: Any) -> dict[str, Any]:
    return {"SchemaVersionId": ID, "Status": status, **more}


async def test_a_schema_by_its_id(stub: Stubber) -> None:
    asked = {"SchemaVersionId": ID}
    found = version("AVAILABLE", DataFormat="AVRO", SchemaDefinition=HASHTAG)
    stub.add_response("get_schema_version", found, asked)
    assert await registry(stub).schema(ID) == SchemaText(HASHTAG)
    stub.add_response("get_schema_version", {**found, "DataFormat": "JSON"}, asked)
    with pytest.raises(MisfitError, match="JSON"):
        await registry(stub).schema(ID)
    stub.add_client_error("get_schema_version", NOT_FOUND)
    assert await registry(stub).schema(ID) is None


async def test_a_version_that_is_there(stub: Stubber) -> None:
    stub.add_response("get_schema_by_definition", version("AVAILABLE"), BY_DEFINITION)
    assert await registry(stub).register("tags", HASHTAG) == ID


async def test_a_version_that_has_to_be_compared(stub: Stubber) -> None:
    stub.add_client_error("get_schema_by_definition", NOT_FOUND)
    stub.add_response("register_schema_version", version("PENDING"), BY_DEFINITION)
    stub.add_response("get_schema_version", version("PENDING"))
    stub.add_response("get_schema_version", version("AVAILABLE"))
    assert await registry(stub).register("tags", HASHTAG) == ID


async def test_a_version_that_is_incompatible(stub: Stubber) -> None:
    stub.add_client_error("get_schema_by_definition", NOT_FOUND)
    stub.add_response("register_schema_version", version("PENDING"), BY_DEFINITION)
    stub.add_response("get_schema_version", version("FAILURE"))
    with pytest.raises(SchemaRefusedError, match="FAILURE"):
        await registry(stub).register("tags", HASHTAG)
    # And again at the next start: it stays there as it is.
    stub.add_response("get_schema_by_definition", version("FAILURE"), BY_DEFINITION)
    with pytest.raises(SchemaRefusedError, match="FAILURE"):
        await registry(stub).find("tags", HASHTAG)


async def test_the_first_version_of_all(stub: Stubber) -> None:
    stub.add_client_error("get_schema_by_definition", NOT_FOUND)
    stub.add_client_error("register_schema_version", NOT_FOUND)
    made = {"SchemaVersionId": ID, "SchemaVersionStatus": "AVAILABLE", "SchemaStatus": "AVAILABLE"}
    stub.add_response("create_schema", made, CREATED)
    assert await registry(stub).register("tags", HASHTAG) == ID


async def test_a_registry_that_is_not_there(stub: Stubber) -> None:
    for operation in ("get_schema_by_definition", "register_schema_version", "create_schema"):
        stub.add_client_error(operation, NOT_FOUND)
    with pytest.raises(RegistryError, match="no registry 'tally'") as caught:
        await registry(stub).register("tags", HASHTAG)
    assert caught.value.setting == "STREAMS_GLUE_REGISTRY"


@pytest.mark.parametrize(
    ("code", "setting"),
    [
        ("AccessDeniedException", "STREAMS_GLUE_REGISTRY"),
        ("ExpiredTokenException", "STREAMS_GLUE_REGISTRY"),
        ("ThrottlingException", ""),
        ("InternalServiceException", ""),
        ("ConcurrentModificationException", ""),
    ],
)
async def test_what_is_no_answer(stub: Stubber, code: str, setting: str) -> None:
    stub.add_client_error("get_schema_version", code, "something")
    with pytest.raises(RegistryError, match=f"{code}: something") as caught:
        await registry(stub).schema(ID)
    assert caught.value.setting == setting


async def test_a_schema_that_glue_finds_wrong(stub: Stubber) -> None:
    stub.add_client_error("get_schema_by_definition", "InvalidInputException", "no schema")
    with pytest.raises(SchemaRefusedError, match="no schema"):
        await registry(stub).register("tags", HASHTAG)


async def test_credentials_have_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with pytest.raises(RegistryError, match="credentials") as caught:
        await GlueRegistry("tally", "FULL").schema(ID)
    assert caught.value.setting == "STREAMS_GLUE_REGISTRY"


def test_the_region_has_to_be_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(StartError, match="AWS_REGION"):
        GlueRegistry("tally", "FULL")
