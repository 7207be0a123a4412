"""Records of JSON, as comparisons read them."""

from typing import Any

from streams.core.values import JsonFormat
from streams.verify.decoded import Decoded, jsons, texts

VALUES = [b'"a"', b'{"tag": "b"}', b'{"tag": 7}', b"{", None, b'"' + b"x" * 100 + b'"']


def records() -> list[Decoded]:
    return [Decoded(offset, 7, b"key", value) for offset, value in enumerate(VALUES)]


async def test_texts() -> None:
    found: Any = await texts(JsonFormat(), records(), "tag", max_bytes=50)
    assert [record.value for record in found] == [b"a", b"b", None, None, None, None]
    assert [record.offset for record in found] == list(range(6))
    assert {(record.timestamp, record.key) for record in found} == {(7, b"key")}


async def test_jsons() -> None:
    found: Any = await jsons(JsonFormat(), records())
    assert [record.value for record in found] == [*VALUES[:3], None, None, VALUES[5]]


async def test_raw_strings_are_as_they_are() -> None:
    given = records()
    assert await texts(None, given, "tag", max_bytes=1) is given
    assert await jsons(None, given) is given
