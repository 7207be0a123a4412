"""AWS Glue's schema registry, through botocore; a schema is named as its topic.

botocore comes with the extra `aws`. It blocks, so it runs in threads. It finds credentials, region
and endpoints as all AWS clients do; `AWS_ENDPOINT_URL_GLUE` leads it elsewhere.
"""

import asyncio
import time
from typing import Any

from streams.errors import (
    MisfitError,
    RegistryError,
    SchemaRefusedError,
    StartError,
    TallyError,
)
from streams.schemas.registry import SchemaText
from streams.schemas.wire import GlueWire, WireFormat

try:
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        NoRegionError,
    )

    from streams.aws import new_session
except ImportError as exc:
    raise StartError(
        "STREAMS_GLUE_REGISTRY needs botocore", "Install it: pip install 'tally-streams[aws]'"
    ) from exc

#: Seconds that one attempt to reach AWS may take.
TIMEOUT_SECONDS = 10
#: Seconds that Glue has to compare a new version with those before it, and between two looks.
PENDING_SECONDS, LOOK_SECONDS = 60.0, 0.5

_REGISTRY = "STREAMS_GLUE_REGISTRY"
_NOT_FOUND = "EntityNotFoundException"
#: What waiting doesn't help against: rights and keys.
_REFUSED = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "InvalidSignatureException",
    "UnrecognizedClientException",
}
#: What is wrong with the schema itself.
_WRONG = {"InvalidInputException", "ResourceNumberLimitExceededException"}


class GlueRegistry:
    """See `Registry`. `compatibility` is the mode of schemas that it creates."""

    def __init__(self, registry: str, compatibility: str, client: Any = None) -> None:
        self.wire: WireFormat = GlueWire()
        self._registry = registry
        self._compatibility = compatibility
        self._client = _new_client() if client is None else client

    async def check(self) -> None:
        """Nothing: a reader may have no other right than to get schemas by their ids."""

    async def schema(self, schema_id: str) -> SchemaText | None:
        found = await self._call("get_schema_version", SchemaVersionId=schema_id)
        if found is None:
            return None
        if found.get("DataFormat") != "AVRO":
            raise MisfitError(f"schema {schema_id} is {found.get('DataFormat')}, not Avro")
        return SchemaText(str(found.get("SchemaDefinition", "")))

    async def find(self, topic: str, text: str) -> str | None:
        found = await self._call(
            "get_schema_by_definition", SchemaId=self._name(topic), SchemaDefinition=text
        )
        return None if found is None else await self._available(found)

    async def register(self, topic: str, text: str) -> str:
        # First this, for it takes fewer rights, and tells of a version that was refused before.
        known = await self.find(topic, text)
        if known is not None:
            return known
        made = await self._call(
            "register_schema_version", SchemaId=self._name(topic), SchemaDefinition=text
        )
        if made is None:
            made = await self._call(
                "create_schema",
                RegistryId={"RegistryName": self._registry},
                SchemaName=topic,
                DataFormat="AVRO",
                Compatibility=self._compatibility,
                SchemaDefinition=text,
            )
        if made is None:
            raise RegistryError(f"there is no registry {self._registry!r}", setting=_REGISTRY)
        return await self._available(made)

    async def objections(self, topic: str, text: str) -> str:  # noqa: ARG002
        """Nothing: Glue compares a schema only when it is registered."""
        return ""

    async def close(self) -> None:
        await asyncio.to_thread(self._client.close)

    async def _available(self, version: dict[str, Any]) -> str:
        """The version's id, once Glue has compared it with those before it.

        Raises SchemaRefusedError if it has failed.
        """
        schema_id = str(version["SchemaVersionId"])
        deadline = time.monotonic() + PENDING_SECONDS
        # Creating a schema tells it under another name.
        status = version.get("SchemaVersionStatus") or version.get("Status")
        while status == "PENDING" and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
            found = await self._call("get_schema_version", SchemaVersionId=schema_id)
            status = None if found is None else found.get("Status")
        if status == "AVAILABLE":
            return schema_id
        if status == "PENDING":
            raise RegistryError(f"version {schema_id} is still being compared")
        raise SchemaRefusedError(
            f"incompatible with earlier versions: version {schema_id} is {status}"
        )

    def _name(self, topic: str) -> dict[str, str]:
        return {"RegistryName": self._registry, "SchemaName": topic}

    async def _call(self, operation: str, **parameters: Any) -> dict[str, Any] | None:
        """The answer; None if what it asks for isn't there."""
        try:
            answer: dict[str, Any] = await asyncio.to_thread(
                getattr(self._client, operation), **parameters
            )
        except ClientError as exc:
            error = exc.response["Error"]
            code, said = error.get("Code", ""), error.get("Message", "")
            if code == _NOT_FOUND:
                return None
            raise _refusal(code, said) from exc
        except NoCredentialsError as exc:
            remedy = "Give the process a role, or set AWS_ACCESS_KEY_ID"
            raise RegistryError("there are no AWS credentials", remedy, _REGISTRY) from exc
        except BotoCoreError as exc:
            raise RegistryError(f"no answer: {exc}") from exc
        return answer


def _refusal(code: str, said: str) -> TallyError:
    if code in _WRONG:
        return SchemaRefusedError(f"{code}: {said}")
    return RegistryError(f"{code}: {said}", setting=_REGISTRY if code in _REFUSED else "")


def _new_client() -> Any:
    config = Config(
        connect_timeout=TIMEOUT_SECONDS,
        read_timeout=TIMEOUT_SECONDS,
        # Those that repeat are we, and so that it can be cancelled.
        retries={"total_max_attempts": 1},
    )
    try:
        return new_session().create_client("glue", config=config)
    except NoRegionError as exc:
        raise StartError(f"{_REGISTRY}: the region isn't known", "Set AWS_REGION") from exc
