"""A row's values as JSON has them, and as checkpoints keep them."""

import base64
import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any


def row_as_json(row: Mapping[str, Any]) -> bytes:
    """An object with a field for each column."""
    finite = {
        name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }
    return json.dumps(finite, ensure_ascii=False, default=as_json).encode()


def as_json(value: Any) -> Any:
    """What JSON has no word for. Decimals are text, for a double may not be as exact."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    return str(value)


def kept_as(value: Any) -> Any:
    """A checkpoint's JSON for a number or timestamp."""
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    return {"number": str(value)}


def restored(kept: Any) -> Any:
    """What `kept_as` was given."""
    if "time" in kept:
        return datetime.fromisoformat(kept["time"])
    number = Decimal(kept["number"])
    return int(number) if number == number.to_integral_value() else number
