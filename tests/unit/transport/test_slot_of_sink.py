"""A slot whose task has no room, or can't read: it commits on, and doesn't call that a stall."""

import asyncio
from collections.abc import Callable

import pytest

from streams.core.columns import TP, Chunk
from streams.core.ports import Member
from streams.tasks.batch import Batch
from streams.tasks.task import State
from streams.transport.slot import Slot, Status
from tests.polling import until_true

TOPIC = TP("out", 0)


class Group:
    async def confirm(self, _member: Member) -> bool:
        return True

    async def holds(self, _member: Member) -> bool:
        return True

    async def seek(self, _tp: TP, _offset: int) -> None:
        pass

    def end_offset(self, _tp: TP) -> int | None:
        return None


class FullTask:
    """Has no room until a test says so."""

    def __init__(self) -> None:
        self.position, self.pending, self.spoiled = 0, False, False
        self.waits_outside = True
        self.state = State.CREATED
        self.room = asyncio.Event()
        self.readable = asyncio.Event()
        self.readable.set()
        self.asked_for: list[Chunk] = []
        self.commits = 0
        self.taken: list[Chunk] = []

    async def open(self, _on_progress: Callable[[], None]) -> None:
        self.state = State.RUNNING

    async def tick(self) -> None:
        pass

    async def until_room(self) -> None:
        await self.room.wait()

    async def until_readable(self, chunk: Chunk) -> None:
        self.asked_for.append(chunk)
        await self.readable.wait()

    def commit_in(self, *, behind: bool = False) -> int | None:  # noqa: ARG002
        return 0 if self.pending else 10

    async def commit(self) -> None:
        self.commits += 1
        self.pending = False

    def deliver(self, chunk: Chunk) -> Batch:
        self.taken.append(chunk)
        return Batch(self, chunk)  # type: ignore[arg-type]

    def done(self, batch: Batch) -> None:
        self.position = batch.chunk.next_offset

    async def close(self) -> None:
        pass


async def finish(batch: Batch) -> None:
    batch.finished.set_result(None)


def slot_of(task: FullTask) -> Slot:
    return Slot(
        TOPIC,
        Member("group", 1, "me"),
        lambda _tp, _member: task,  # type: ignore[arg-type, return-value]
        Group(),
        finish,
        asyncio.Event(),
    )


@pytest.mark.timeout(120)
async def test_a_task_that_can_not_read_yet() -> None:
    task = FullTask()
    task.room.set()
    task.readable.clear()
    slot = slot_of(task)
    slot.start()
    await until_true(lambda: slot.status is Status.RUNNING)
    slot.put(Chunk(TOPIC, 0, 5))
    for n in (1, 2):
        await until_true(lambda n=n: len(task.asked_for) > n)  # type: ignore[misc]
        task.pending = True
        await until_true(lambda n=n: task.commits == n)  # type: ignore[misc]
    slot.put(Chunk(TOPIC, 5, 6))
    slot.put(Chunk(TOPIC, 6, 7))
    assert not slot.has_room
    assert not task.taken
    assert not slot.stalled(0)
    task.readable.set()
    await until_true(lambda: task.position == 7)
    assert [chunk.from_offset for chunk in task.taken] == [0, 5, 6]
    # Handing over waits for nobody.
    task.readable.clear()
    slot.put(Chunk(TOPIC, 7, 8))
    await until_true(lambda: task.asked_for[-1].from_offset == 7)
    async with asyncio.timeout(60):
        await slot.stop()
    assert len(task.taken) == 3


@pytest.mark.timeout(120)
async def test_a_task_without_room() -> None:
    task = FullTask()
    slot = slot_of(task)
    slot.start()
    await until_true(lambda: slot.status is Status.RUNNING)
    slot.put(Chunk(TOPIC, 0, 5))
    for n in (1, 2):
        task.pending = True
        await until_true(lambda n=n: task.commits == n)  # type: ignore[misc]
    assert not task.taken
    assert not slot.stalled(0)
    task.waits_outside = False
    assert slot.stalled(0)
    task.room.set()
    await until_true(lambda: task.position == 5)
    # Handing over waits for nobody.
    task.room.clear()
    slot.put(Chunk(TOPIC, 5, 6))
    async with asyncio.timeout(60):
        await slot.stop()
    assert len(task.taken) == 1
