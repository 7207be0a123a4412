"""What a subscriber gets of a result, and on which channel."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import UndeliverableError
from streams.sinks.appsync.message import channel, events_channel, message, value_of
from tests.unit.sinks.results import result


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'{"count": 7}', {"count": 7}),
        (b"12", 12),
        (b"null", None),
        (None, None),
        (b"plain", "plain"),
        (b"", ""),
        (b"NaN", "NaN"),
        (b'"a" b', '"a" b'),
        ("#Öl 😀".encode(), "#Öl 😀"),
        (b"[" * 100_000, "[" * 100_000),
    ],
)
def test_the_value(value: bytes | None, expected: object) -> None:
    read = json.loads(message(result(5, value=value)))
    assert read == {
        "topic": "twitter_output",
        "key": "kafka",
        "value": expected,
        "id": "twitter_output-2-5",
    }


def test_numbers_stay_as_they_are() -> None:
    big = b'{"price": 1.10, "volume": 123456789012345678901234567890}'
    assert big.decode() in message(result(value=big))


@given(st.text(), st.none() | st.text())
def test_any_text_arrives(value: str, key: str | None) -> None:
    try:
        raw, raw_key = value.encode(), None if key is None else key.encode()
    except UnicodeEncodeError:
        return
    read = json.loads(message(result(value=raw, key=raw_key)))
    assert read["key"] == key
    assert read["value"] == value or json.loads(value) == read["value"]


def test_what_is_not_text_is_refused() -> None:
    with pytest.raises(UndeliverableError, match="value is not UTF-8"):
        message(result(value=b"\xff"))
    with pytest.raises(UndeliverableError, match="key is not UTF-8"):
        message(result(key=b"\xff"))
    with pytest.raises(UndeliverableError, match="value is not JSON"):
        value_of(result(value=b"plain"))


def test_channels() -> None:
    assert channel("{topic}", result()) == "twitter_output"
    assert channel("ticker-{key}", result(key="#Öl {topic}".encode())) == "ticker-#Öl {topic}"
    assert channel("{key}", result(key=None)) == ""


def test_channels_of_events() -> None:
    assert events_channel("default/{topic}", result()) == "/default/twitter-output"
    assert events_channel("/a/t-{key}/", result(key=b"AMZN")) == "/a/t-AMZN"
    assert events_channel("a/{key}", result(key=None)) == "/a/none"
    assert events_channel("a/{key}", result(key=b"#kafka")) == "/a/kafka"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_channels_of_events_are_legal(key: str) -> None:
    made = events_channel("default/{topic}/{key}", result(key=key.encode()))
    assert re.fullmatch(r"(/[A-Za-z0-9]([A-Za-z0-9-]{0,48}[A-Za-z0-9])?){3}", made)
