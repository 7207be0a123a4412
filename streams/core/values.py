"""What the values of a topic stand for, where they are more than raw strings."""

import json
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from streams.core import strict_json
from streams.errors import MisfitError

#: Makes the bytes of a value. Raises MisfitError for one that its topic can't hold.
Encode = Callable[[Any], bytes]


class Decoder(Protocol):
    """Reads those values that it was made for. Both methods raise MisfitError."""

    def value(self, raw: bytes) -> Any:
        """What a value stands for: a string, a number, a dictionary and so on."""

    def json(self, raw: bytes) -> str:
        """The same as JSON."""


class ValueFormat(Protocol):
    """How the values of one topic are encoded. A topic of raw strings has none."""

    async def decoder(self, values: Iterable[bytes | None]) -> Decoder:
        """What reads these values; waits for as long as something that it takes can't be had."""


def text_in(value: Any, field: str | None) -> str:
    """The text that a decoded value stands for: a string itself, or a record's `field`.

    Raises MisfitError if there is no such text.
    """
    text = value.get(field) if isinstance(value, dict) else value
    if not isinstance(text, str):
        record = "" if field is None else f", and no record with a string {field!r}"
        raise MisfitError(f"value is no string{record}")
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON can hold halves of a character
        raise MisfitError("value is not Unicode text") from None
    return text


def utf8(raw: bytes) -> str:
    """The text of a raw string. Raises MisfitError."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MisfitError("value is not UTF-8") from None


class JsonDecoder:
    """See `Decoder`: JSON in UTF-8. It takes no schema."""

    def value(self, raw: bytes) -> Any:
        try:
            return strict_json.parse(utf8(raw))
        except ValueError:
            raise MisfitError("value is not JSON") from None

    def json(self, raw: bytes) -> str:
        """To the letter."""
        self.value(raw)
        return raw.decode()


class JsonFormat:
    """See `ValueFormat`."""

    def __init__(self) -> None:
        self._decoder = JsonDecoder()

    async def decoder(self, values: Iterable[bytes | None]) -> Decoder:  # noqa: ARG002
        """The same for all values."""
        return self._decoder


def encode_json(value: Any) -> bytes:
    """A value as JSON in UTF-8. Raises MisfitError."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as exc:
        raise MisfitError(f"value can't be JSON: {exc}") from None
