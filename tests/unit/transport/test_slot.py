"""A slot ends when it is stopped, whatever its task does with the cancellation."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from streams.core.columns import TP
from streams.core.ports import Member
from streams.errors import FencedError, TransactionError
from streams.tasks.batch import Batch
from streams.tasks.task import State
from streams.transport.slot import Slot, Status
from tests.polling import until_true

SOURCE = TP("in", 0)


class FakeGroup:
    def __init__(self, knows_us: bool = True) -> None:
        self._knows_us = knows_us

    async def holds(self, _member: Member) -> bool:
        return True

    async def confirm(self, _member: Member) -> bool:
        return self._knows_us

    async def seek(self, _tp: TP, _offset: int) -> None:
        pass

    def end_offset(self, _tp: TP) -> int | None:
        return None


class FakeTask:
    """Fails or runs; takes its time to close, and swallows the cancellation, as aiokafka does."""

    def __init__(self, fails: bool) -> None:
        self.position, self.pending, self.spoiled = 0, True, False
        self.state = State.CREATED
        self.closing = asyncio.Event()
        self.opened = False
        self.commits = 0
        self._fails = fails

    async def open(self, _on_progress: Callable[[], None]) -> None:
        self.opened = True
        if self._fails:
            raise TransactionError("no luck")
        self.state = State.RUNNING

    async def tick(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.01)

    def commit_in(self, *, behind: bool = False) -> int:  # noqa: ARG002
        return 60_000

    async def commit(self) -> None:
        self.commits += 1
        self.pending = False

    async def close(self) -> None:
        self.closing.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.1)


async def nowhere(_batch: Batch) -> None:
    raise AssertionError("there is nothing to deliver")


def slot_of(tasks: list[FakeTask], fails: bool, knows_us: bool = True) -> Slot:
    def make(_tp: TP, _member: Member) -> Any:
        tasks.append(FakeTask(fails))
        return tasks[-1]

    member = Member("group", 1, "me")
    return Slot(SOURCE, member, make, FakeGroup(knows_us), nowhere, asyncio.Event())


@pytest.mark.timeout(120)
async def test_a_cancellation_that_is_lost_while_a_failed_task_closes() -> None:
    tasks: list[FakeTask] = []
    slot = slot_of(tasks, fails=True)
    slot.start()
    await asyncio.sleep(0)
    await tasks[0].closing.wait()
    async with asyncio.timeout(60):
        await slot.stop()
    await asyncio.sleep(0.5)
    assert len(tasks) == 1, "it was opened again after it had been stopped"


@pytest.mark.timeout(120)
async def test_a_cancellation_that_is_lost_while_a_task_runs() -> None:
    tasks: list[FakeTask] = []
    slot = slot_of(tasks, fails=False)
    vars(slot)["_next_batch"] = swallow
    slot.start()
    async with asyncio.timeout(60):
        await until_true(lambda: slot.status is Status.RUNNING)
        await slot.stop()
    assert [task.commits for task in tasks] == [1], "what was done is handed over committed"


async def swallow(_task: Any) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(0.01)


@pytest.mark.timeout(120)
async def test_nothing_is_opened_once_the_group_has_moved_on() -> None:
    """Opening fences every other owner: a zombie that did it would fence the rightful one."""
    tasks: list[FakeTask] = []
    slot = slot_of(tasks, fails=False, knows_us=False)
    slot.start()
    async with asyncio.timeout(60):
        await until_true(lambda: len(tasks) >= 2)
        await slot.stop()
    assert not any(task.opened for task in tasks)
    assert isinstance(slot.error, FencedError)
