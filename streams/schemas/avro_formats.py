"""The Avro topics of a process: how they are read and written, and the registry that takes."""

from collections.abc import Iterable
from typing import Any

from streams.core.values import Encode, ValueFormat
from streams.errors import SettingError
from streams.schemas.avro import AvroSchema
from streams.schemas.confluent import ConfluentRegistry
from streams.schemas.known import KnownSchemas
from streams.schemas.reading import AvroFormat
from streams.schemas.registry import Registry
from streams.schemas.settings import SchemaSettings
from streams.schemas.writing import AvroWriter, patiently


class AvroFormats:
    """See `Formats`, for topics that hold Avro."""

    def __init__(self, settings: SchemaSettings, registry: Registry | None = None) -> None:
        self._registry = registry or _open(settings)
        self._schemas = KnownSchemas(self._registry)
        self._register = settings.register
        self._files = _read_files(settings)
        self._writers: list[AvroWriter] = []

    def of(self, topic: str) -> ValueFormat:
        """How to read a topic's values."""
        return AvroFormat(self._schemas, self._files.get(topic))

    def writer(self, topic: str, schema: str | None, examples: Iterable[Any]) -> Encode:
        """How to write them. Raises SettingError if there is no schema."""
        ours = self._files.get(topic) or (None if schema is None else AvroSchema(schema))
        if ours is None:
            problem = f"there is none of {topic}, to which Avro is written"
            raise SettingError("STREAMS_SCHEMA_FILES", problem)
        writer = AvroWriter(topic, ours, examples, register=self._register)
        self._writers.append(writer)
        return writer

    async def start(self) -> None:
        """See that the registry lets us in, and get the writers' ids."""
        try:
            await patiently(self._registry.check)
            for writer in self._writers:
                await writer.start(self._registry)
        except BaseException:
            await self._registry.close()
            raise

    async def aclose(self) -> None:
        """Close the connections to the registry."""
        await self._registry.close()


def _open(settings: SchemaSettings) -> Registry:
    if settings.url is not None:
        return ConfluentRegistry(settings.url, settings.username, settings.password)
    # Only here, for it needs another extra.
    from streams.schemas.glue import GlueRegistry

    assert settings.glue_registry is not None, "the settings were checked"
    return GlueRegistry(settings.glue_registry, settings.glue_compatibility)


def _read_files(settings: SchemaSettings) -> dict[str, AvroSchema]:
    schemas = {}
    for topic, file in settings.files.items():
        try:
            schemas[topic] = AvroSchema(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as exc:
            problem = f"{file} of {topic} is no Avro schema: {exc}"
            raise SettingError("STREAMS_SCHEMA_FILES", problem) from exc
    return schemas
