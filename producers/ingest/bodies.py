"""The records in the body of an HTTP request: each is published exactly as it was written."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from producers.ingest.keys import key_of
from producers.ingest.record import Record
from streams.errors import RequestError, TooLargeError, UnsupportedTypeError

JSON_TYPES = ("application/json",)
LINES_TYPES = ("application/x-ndjson", "application/jsonl", "application/x-jsonlines")

#: The text of a record, and what it says.
Item = tuple[bytes, Any]

#: JSON's own white space.
_SPACE = " \t\n\r"
_SPACES = frozenset(_SPACE)


class Keys:
    """Where the keys are: the same for all, or in a field of each record; else there are none."""

    def __init__(self, same: str | None, field: Sequence[str] | None) -> None:
        self._same = None if same is None else same.encode("utf-8", "surrogateescape")
        self._field = None if same is not None else field

    def of(self, item: Any, at: int) -> bytes | None:
        """The key of record number `at`; raises RequestError if it lacks the field."""
        if self._field is None:
            return self._same
        key = key_of(item, self._field)
        if key is None:
            name = ".".join(self._field)
            raise RequestError(f"Record {at} has no {name!r} to be its key")
        return key


def records_of(
    topic: str, body: bytes, content_type: str, keys: Keys, identity: str, max_batch: int
) -> list[Record]:
    """The records of a body: a JSON object is one, an array or lines are several.

    `identity` is that of the request, "" if it has none. Raises RequestErrors that say what is
    wrong with which record; then none of them is published.
    """
    if content_type in JSON_TYPES:
        items = _of_json(body)
    elif content_type in LINES_TYPES:
        items = _of_lines(body)
    else:
        types = ", ".join((*JSON_TYPES, *LINES_TYPES))
        raise UnsupportedTypeError(f"{content_type} isn't read here", f"Send one of {types}")
    if not items:
        raise RequestError("The body holds no record")
    if len(items) > max_batch:
        raise TooLargeError(f"{len(items):,} records are more than {max_batch:,}", "Send fewer")
    return [
        Record(topic, value, keys.of(item, at), f"{identity}:{at}" if identity else "")
        for at, (value, item) in enumerate(items)
    ]


def _of_json(body: bytes) -> list[Item]:
    text = _decoded(body, "The body")
    if text.startswith("["):
        found: list[Item] = _parsed(lambda array: list(items_in(array)), text, "The body")
        return found
    item = _parsed(_DECODER.decode, text, "The body")
    if not isinstance(item, dict):
        raise RequestError("The body is neither a JSON object nor an array")
    return [(text.encode(), item)]


def _of_lines(body: bytes) -> list[Item]:
    found = []
    for number, line in enumerate(body.split(b"\n"), start=1):
        what = f"Line {number}"
        if text := _decoded(line, what):
            found.append((text.encode(), _parsed(_DECODER.decode, text, what)))
    return found


def items_in(array: str) -> Iterator[Item]:
    """Each item of a JSON array; raises what JSONDecoder.decode does."""
    at = _past_space(array, 1)
    if array[at : at + 1] == "]":
        mark, at = "]", at + 1
    else:
        mark = ","
    while mark == ",":
        item, end = _DECODER.raw_decode(array, at)
        yield array[at:end].encode(), item
        end = _past_space(array, end)
        mark = array[end : end + 1]
        if mark not in {",", "]"}:
            raise json.JSONDecodeError("Expecting ',' delimiter", array, end)
        at = _past_space(array, end + 1)
    if at < len(array):
        raise json.JSONDecodeError("Extra data", array, at)


def _past_space(text: str, at: int) -> int:
    while text[at : at + 1] in _SPACES:
        at += 1
    return at


def _decoded(raw: bytes, what: str) -> str:
    try:
        return raw.decode().strip(_SPACE)
    except UnicodeDecodeError as exc:
        raise RequestError(f"{what} isn't UTF-8, at byte {exc.start}") from None


def _parsed(parse: Callable[[str], Any], text: str, what: str) -> Any:
    try:
        return parse(text)
    except json.JSONDecodeError as exc:
        where = f"line {exc.lineno}, column {exc.colno}"
        raise RequestError(f"{what} isn't JSON: {exc.msg} at {where}") from None
    except (ValueError, RecursionError) as exc:
        raise RequestError(f"{what} isn't JSON: {exc}") from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"there is no {name}")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
