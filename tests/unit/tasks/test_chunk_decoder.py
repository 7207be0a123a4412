"""What reads a chunk is got ready in the background, until it is there or given up."""

import asyncio
from collections.abc import Iterable

import pytest

from streams.core.columns import TP, Chunk, Rows
from streams.core.values import Decoder, JsonDecoder
from streams.tasks.chunk_decoder import ChunkDecoder
from tests.polling import until_true

CHUNK = Chunk(TP("in", 0), 0, 2, [Rows([(0, 5, b"1"), (1, 6, None)])])


class Slow:
    """A format that needs something which isn't there yet."""

    def __init__(self) -> None:
        self.there = asyncio.Event()
        self.asked_for: list[list[bytes | None]] = []
        self.given_up = False

    async def decoder(self, values: Iterable[bytes | None]) -> Decoder:
        self.asked_for.append(list(values))
        try:
            await self.there.wait()
        except asyncio.CancelledError:
            self.given_up = True
            raise
        return JsonDecoder()


async def test_those_who_wait_may_come_and_go() -> None:
    format_ = Slow()
    reading = ChunkDecoder(format_)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await reading.until_ready(CHUNK)
        assert reading.waiting
    format_.there.set()
    await reading.until_ready(CHUNK)
    assert not reading.waiting
    assert isinstance(reading.decoder, JsonDecoder)
    assert [set(values) for values in format_.asked_for] == [{b"1", None}]
    assert [list(batch.rows()) for batch in CHUNK.batches] == [[(0, 5, b"1"), (1, 6, None)]]


async def test_it_ends_with_its_task() -> None:
    format_ = Slow()
    reading = ChunkDecoder(format_)
    waiting = asyncio.create_task(reading.until_ready(CHUNK))
    await until_true(lambda: bool(format_.asked_for))
    reading.stop()
    async with asyncio.timeout(60):
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert format_.given_up
    assert not reading.waiting


async def test_raw_strings_wait_for_nothing() -> None:
    reading = ChunkDecoder(None)
    await reading.until_ready(CHUNK)
    assert reading.decoder is None
