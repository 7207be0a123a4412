"""What is remembered, and when it is fetched again."""

import asyncio

import pytest

from streams.errors import ClusterAccessError
from streams.login.remembered import FAILED_SECONDS, REFUSED_SECONDS, Fetched, Remembered


class Fetches:
    """Answers with 1, 2, ...; fails while `broken`."""

    def __init__(self) -> None:
        self.count = 0
        self.broken = False
        self.now = 0.0

    def __call__(self) -> Fetched[int]:
        self.count += 1
        if self.broken:
            raise ClusterAccessError("broken")
        return Fetched(self.count, 10.0)


async def test_it_is_fetched_when_it_is_old_or_refused() -> None:
    fetches = Fetches()
    remembered = Remembered(fetches, lambda: fetches.now)
    assert await asyncio.gather(*(remembered.current() for _ in range(20))) == [1] * 20
    fetches.now = 9.9
    assert await remembered.current() == 1
    fetches.now = 10.0
    assert await remembered.current() == 2
    assert await remembered.renewed() == 2, "refusals don't make us ask too often"
    fetches.now += REFUSED_SECONDS
    assert await remembered.renewed() == 3


async def test_what_was_fetched_before_stays_in_use() -> None:
    fetches = Fetches()
    remembered = Remembered(fetches, lambda: fetches.now)
    assert await remembered.current() == 1
    fetches.broken = True
    fetches.now += 10
    assert [await remembered.current() for _ in range(5)] == [1] * 5
    assert fetches.count == 2, "nobody waits again for what has just failed"
    fetches.now += REFUSED_SECONDS
    assert await remembered.renewed() == 1
    assert fetches.count == 3, "but what is refused is worth another look"
    fetches.broken = False
    fetches.now += FAILED_SECONDS
    assert await remembered.current() == 4


async def test_nothing_is_remembered_before_it_was_there() -> None:
    fetches = Fetches()
    fetches.broken = True
    remembered = Remembered(fetches)
    for _ in range(2):
        with pytest.raises(ClusterAccessError):
            await remembered.current()
    fetches.broken = False
    assert await remembered.current() == 3
