"""What a process does when it is told to stop."""

import asyncio
from typing import cast

import pytest

from producers.ingest import run
from producers.ingest.site import Site
from streams.errors import BadInputError, SourceError, StartError


class NoSite:
    """A web server that has nothing to end."""

    async def close(self) -> None:
        pass


class Endless:
    """Reads until cancelled `cancels` times; then raises `problem`, if there is one."""

    def __init__(self, cancels: int = 1, problem: Exception | None = None) -> None:
        self._cancels = cancels
        self._problem = problem
        self.runs = 0
        self.has_ended = False

    async def run(self) -> None:
        self.runs += 1
        for _ in range(self._cancels - 1):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
        try:
            await asyncio.Event().wait()
        finally:
            self.has_ended = True
            if self._problem is not None:
                raise self._problem


async def stopped(*sources: Endless, finish_s: float = 60) -> None:
    """Run them, and stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, stop.set)
    named = {str(n): source for n, source in enumerate(sources)}
    async with asyncio.timeout(60):
        await run.run_all(dict(named), cast(Site, NoSite()), stop, finish_s)


async def test_all_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "AGAIN_S", 0.05)
    sources = Endless(), Endless(cancels=2), Endless(cancels=4)
    await stopped(*sources, finish_s=0.05)
    assert all(source.has_ended for source in sources)


async def test_what_fails_at_the_end_is_not_run_again() -> None:
    source = Endless(problem=SourceError("gone"))
    await stopped(source)
    assert source.runs == 1


async def test_input_that_was_not_read_to_its_end_is_an_error() -> None:
    other = Endless()
    with pytest.raises(BadInputError, match="not all"):
        await stopped(other, Endless(problem=BadInputError("not all was read")))
    assert other.has_ended


class Broken:
    """Needs a person."""

    async def run(self) -> None:
        raise StartError("no such table")


async def test_the_others_end_in_order_when_one_needs_a_person() -> None:
    other = Endless()
    with pytest.raises(StartError):
        await run.run_all({"a": other, "b": Broken()}, cast(Site, NoSite()), asyncio.Event(), 60)
    assert other.has_ended
