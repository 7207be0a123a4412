"""What a record's value says: its text, and its fields if it is a JSON object."""

from collections.abc import Callable, Mapping
from json import JSONDecoder
from typing import Any, NoReturn

from streams.errors import UndeliverableError

#: A value's fields; raises UndeliverableError if it isn't what it should be.
Parse = Callable[[bytes | None], Mapping[str, Any]]

_NO_FIELDS: Mapping[str, Any] = {}


def parser(values: str, *, needs_fields: bool) -> Parse:
    """Parses values of a kind: `json`, of which only objects have fields, or `text`."""
    if values == "text":
        return _parse_text
    return _parse_object if needs_fields else _parse_json


def _text(value: bytes | None) -> str:
    if value is None:
        raise UndeliverableError("it has no value")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise UndeliverableError("value is not UTF-8") from None


def _parse_text(value: bytes | None) -> Mapping[str, Any]:
    _text(value)
    return _NO_FIELDS


def _parse_json(value: bytes | None) -> Mapping[str, Any]:
    try:
        found = _decoder.decode(_text(value))
    except (ValueError, RecursionError) as exc:
        raise UndeliverableError(f"value is not JSON: {exc}") from None
    return found if isinstance(found, dict) else _NO_FIELDS


def _parse_object(value: bytes | None) -> Mapping[str, Any]:
    fields = _parse_json(value)
    if fields is _NO_FIELDS:
        raise UndeliverableError("value is not a JSON object")
    return fields


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


# Python's own takes NaN and Infinity for JSON, which others don't. Made once, for that is slow.
_decoder = JSONDecoder(parse_constant=_refuse)
