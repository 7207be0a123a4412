"""What a sink's body gets: the records of one partition, to be delivered and then accepted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol


class Result(NamedTuple):
    """A committed record of an output topic; `timestamp` in ms since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None

    @property
    def id(self) -> str:
        """The same however often it is delivered, so that whoever gets it can drop repeats."""
        return f"{self.topic}-{self.partition}-{self.offset}"


class Settler(Protocol):
    """Who is told what became of a result."""

    def accepted(self, result: Result) -> None: ...

    def rejected(self, result: Result, reason: str) -> None: ...


class Results:
    """Iterates over lists of results, each as many as there are by then.

    A body may take more before it has delivered what it has: the task sees to it that there are
    never too many. Each has to be accepted or rejected, in whatever order; offsets are committed up
    to the first that is not. One that is settled by then may still be delivered again, if a crash
    comes before the commit, and so may all those after the first that is not.
    """

    def __init__(self, settler: Settler) -> None:
        self._settler = settler
        self._waiting: list[Result] = []
        self._some = asyncio.Event()

    def __aiter__(self) -> "Results":
        return self

    async def __anext__(self) -> list[Result]:
        await self._some.wait()
        self._some.clear()
        taken, self._waiting = self._waiting, []
        return taken

    def put(self, results: Sequence[Result]) -> None:
        """Add results to be delivered."""
        if results:
            self._waiting += results
            self._some.set()

    def accepted(self, result: Result) -> None:
        """Note that whoever it was delivered to has it."""
        self._settler.accepted(result)

    def rejected(self, result: Result, reason: str) -> None:
        """Give a result up: it goes to the dead letters. For what can never be delivered."""
        self._settler.rejected(result, reason)


SinkBody = Callable[[Results], Awaitable[None]]
