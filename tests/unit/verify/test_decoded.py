"""Records of JSON, as comparisons read them."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from streams.core.values import Decoder, JsonFormat
from streams.errors import VerifyError
from streams.verify import decoded
from streams.verify.decoded import Decoded, fields, jsons, texts

VALUES = [b'"a"', b'{"tag": "b"}', b'{"tag": 7}', b"{", None, b'"' + b"x" * 100 + b'"']


def records() -> list[Decoded]:
    return [Decoded(offset, 7, b"key", value) for offset, value in enumerate(VALUES)]


async def test_texts() -> None:
    found: Any = await texts(JsonFormat(), records(), "tag", max_bytes=50)
    assert [record.value for record in found] == [b"a", b"b", None, None, None, None]
    assert [record.offset for record in found] == list(range(6))
    assert {(record.timestamp, record.key) for record in found} == {(7, b"key")}


async def test_fields() -> None:
    found: Any = await fields(JsonFormat(), records(), max_bytes=50)
    assert [record.value for record in found] == ["a", {"tag": "b"}, {"tag": 7}, None, None, None]


class Silent:
    """A format whose schemas never come."""

    async def decoder(self, values: Iterable[bytes | None]) -> Decoder:  # noqa: ARG002
        await asyncio.Event().wait()
        raise AssertionError


async def test_schemas_that_never_come_end_a_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoded, "SCHEMA_SECONDS", 0.01)
    with pytest.raises(VerifyError, match="registry can't be asked"):
        await jsons(Silent(), records())


async def test_jsons() -> None:
    found: Any = await jsons(JsonFormat(), records())
    assert [record.value for record in found] == [*VALUES[:3], None, None, VALUES[5]]


async def test_raw_strings_are_as_they_are() -> None:
    given = records()
    assert await texts(None, given, "tag", max_bytes=1) is given
    assert await jsons(None, given) is given
