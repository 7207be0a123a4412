"""A result's JSON is JSON that a browser reads, whatever bytes the record holds."""

import json
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.core.columns import TP
from streams.web.live.messages import Message, Piece, json_value, key_text, long_value


def strictly(text: str) -> Any:
    """As JSON.parse reads it."""

    def refuse(constant: str) -> NoReturn:
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


@given(st.none() | st.binary() | st.text().map(str.encode))
@example(b"NaN")
@example(b"[1, -Infinity]")
@example(b"[" * 100_000)
@example(b"\xef\xbb\xbf{}")
@example(b'{"a": 1} ')
@example(b'"\\ud800"')
def test_any_value_becomes_json(value: bytes | None) -> None:
    strictly(json_value(value))
    strictly(long_value(value))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_json_stays_as_it_is(value: Any) -> None:
    raw = json.dumps(value)
    assert json_value(raw.encode()) == raw


@pytest.mark.parametrize(
    ("value", "means"),
    [(None, None), (b"", ""), (b"plain", "plain"), (b"\xff\x00", "/wA="), (b"NaN", "NaN")],
)
def test_other_values_are_strings(value: bytes | None, means: Any) -> None:
    assert strictly(json_value(value)) == means


def test_longs_are_numbers() -> None:
    assert long_value((7).to_bytes(8, "big")) == "7"
    assert long_value(b"\xff" * 8) == "-1"
    assert long_value(b"7") == "7"


@given(st.none() | st.binary(), st.none() | st.binary(max_size=70_000), st.integers(0, 2**53))
def test_a_message_is_one_frame(key: bytes | None, value: bytes | None, offset: int) -> None:
    piece = Piece(TP("t", 3), {}, "base.3.", json_value, offset + 1)
    record = SimpleNamespace(key=key, value=value, offset=offset, timestamp=-1)
    message = Message(piece, record)
    message.encode()
    body = strictly(payload(message.frame).decode())
    assert body == {
        "key": None if key is None else key_text(key),
        "value": strictly(json_value(value)),
        "timestamp": -1,
        "id": f"t-3-{offset}",
        "cursor": f"base.3.{offset + 1}",
    }


def payload(frame: bytes) -> bytes:
    """What a text frame carries (RFC 6455, 5.2)."""
    assert frame[0] == 0x81
    n, at = frame[1], 2
    if n > 125:
        at = 4 if n == 126 else 10
        n = int.from_bytes(frame[2:at], "big")
    assert len(frame) == at + n
    return frame[at:]
