"""Where records come from, in chunks, and where they go."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from typing import Protocol, TypeVar

from producers.rate_line import Counts

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Source(Protocol[T]):
    """What the runner needs of a source."""

    def chunks(self) -> AsyncGenerator[list[T], None]:
        """What to publish, in its order; raises TallyError when it can't go on."""
        ...

    def report(self) -> str:
        """What people should know about the run, in a few words; empty if nothing."""
        ...


class Target(Counts, Protocol[T_contra]):
    """What the runner needs of a publisher; see `producers.delivery`."""

    failure: asyncio.Future[None]

    async def start(self) -> None:
        """Connect; raises TallyError."""

    async def publish(self, chunk: Iterable[T_contra], /) -> None:
        """Take a chunk; waits while too much is in flight. Raises TallyError."""

    async def flush(self, timeout_s: float = ..., /) -> None:
        """Wait until all is acknowledged; raises TallyError if that takes too long."""

    async def close(self) -> None:
        """Leave, whatever is still open; within bounds."""
