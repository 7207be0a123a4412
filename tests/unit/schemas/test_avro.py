"""Avro values: what is written is read; what doesn't fit is told apart from what does."""

import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.errors import MisfitError
from streams.schemas.avro import AvroSchema, as_json


def record(*fields: dict[str, Any], name: str = "R") -> str:
    return json.dumps({"type": "record", "name": name, "fields": fields})


TAG = {"name": "hashtag", "type": "string"}
COUNT = {"name": "count", "type": "long"}

TYPES = st.sampled_from(["string", "long", "double", "boolean", "bytes"])
VALUES = {
    "string": st.text(),
    "long": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False),
    "boolean": st.booleans(),
    "bytes": st.binary(),
}


@st.composite
def schemas_and_values(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    types = draw(st.lists(TYPES, max_size=5))
    fields: list[dict[str, Any]] = []
    value: dict[str, Any] = {}
    for i, type_ in enumerate(types):
        shape = draw(st.sampled_from(["plain", "optional", "array", "map"]))
        name, one = f"f{i}", VALUES[type_]
        match shape:
            case "plain":
                fields.append({"name": name, "type": type_})
                value[name] = draw(one)
            case "optional":
                fields.append({"name": name, "type": ["null", type_]})
                value[name] = draw(st.none() | one)
            case "array":
                fields.append({"name": name, "type": {"type": "array", "items": type_}})
                value[name] = draw(st.lists(one, max_size=3))
            case "map":
                fields.append({"name": name, "type": {"type": "map", "values": type_}})
                value[name] = draw(st.dictionaries(VALUES["string"], one, max_size=3))
    return record(*fields), value


# The first text takes a while: Hypothesis looks at all characters that there are.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(schemas_and_values())
def test_round_trip(made: tuple[str, dict[str, Any]]) -> None:
    text, value = made
    schema = AvroSchema(text)
    written = schema.write(value)
    assert schema.read(written) == value
    with pytest.raises(MisfitError, match="goes on"):
        schema.read(written + b"\x00")


@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_a_misfit(raw: bytes) -> None:
    schema = AvroSchema(record(TAG, COUNT, {"name": "more", "type": ["null", "string"]}))
    try:
        value = schema.read(raw)
    except MisfitError:
        return
    assert isinstance(value["hashtag"], str)
    assert isinstance(value["count"], int)


@pytest.mark.parametrize(
    "value",
    [
        {"hashtag": "kafka"},
        {"hashtag": "kafka", "count": "7"},
        {"hashtag": "kafka", "count": 7.5},
        {"hashtag": "kafka", "count": 2**63},
        {"hashtag": None, "count": 7},
        {"hashtag": "\ud800", "count": 7},
        {"hashtag": "kafka", "count": 7, "more": 1},
        "kafka",
        None,
    ],
)
def test_what_does_not_fit_is_not_written(value: Any) -> None:
    with pytest.raises(MisfitError, match="fit"):
        AvroSchema(record(TAG, COUNT)).write(value)


def test_a_reader_sees_values_its_own_way() -> None:
    old = AvroSchema(record(TAG))
    written = old.write({"hashtag": "kafka"})
    new = AvroSchema(record(TAG, {"name": "lang", "type": "string", "default": "en"}))
    assert old.read(written, new) == {"hashtag": "kafka", "lang": "en"}
    assert new.read(new.write({"hashtag": "kafka", "lang": "de"}), old) == {"hashtag": "kafka"}
    with pytest.raises(MisfitError, match="count"):
        old.read(written, AvroSchema(record(TAG, COUNT)))


def test_schemas_that_build_upon_others() -> None:
    inner = record(TAG, name="Inner")
    outer = record({"name": "inner", "type": "Inner"}, name="Outer")
    for text in (outer, '["null", "Outer"]'):
        references = [inner, outer][: 1 if text == outer else 2]
        schema = AvroSchema(text, references)
        value = {"inner": {"hashtag": "kafka"}}
        assert schema.read(schema.write(value)) == value


@pytest.mark.parametrize("text", ["", "{", "7", "null", '"strin"', '{"type": "record"}', "[7]"])
def test_what_is_no_schema(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (in the words of fastavro)
        AvroSchema(text)


@pytest.mark.parametrize(
    "items",
    [
        '"null"',
        '{"type": "null"}',
        '{"type": "record", "name": "E", "fields": []}',
        '{"type": "record", "name": "E", "fields": [{"name": "n", "type": "null"}]}',
        '{"type": "fixed", "name": "F", "size": 0}',
    ],
)
def test_an_array_of_nothing_could_be_of_any_length(items: str) -> None:
    array = f'{{"type": "array", "items": {items}}}'
    for text in (array, f'["int", {array}]', f'{{"type": "map", "values": {array}}}'):
        with pytest.raises(ValueError, match="any length"):
            AvroSchema(text)
    AvroSchema('{"type": "array", "items": ["null", "int"]}')


def test_json_of_what_json_has_not() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    value = {"at": at, "price": Decimal("3.50"), "id": uuid.UUID(int=7), "raw": b"\xff", "t": "ä"}
    assert json.loads(as_json(value)) == {
        "at": "2026-01-02T03:04:05+00:00",
        "price": "3.50",
        "id": "00000000-0000-0000-0000-000000000007",
        "raw": "/w==",
        "t": "ä",
    }
    for number in (float("nan"), float("inf")):
        with pytest.raises(MisfitError):
            as_json({"price": number})
