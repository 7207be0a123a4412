"""Standbys of a worker: opened, opened again after errors, and closed before their tasks open."""

import asyncio
from typing import Any, cast

import pytest

from streams.core.columns import TP
from streams.core.ports import Piece
from streams.errors import StoreError, TransactionError
from streams.transport.standbys import Standbys
from tests.polling import until_true

FIRST, SECOND = TP("partials", 0), TP("partials", 1)
PIECE = Piece(iter(()), 1, 1)


class FakeReader:
    closed = False

    async def close(self) -> None:
        self.closed = True


class FakeStandby:
    """Fails where it is told to; `events` is what happened to all of them."""

    def __init__(self, tp: TP, events: list[str], fails_in: str) -> None:
        self.lag = 3
        self._tp = tp
        self._events = events
        self._fails_in = fails_in

    async def open(self) -> None:
        await self._note("open")

    async def next(self, _seconds: float) -> Piece:
        await self._note("next")
        return PIECE

    async def take(self, _piece: Piece) -> None:
        await self._note("take")

    async def close(self) -> None:
        await self._note("close")

    async def _note(self, what: str) -> None:
        self._events.append(f"{what} {self._tp.partition}")
        await asyncio.sleep(0.001)
        if what == self._fails_in:
            raise StoreError("a full disk") if what == "close" else TransactionError("no luck")


class Scene:
    def __init__(self, fails_in: str = "") -> None:
        self.events: list[str] = []
        self.fails_in = fails_in
        self.reader = FakeReader()
        self.standbys = Standbys(self._make, cast(Any, self.reader))

    def _make(self, tp: TP, _reader: Any) -> Any:
        return FakeStandby(tp, self.events, self.fails_in)

    async def until_seen(self, event: str, times: int = 1) -> None:
        await until_true(lambda: self.events.count(event) >= times)


async def test_who_leaves_is_closed_and_who_stays_goes_on() -> None:
    scene = Scene()
    await scene.standbys.follow([FIRST, SECOND])
    await scene.until_seen("take 0", 2)
    await scene.until_seen("take 1", 2)
    assert [one.status for one in scene.standbys.health()] == ["following", "following"]
    assert [one.lag for one in scene.standbys.health()] == [3, 3]
    await scene.standbys.follow([SECOND])
    assert scene.events.count("close 0") == 1
    assert scene.events.count("open 1") == 1
    assert [one.partition for one in scene.standbys.health()] == [1]
    await scene.standbys.follow([FIRST, SECOND])
    await scene.until_seen("open 0", 2)
    await scene.standbys.stop()
    assert (scene.events.count("close 0"), scene.events.count("close 1")) == (2, 1)
    assert scene.reader.closed


@pytest.mark.parametrize("fails_in", ["open", "next", "take", "close"])
async def test_one_that_fails_is_closed_and_opened_again(fails_in: str) -> None:
    scene = Scene(fails_in)
    await scene.standbys.follow([FIRST])
    if fails_in == "close":
        await scene.until_seen("take 0")
        await scene.standbys.follow([])  # raises nothing
        return
    await until_true(lambda: scene.standbys.health()[0].error is not None)
    assert scene.standbys.health()[0].status == "retrying"
    assert "no luck" in (scene.standbys.health()[0].error or "")
    assert scene.events[-1] == "close 0"
    scene.fails_in = ""
    await scene.until_seen("open 0", 2)
    await until_true(lambda: scene.standbys.health()[0].status == "following")
    assert scene.standbys.health()[0].error is None
    await scene.standbys.stop()
