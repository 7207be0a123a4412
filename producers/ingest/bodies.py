"""The records in the body of an HTTP request."""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from producers.ingest.gateway import key_of
from producers.ingest.record import Record
from streams.errors import RequestError, TooLargeError, UnsupportedTypeError

JSON_TYPES = ("application/json",)
LINES_TYPES = ("application/x-ndjson", "application/jsonl", "application/x-jsonlines")


class Keys:
    """Where the keys are: the same for all, or in a field of each record; else there are none."""

    def __init__(self, same: str | None, field: Sequence[str] | None) -> None:
        self._same = None if same is None else same.encode("utf-8", "surrogateescape")
        self._field = None if same is not None else field

    @property
    def in_fields(self) -> bool:
        """Whether records have to be looked into."""
        return self._field is not None

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


def _of_json(body: bytes) -> list[tuple[bytes, Any]]:
    found = _parsed(body, "The body")
    if isinstance(found, dict):
        return [(body.strip(), found)]
    if isinstance(found, list):
        return [(_written(item), item) for item in found]
    raise RequestError("The body is neither a JSON object nor an array")


def _of_lines(body: bytes) -> list[tuple[bytes, Any]]:
    lines = [line.strip() for line in body.split(b"\n")]
    return [
        (line, _parsed(line, f"Line {number}"))
        for number, line in enumerate(lines, start=1)
        if line
    ]


def _parsed(text: bytes, what: str) -> Any:
    try:
        return json.loads(text.decode(), parse_constant=_refuse)
    except UnicodeDecodeError as exc:
        raise RequestError(f"{what} isn't UTF-8, at byte {exc.start}") from None
    except json.JSONDecodeError as exc:
        where = f"line {exc.lineno}, column {exc.colno}"
        raise RequestError(f"{what} isn't JSON: {exc.msg} at {where}") from None
    except (ValueError, RecursionError) as exc:
        raise RequestError(f"{what} isn't JSON: {exc}") from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"there is no {name}")


def _written(item: Any) -> bytes:
    text = json.dumps(item, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate is JSON, but not UTF-8; escaped, it is both.
    return text.encode("utf-8", "backslashreplace")
