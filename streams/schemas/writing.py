"""Writes a topic's values as Avro. Its schema is in the registry before the first one."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from streams.errors import (
    MisfitError,
    RegistryError,
    SchemaRefusedError,
    SettingError,
    StartError,
)
from streams.schemas.avro import AvroSchema
from streams.schemas.registry import Registry
from streams.sinks.backoff import Backoff

log = logging.getLogger(__name__)

#: Seconds that a registry has to answer when a process starts, and the longest pause in between.
START_SECONDS, LONGEST_PAUSE = 30.0, 5.0

_FILES, _REGISTER = "STREAMS_SCHEMA_FILES", "STREAMS_SCHEMA_REGISTER"
_COMPATIBLE = "a schema that the registry takes beside those that are there"

T = TypeVar("T")


class AvroWriter:
    """Encodes values, once it has been started. `examples` are such as it will be given."""

    def __init__(
        self, topic: str, schema: AvroSchema, examples: Iterable[Any], *, register: bool
    ) -> None:
        self._topic = topic
        self._schema = schema
        self._examples = examples
        self._register = register
        self._head: bytes | None = None

    def __call__(self, value: Any) -> bytes:
        """See `Encode`."""
        assert self._head is not None, "a writer is used after it was started"
        return self._head + self._schema.write(value)

    async def start(self, registry: Registry) -> None:
        """Get the schema's id. Raises SettingError if values or registry don't go with it."""
        try:
            for example in self._examples:
                self._schema.write(example)
        except MisfitError as exc:
            problem = f"what goes to {self._topic} doesn't fit its schema: {exc}"
            raise SettingError(_FILES, problem) from exc
        self._head = registry.wire.head(await self._id(registry))

    async def _id(self, registry: Registry) -> str:
        topic, text = self._topic, self._schema.text
        try:
            if self._register:
                return await patiently(lambda: registry.register(topic, text))
            found = await patiently(lambda: registry.find(topic, text))
            if found is not None:
                return found
            objections = await patiently(lambda: registry.objections(topic, text))
        except SchemaRefusedError as exc:
            objections = str(exc)
        if objections:
            problem = f"the registry refuses the schema of {topic}: {objections}"
            raise SettingError(_FILES, problem, _COMPATIBLE)
        problem = f"false, but the schema of {topic} is not in the registry"
        raise SettingError(_REGISTER, problem, "true, or register it first")


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """What the registry answers; raises StartError if it doesn't for START_SECONDS.

    SettingError at once if a setting is wrong.
    """
    backoff = Backoff(LONGEST_PAUSE)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return await ask()
        except RegistryError as exc:
            if exc.setting:
                problem = f"the schema registry can't be used: {exc}"
                raise SettingError(exc.setting, problem) from exc
            if time.monotonic() >= deadline:
                raise StartError(
                    f"The schema registry can't be asked: {exc.happened}",
                    "Start it, or check the settings that lead there",
                ) from exc
            log.warning("The schema registry: %s. Asking again", exc)
        await asyncio.sleep(backoff.next_seconds())
