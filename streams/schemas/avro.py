"""Avro schemas and values, by fastavro.

Hook: `fastavro._read_py`, its reader in Python, for types that hold themselves. The compiled one
knows no bound on how deeply values are nested, and overruns the C stack: one record of 20 kB would
end every worker that reads it. Written for 1.13; `tests/contract/test_deep_avro.py` holds it.
"""

import base64
import json
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import UUID

from streams.errors import MisfitError, StartError
from streams.schemas.hazards import check_arrays, is_recursive

try:
    from fastavro import _read_py, parse_schema, schemaless_reader, schemaless_writer
    from fastavro.validation import ValidationError, validate
except ImportError as exc:
    raise StartError(
        "Topics whose values are Avro need fastavro",
        "Install it: pip install 'tally-streams[avro]'",
    ) from exc

#: Characters of an error that a reason quotes: it may hold two whole schemas.
QUOTED = 300


_FIELD = "value"


def _wrapped(schema: Any) -> dict[str, Any]:
    """A record of nothing but that, which is encoded the same.

    A parsed record brings along what it refers to, which a union or a name has no place for.
    """
    return {"type": "record", "name": "_", "fields": [{"name": _FIELD, "type": schema}]}


class AvroSchema:
    """A schema that was parsed. `references` are those that it builds upon, in their order.

    Raises ValueError if it isn't one.
    """

    def __init__(self, text: str, references: Iterable[str] = ()) -> None:
        self.text = text
        named: dict[str, Any] = {}
        try:
            for reference in references:
                parse_schema(json.loads(reference), named_schemas=named)
            self._schema = parse_schema(_wrapped(json.loads(text)), named_schemas=named)
            check_arrays(named)
            is_deep = is_recursive(self._schema, named)
        except Exception as exc:  # whatever fastavro meets in it: KeyError, TypeError, ...
            raise ValueError(_quoted(exc)) from exc
        self._reader = _read_py.schemaless_reader if is_deep else schemaless_reader

    def read(self, payload: bytes, reader: "AvroSchema | None" = None) -> Any:
        """The value that was written with this schema, as `reader` has it. Raises MisfitError."""
        stream = BytesIO(payload)
        wanted = None if reader is None else reader._schema
        try:
            wrapped: Any = self._reader(stream, self._schema, wanted)
        except Exception as exc:  # whatever fastavro meets in bytes that are something else
            raise MisfitError(f"value doesn't fit its schema: {_quoted(exc)}") from exc
        if stream.tell() != len(payload):
            raise MisfitError("value goes on where its schema ends")
        return wrapped[_FIELD]

    def write(self, value: Any) -> bytes:
        """The inverse. Raises MisfitError."""
        stream = BytesIO()
        wrapped = {_FIELD: value}
        try:
            # The writer alone would cut 1.5 down to 1, and leave out fields that it doesn't know.
            validate(wrapped, self._schema)
            schemaless_writer(stream, self._schema, wrapped, strict_allow_default=True)
        except (ValidationError, ValueError, TypeError, ArithmeticError, LookupError) as exc:
            raise MisfitError(f"value doesn't fit the schema: {_quoted(exc)}") from exc
        return stream.getvalue()


def as_json(value: Any) -> str:
    """A decoded value as JSON; times in ISO 8601, decimals as strings, bytes in base64.

    Raises MisfitError for what JSON hasn't: infinite numbers, and what isn't a number.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as exc:
        raise MisfitError(f"value can't be JSON: {exc}") from None


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal() | UUID() | timedelta():
            return str(value)
    raise TypeError(type(value).__name__)


def _quoted(exc: Exception) -> str:
    text = " ".join(str(exc).split()) or type(exc).__name__
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}..."
