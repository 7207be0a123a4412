"""The formats of a process's topics."""

from typing import TYPE_CHECKING, Any

from streams.core.values import Encode, JsonFormat, ValueFormat, encode_json
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.schemas.avro_formats import AvroFormats


class Formats:
    """See the module. Raises SettingError and StartError for what settings make impossible.

    Ask it for writers, then `start` it, and close it at the end: `aclose`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._json = JsonFormat()
        self._avro = _avro(settings) if settings.avro_topics else None

    def of(self, topic: str) -> ValueFormat | None:
        """How to read a topic's values; None for raw strings."""
        kind = self._settings.value_format(topic)
        if kind == "avro" and self._avro is not None:
            return self._avro.of(topic)
        return self._json if kind == "json" else None

    def writer(self, topic: str, schema: str | None, *examples: Any) -> Encode | None:
        """How to write a topic's values; None for raw strings.

        `schema` is the one for Avro, if no file has another: None if one has to. `examples` are
        such values as will be written, to see that they fit. Values can be written once all is
        started. Raises SettingError.
        """
        kind = self._settings.value_format(topic)
        if kind == "avro" and self._avro is not None:
            return self._avro.writer(topic, schema, examples)
        return encode_json if kind == "json" else None

    async def start(self) -> None:
        """See that the registry lets us in, and get what the writers need.

        Raises SettingError, naming the variable that is wrong, and StartError.
        """
        if self._avro is not None:
            await self._avro.start()

    async def aclose(self) -> None:
        """Close the connections to the registry."""
        if self._avro is not None:
            await self._avro.aclose()


def _avro(settings: Settings) -> "AvroFormats":
    # Only here, for it needs an extra.
    from streams.schemas.avro_formats import AvroFormats

    return AvroFormats(settings.schemas)
