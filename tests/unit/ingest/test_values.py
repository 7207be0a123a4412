"""Values of databases as JSON."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from producers.ingest.aws.dynamodb_values import plain_item
from producers.ingest.table_values import kept_as, restored, row_as_json

NOON = datetime(2026, 1, 2, 12, 0, 0, 5, tzinfo=UTC)


def test_a_row_of_a_table() -> None:
    row = {
        "id": 2**60,
        "price": Decimal("3.00"),
        "made": NOON,
        "day": date(2026, 1, 2),
        "raw": b"\x00\xff",
        "none": None,
        "rate": 0.5,
        "odd": float("nan"),
        "far": float("-inf"),
        "name": "ä",
        "more": {"a": [1]},
        "uuid": UUID(int=5),
    }
    assert json.loads(row_as_json(row), parse_constant=lambda name: pytest.fail(name)) == {
        "id": 2**60,
        "price": "3.00",
        "made": "2026-01-02T12:00:00.000005+00:00",
        "day": "2026-01-02",
        "raw": "AP8=",
        "none": None,
        "rate": 0.5,
        "odd": "nan",
        "far": "-inf",
        "name": "ä",
        "more": {"a": [1]},
        "uuid": "00000000-0000-0000-0000-000000000005",
    }


@pytest.mark.parametrize("value", [0, -5, 10**30, Decimal("1.5"), NOON, datetime(2026, 1, 2)])
def test_a_checkpoint_gives_back_what_it_was_given(value: Any) -> None:
    found = restored(json.loads(json.dumps(kept_as(value))))
    assert (found, type(found)) == (value, type(value))


def test_an_item_of_dynamodb() -> None:
    item = {
        "s": {"S": "x"},
        "n": {"N": "1.5"},
        "whole": {"N": "-12345678901234567890"},
        "exact": {"N": "0.12345678901234567890"},
        "tiny": {"N": "1E-130"},
        "b": {"B": b"\x00\xff"},
        "t": {"BOOL": True},
        "null": {"NULL": True},
        "m": {"M": {"l": {"L": [{"N": "1"}, {"S": "y"}]}}},
        "ss": {"SS": ["a", "b"]},
        "ns": {"NS": ["1", "2.5"]},
        "bs": {"BS": [b"\xff"]},
    }
    assert plain_item(item) == {
        "s": "x",
        "n": 1.5,
        "whole": -12345678901234567890,
        "exact": "0.12345678901234567890",
        "tiny": 1e-130,
        "b": "AP8=",
        "t": True,
        "null": None,
        "m": {"l": [1, "y"]},
        "ss": ["a", "b"],
        "ns": [1, 2.5],
        "bs": ["/w=="],
    }
