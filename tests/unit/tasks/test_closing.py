"""A task lets go of its store whatever becomes of its producer."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from streams.core.columns import TP
from streams.core.ports import Member
from streams.core.windows import TumblingWindows
from streams.tasks.topology import WindowedTable
from streams.tasks.window_task import WindowTask

TABLE = WindowedTable("count", TumblingWindows(1000, 0), "", "in", "partials", "changelog")


class Hanging:
    """A producer that takes for ever to close."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()

    async def close(self) -> None:
        self.closing.set()
        await asyncio.Event().wait()


class OpenStore:
    def __init__(self) -> None:
        self.open = True

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.open = False


async def test_a_store_is_closed_if_the_closing_is_cancelled() -> None:
    producer, store = Hanging(), OpenStore()
    context: Any = SimpleNamespace(
        cluster=SimpleNamespace(producer=lambda _id: producer),
        settings=SimpleNamespace(app_id="app"),
        clock=SimpleNamespace(now=lambda: 0),
        format_of=lambda _topic: None,
    )
    any_store: Any = store
    task = WindowTask(TP("partials", 0), context, Member("app", 1, "me"), TABLE, any_store)
    closing = asyncio.ensure_future(task.close())
    await producer.closing.wait()
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert not store.open
