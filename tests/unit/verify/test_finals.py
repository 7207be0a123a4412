"""What can be read as a final, and what can't."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from streams.core import final
from streams.jobs.hashtags import as_json, as_long
from streams.verify import finals
from streams.verify.finals import Final, UnreadableError

WINDOW = 20_000


def decode(key: bytes | None, value: bytes | None, timestamp: int, how: str = "json") -> Final:
    record = SimpleNamespace(key=key, value=value, timestamp=timestamp, offset=9)
    return finals.decode(3, record, WINDOW, how)


@pytest.mark.parametrize("hashtag", ["#a", "", "😀", '"\\\n'])
@pytest.mark.parametrize("how", ["json", "long"], ids="as_{}".format)
def test_what_the_job_writes(hashtag: str, how: str) -> None:
    written = final.Final(hashtag.encode(), 7, 40_000, 60_000)
    value = {"json": as_json, "long": as_long}[how](written)
    assert decode(written.key, value, written.timestamp, how) == Final(40_000, hashtag, 7, 3, 9)


def said(**other: Any) -> bytes:
    value = {"hashtag": "#a", "count": 7, "window_start": 40_000, "window_end": 60_000}
    return json.dumps(value | other).encode()


@pytest.mark.parametrize(
    ("key", "value", "timestamp"),
    [
        (b"#a", None, 59_999),
        (None, said(), 59_999),
        (b"\xff", said(), 59_999),
        (b"#b", said(), 59_999),
        (b"#a", said(), 60_000),
        (b"#a", said(count="7"), 59_999),
        (b"#a", said(count=True), 59_999),
        (b"#a", said(window_end=50_000), 59_999),
        (b"#a", said(window_start=30_000, window_end=50_000), 49_999),
        (b"#a", said(window_start=-20_000, window_end=0), -1),
        (b"#a", b"[]", 59_999),
        (b"#a", b"\xff", 59_999),
        (b"#a", bytes(8), 59_999),
    ],
)
def test_what_is_no_final_in_json(key: bytes | None, value: bytes | None, timestamp: int) -> None:
    assert decode(b"#a", said(), 59_999).found == 7
    with pytest.raises(UnreadableError):
        decode(key, value, timestamp)


def test_what_is_no_final_in_the_long_format() -> None:
    for value, timestamp in ((bytes(7), 59_999), (bytes(8), 60_000), (said(), 59_999)):
        with pytest.raises(UnreadableError):
            decode(b"#a", value, timestamp, "long")
