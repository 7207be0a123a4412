"""Acknowledging in order, and what a stop does to it."""

import asyncio
from functools import partial
from typing import cast

import pytest

from producers.ingest.in_order import in_order
from producers.ingest.outlet import Outlet
from producers.ingest.record import Record
from streams.errors import SourceError, UndeliveredError
from tests.polling import until_true
from tests.unit.ingest.slow_outlet import SlowOutlet


class Reader:
    """Puts ten records, and then waits for more, or ends, or fails."""

    def __init__(
        self, outlet: SlowOutlet, problem: Exception | None = None, *, ends: bool = False
    ) -> None:
        self._outlet = cast(Outlet, outlet)
        self._problem = problem
        self._ends = ends
        self.acknowledged: list[int] = []
        self.has_read = asyncio.Event()

    async def run(self) -> None:
        async with in_order(self._outlet) as put:
            for n in range(10):
                await put([Record("topic", b"%d" % n)] if n % 2 else [], partial(self._note, n))
            self.has_read.set()
            if self._problem is not None:
                raise self._problem
            if not self._ends:
                await asyncio.Event().wait()

    async def _note(self, n: int) -> None:
        self.acknowledged.append(n)


@pytest.mark.parametrize("ends", [False, True])
async def test_a_stop_waits_for_what_was_read(*, ends: bool) -> None:
    outlet = SlowOutlet(held=True)
    reader = Reader(outlet, ends=ends)
    task = asyncio.create_task(reader.run())
    await reader.has_read.wait()
    await until_true(lambda: reader.acknowledged == [0])
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=0.05)
    assert not done
    assert reader.acknowledged == [0], "Kafka hasn't acknowledged the second one"
    outlet.acknowledge()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reader.acknowledged == list(range(10))


async def test_a_second_stop_does_not_wait() -> None:
    reader = Reader(SlowOutlet(held=True))
    task = asyncio.create_task(reader.run())
    await reader.has_read.wait()
    await until_true(lambda: reader.acknowledged == [0])
    task.cancel()
    await asyncio.wait({task}, timeout=0.05)
    task.cancel()
    async with asyncio.timeout(60):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert reader.acknowledged == [0]


async def test_what_was_read_before_a_trouble_is_acknowledged() -> None:
    outlet = SlowOutlet(held=True)
    reader = Reader(outlet, SourceError("nothing more can be read"))
    task = asyncio.create_task(reader.run())
    await reader.has_read.wait()
    await asyncio.wait({task}, timeout=0.05)
    outlet.acknowledge()
    with pytest.raises(SourceError):
        await task
    assert reader.acknowledged == list(range(10))


@pytest.mark.parametrize("is_stopping", [False, True])
async def test_nothing_is_acknowledged_after_a_refusal(*, is_stopping: bool) -> None:
    outlet = SlowOutlet(held=True)
    reader = Reader(outlet)
    task = asyncio.create_task(reader.run())
    await reader.has_read.wait()
    await until_true(lambda: reader.acknowledged == [0])
    if is_stopping:
        task.cancel()
        await asyncio.wait({task}, timeout=0.05)
    outlet.refuse()
    async with asyncio.timeout(60):
        with pytest.raises((UndeliveredError, asyncio.CancelledError)):
            await task
    assert reader.acknowledged == [0]
