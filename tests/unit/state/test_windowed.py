"""Questions about committed counts while a step is being applied."""

import asyncio

from streams.core.counts import COUNTING
from streams.core.partials import Partial
from streams.core.windows import TumblingWindows
from streams.state.changelog import Bookkeeping
from streams.state.memory import Disk, MemoryStore
from streams.state.store import Changes
from streams.state.windowed import WindowedState


class Gate:
    """Holds up the nth access of a name until it is opened; 0: none."""

    def __init__(self, name: str, nth: int) -> None:
        self._name = name
        self._left = nth
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, point: str) -> None:
        self._left -= point == self._name
        if point == self._name and self._left == 0:
            self.reached.set()
            await self.open.wait()


def partial(key: bytes, window: int, count: int, from_offset: int, to_offset: int) -> Partial:
    return Partial(0, from_offset, to_offset, 0, False, [(window, [key], [count])])


async def counts_on(disk: Disk, gate: Gate) -> WindowedState[int]:
    books = Bookkeeping.begin("id", {}, 1)
    made = WindowedState(
        TumblingWindows(10), COUNTING, MemoryStore(disk, COUNTING, gate), books, 100
    )
    await made.load()
    return made


async def commit(counts: WindowedState[int], position: int) -> None:
    await counts.apply(await counts.resolve(position), position)


async def test_an_answer_is_of_one_commit() -> None:
    """A commit that changes both windows comes between looking up the one and the other."""
    disk = Disk()
    await MemoryStore(disk, COUNTING).apply(Changes(1, None, {0: {b"a": 5}, 10: {b"a": 2}}))
    gate = Gate("store-read", 2)
    counts = await counts_on(disk, gate)
    asking = asyncio.create_task(counts.committed(b"a"))
    await gate.reached.wait()
    both = [(0, [b"a"], [1]), (10, [b"a"], [1])]
    counts.merge(Partial(0, -1, 1, 0, False, both))
    committing = asyncio.create_task(commit(counts, 2))
    await asyncio.sleep(0.05)
    gate.open.set()
    assert await asking == {0: 5, 10: 2}
    await committing
    assert await counts.committed(b"a") == {0: 6, 10: 3}


async def test_a_question_changes_nothing_in_memory() -> None:
    disk = Disk()
    await MemoryStore(disk, COUNTING).apply(Changes(1, None, {0: {b"a": 5}}))
    counts = await counts_on(disk, Gate("none", 0))
    assert await counts.committed(b"a") == {0: 5}
    assert await counts.committed(b"unknown") == {}
    assert counts._cache._known == {}


async def test_pending_counts_are_not_told() -> None:
    counts = await counts_on(Disk(), Gate("none", 0))
    counts.merge(partial(b"a", 10, 2, -1, 1))
    assert await counts.committed(b"a") == {}
    await commit(counts, 1)
    assert await counts.committed(b"a") == {10: 2}
    counts.merge(partial(b"a", 10, 2, 1, 2))
    assert await counts.committed(b"a") == {10: 2}
