"""A source is told of nothing that may still be lost."""

import asyncio
from collections.abc import AsyncGenerator, Iterable

import pytest

from producers.delivery import DELIVERY_TIMEOUT_S
from producers.progress import CHECKPOINT_S, Progress


class Numbers:
    """A resumable source."""

    def __init__(self) -> None:
        self.told = 0

    async def chunks(self) -> AsyncGenerator[list[int], None]:
        yield [1]

    def report(self) -> str:
        return ""

    def published(self) -> None:
        self.told += 1


class Target:
    """Takes no more than it is let to."""

    unit = total = "numbers"
    sent = acked = 0

    def __init__(self) -> None:
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.open = asyncio.Event()
        self.flushed = 0
        self.patience_s = 0.0

    async def start(self) -> None:
        pass

    async def publish(self, _: Iterable[int], /) -> None:
        await self.open.wait()

    async def flush(self, timeout_s: float = 10.0) -> None:
        self.flushed += 1
        self.patience_s = timeout_s

    async def close(self) -> None:
        pass


@pytest.fixture
def now() -> list[float]:
    return [0.0]


async def test_it_is_told_now_and_then_and_at_the_end(now: list[float]) -> None:
    source, target = Numbers(), Target()
    target.open.set()
    progress = Progress(source, target, lambda: now[0])
    await progress.publish([1])
    assert (source.told, target.flushed) == (0, 0)
    now[0] += CHECKPOINT_S
    await progress.publish([2])
    assert (source.told, target.flushed) == (1, 1)
    assert target.patience_s == DELIVERY_TIMEOUT_S
    await progress.publish([3])
    await progress.finish()
    assert (source.told, target.flushed) == (2, 2)


async def test_a_chunk_that_was_cut_short_is_not_told(now: list[float]) -> None:
    source, target = Numbers(), Target()
    progress = Progress(source, target, lambda: now[0])
    publishing = asyncio.create_task(progress.publish([1, 2]))
    await asyncio.sleep(0)
    publishing.cancel()
    await asyncio.wait({publishing})
    await progress.finish()
    assert (source.told, target.flushed) == (0, 1)
