"""Schemas and values of tests that write what a program of somebody else would write."""

import json
from io import BytesIO
from typing import Any

from fastavro import schemaless_reader, schemaless_writer


def record(*fields: dict[str, Any], name: str = "Hashtag") -> str:
    return json.dumps({"type": "record", "name": name, "namespace": "tally", "fields": fields})


TAG = {"name": "hashtag", "type": "string"}
#: A schema, one that a reader of the first can do with, and the other way round; and neither.
FIRST = record(TAG)
EVOLVED = record({"name": "lang", "type": "string", "default": "en"}, TAG)
INCOMPATIBLE = record(TAG, {"name": "count", "type": "long"})


def confluent(schema_id: int, schema: str, value: Any) -> bytes:
    """A value as Confluent's serialisers write it."""
    return b"\x00" + schema_id.to_bytes(4, "big") + plain(schema, value)


def plain(schema: str, value: Any) -> bytes:
    """The Avro alone, by fastavro itself."""
    stream = BytesIO()
    schemaless_writer(stream, json.loads(schema), value)
    return stream.getvalue()


def read(schema: str, avro: bytes) -> Any:
    """The inverse."""
    return schemaless_reader(BytesIO(avro), json.loads(schema), None)
