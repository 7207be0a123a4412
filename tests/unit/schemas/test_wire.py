"""The bytes before a value: both formats, and whatever else may stand there."""

import uuid
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import MisfitError
from streams.schemas.wire import (
    INFLATED_BYTES,
    ConfluentWire,
    GlueWire,
    Header,
    WireFormat,
    inflate,
)

ID = uuid.UUID("b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63")


def test_confluents() -> None:
    head = ConfluentWire().head("258")
    assert head == b"\x00\x00\x00\x01\x02"
    assert ConfluentWire().parse(head) == Header("258")


def test_glues() -> None:
    head = GlueWire().head(str(ID))
    assert head == b"\x03\x00" + ID.bytes
    assert GlueWire().parse(head) == Header(str(ID))
    assert GlueWire().parse(b"\x03\x05" + ID.bytes) == Header(str(ID), deflated=True)


@given(st.integers(0, 2**32 - 1))
def test_confluents_round_trip(number: int) -> None:
    wire = ConfluentWire()
    head = wire.head(str(number))
    assert len(head) == wire.size
    assert wire.parse(head) == Header(str(number))


@given(st.uuids())
def test_glues_round_trip(schema_id: uuid.UUID) -> None:
    wire = GlueWire()
    head = wire.head(str(schema_id))
    assert len(head) == wire.size
    assert wire.parse(head) == Header(str(schema_id))


@pytest.mark.parametrize("wire", [ConfluentWire(), GlueWire()], ids=["confluent", "glue"])
@given(raw=st.binary(max_size=20))
def test_anything_is_a_head_or_a_misfit(wire: WireFormat, raw: bytes) -> None:
    head = raw[: wire.size]
    try:
        schema_id, deflated = wire.parse(head)
    except MisfitError:
        return
    assert wire.head(schema_id)[-4:] == head[-4:]
    assert deflated == (head[:2] == b"\x03\x05")


@pytest.mark.parametrize(
    ("wire", "head"),
    [
        (ConfluentWire(), b""),
        (ConfluentWire(), b"\x00\x00\x00\x01"),
        (ConfluentWire(), b"kafka"),
        (GlueWire(), b"\x03\x00" + ID.bytes[:-1]),
        (GlueWire(), b"\x02\x00" + ID.bytes),
        (GlueWire(), b"\x03\x01" + ID.bytes),
    ],
)
def test_what_is_no_head(wire: WireFormat, head: bytes) -> None:
    with pytest.raises(MisfitError, match="value"):
        wire.parse(head)


@given(st.binary(max_size=500))
def test_what_is_compressed(payload: bytes) -> None:
    assert inflate(zlib.compress(payload)) == payload


@pytest.mark.parametrize(
    "deflated",
    [
        b"",
        b"nonsense",
        zlib.compress(b"kafka")[:-1],
        zlib.compress(b"kafka") + b"x",
        zlib.compress(bytes(INFLATED_BYTES + 1)),
    ],
    ids=["empty", "nonsense", "cut short", "trailing", "bomb"],
)
def test_what_is_not_compressed(deflated: bytes) -> None:
    with pytest.raises(MisfitError):
        inflate(deflated)
