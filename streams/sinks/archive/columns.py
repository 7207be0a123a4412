"""Fields of JSON values that become columns of their own: `price:double`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from streams.errors import UndeliverableError
from streams.setting_kinds import Kind
from streams.sinks.archive.condition import FIELD

TYPES = ("string", "long", "double", "boolean")
#: What each row has in any case.
ALWAYS = ("partition", "offset", "timestamp", "key", "value")

_LONGS = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Column:
    """See the module."""

    field: str
    type: str

    @classmethod
    def parse(cls, raw: str) -> Self:
        """Read what `str` writes; raises ValueError."""
        field, _, type_ = raw.partition(":")
        if not re.fullmatch(FIELD, field) or type_ not in TYPES:
            raise ValueError("not a field, a colon and a type")
        if field in ALWAYS:
            raise ValueError(f"there is a column {field} already")
        return cls(field, type_)

    def __str__(self) -> str:
        return f"{self.field}:{self.type}"

    def of(self, fields: Mapping[str, Any]) -> Any:
        """A record's value; None if there is none. Raises UndeliverableError if it doesn't fit."""
        found = fields.get(self.field)
        if found is None or _FITS[self.type](found):
            return found
        raise UndeliverableError(f"{self.field} is no {self.type}")


def _is_text(found: Any) -> bool:
    # JSON may hold half of a surrogate pair, which is no text in UTF-8.
    return isinstance(found, str) and not any("\ud800" <= char <= "\udfff" for char in found)


def _is_long(found: Any) -> bool:
    return isinstance(found, int) and not isinstance(found, bool) and found in _LONGS


def _is_double(found: Any) -> bool:
    return isinstance(found, float) or _is_long(found)


def _is_boolean(found: Any) -> bool:
    return isinstance(found, bool)


_FITS = {"string": _is_text, "long": _is_long, "double": _is_double, "boolean": _is_boolean}


def values_of(columns: Sequence[Column], fields: Mapping[str, Any]) -> tuple[Any, ...]:
    """A record's values, in the order of the columns."""
    return tuple(column.of(fields) for column in columns)


def column() -> Kind[Column]:
    return Kind(Column.parse, f"field:type, with one of the types {', '.join(TYPES)}")
