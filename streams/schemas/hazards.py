"""What values of a schema can do to whoever reads them, if somebody wants it or bytes are damaged.

A few bytes may tell of billions of items, if an item takes none. And where a type holds itself, a
value may be nested as deeply as it is long.
"""

from collections.abc import Mapping
from typing import Any

#: Parsed schemas by their full names.
Named = Mapping[str, Any]


def is_recursive(schema: Any, named: Named) -> bool:
    """Whether a type holds itself, directly or not."""
    return _holds_itself(schema, named, set(), set())


def check_arrays(named: Named) -> None:
    """Raise ValueError for arrays of nothing, in a record that all types are in."""
    for schema in named.values():
        _check_arrays(schema, named)


def _holds_itself(schema: Any, named: Named, outer: set[str], done: set[str]) -> bool:
    """`outer` are the types that this is within, `done` those that were looked at."""
    name = schema if isinstance(schema, str) else _name(schema)
    if name in outer:
        return True
    if name is None or name not in named:
        return any(_holds_itself(part, named, outer, done) for part in _parts(schema))
    if name in done:
        return False
    done.add(name)
    within = outer | {name}
    return any(_holds_itself(part, named, within, done) for part in _parts(named[name]))


def _check_arrays(schema: Any, named: Named) -> None:
    match schema:
        case {"type": "array", "items": items} if _takes_no_bytes(items, named, frozenset()):
            raise ValueError("an array of items that take no bytes could be of any length")
    for part in _parts(schema):
        _check_arrays(part, named)


def _takes_no_bytes(schema: Any, named: Named, outer: frozenset[str]) -> bool:
    name = schema if isinstance(schema, str) else _name(schema)
    if name is not None and name in named:
        if name in outer:
            return False  # it can't be written at all
        schema, outer = named[name], outer | {name}
    match schema:
        case "null" | {"type": "null"} | {"type": "fixed", "size": 0}:
            return True
        case {"type": "record" | "error", "fields": fields}:
            return all(_takes_no_bytes(field["type"], named, outer) for field in fields)
        case {"type": dict() as inner}:
            return _takes_no_bytes(inner, named, outer)
    return False


def _name(schema: Any) -> str | None:
    return schema.get("name") if isinstance(schema, dict) else None


def _parts(schema: Any) -> list[Any]:
    """The types that a type is made of."""
    match schema:
        case list():
            return schema
        case {"type": "record" | "error", "fields": fields}:
            return [field["type"] for field in fields]
        case {"type": "array", "items": items}:
            return [items]
        case {"type": "map", "values": values}:
            return [values]
        case {"type": dict() | list() as inner}:
            return [inner]
    return []
