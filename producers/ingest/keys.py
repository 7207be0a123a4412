"""The key that a JSON record holds in one of its fields."""

import json
from collections.abc import Sequence
from typing import Any


def key_within(value: bytes, path: Sequence[str]) -> bytes | None:
    """The key that a record's JSON holds at `path`; None if there is none."""
    try:
        return key_of(json.loads(value), path)
    except (ValueError, RecursionError):
        return None


def key_of(found: Any, path: Sequence[str]) -> bytes | None:
    """The same for parsed JSON. Numbers are keys as JSON writes them."""
    for name in path:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    if isinstance(found, str):
        return found.encode("utf-8", "surrogatepass")
    if isinstance(found, bool | int | float):
        return json.dumps(found).encode()
    return None
