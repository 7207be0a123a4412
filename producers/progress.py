"""Telling a source what is in the topic for good, so that the next run can go on there."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from producers.delivery import DELIVERY_TIMEOUT_S
from producers.sources import Source, Target

CHECKPOINT_S = 5.0


@runtime_checkable
class Resumable(Protocol):
    """A source whose next run goes on where this one ended."""

    def published(self) -> None:
        """All that was yielded so far is acknowledged; called between two chunks, in a thread."""


class Progress:
    """Every CHECKPOINT_S, and at the end, waits for all acknowledgements and tells the source."""

    def __init__(
        self,
        source: Source[Any],
        publisher: Target[Any],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source if isinstance(source, Resumable) else None
        self._publisher = publisher
        self._clock = clock
        self._told_at = clock()
        self._whole = True

    async def publish(self, chunk: list[Any]) -> None:
        """Publish a chunk."""
        self._whole = False
        await self._publisher.publish(chunk)
        self._whole = True
        if self._source is not None and self._clock() - self._told_at >= CHECKPOINT_S:
            # As patient as deliveries are: it isn't the end.
            await self._publisher.flush(DELIVERY_TIMEOUT_S)
            await self._tell(self._source)

    async def finish(self) -> None:
        """Wait until all is acknowledged, and tell the source, unless a chunk was cut short."""
        await self._publisher.flush()
        if self._source is not None and self._whole:
            await self._tell(self._source)

    async def _tell(self, source: Resumable) -> None:
        await asyncio.to_thread(source.published)
        self._told_at = self._clock()
