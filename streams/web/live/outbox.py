"""What is on its way to one connection: bounded, in order, written in as few calls as can be."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Protocol

from streams import metrics
from streams.web.live.messages import Item, Message
from streams.web.live.queues import Fifo, NewestOnly, Queue

#: Bytes that are handed to the transport at a time, if frames aren't longer; it never holds more
#: than two of these. The rest waits here, where frames are shared by all connections.
CHUNK = 64 * 1024
#: Seconds until a transport that said it wants more, but took nothing, is asked again.
STUCK_SECONDS = 0.02


class Wire(Protocol):
    """A connection's transport; `is_full` while it wants no more."""

    @property
    def is_full(self) -> bool: ...

    def offer(self, data: bytes) -> bool:
        """Hand over whole frames, which it takes unless it is full; never blocks."""

    def buffered(self) -> int:
        """Bytes that were handed over and not yet to the kernel."""

    async def drained(self) -> None:
        """Wait until it wants more. Raises ConnectionError if it is closed."""


class Outbox:
    """See the module. Whoever appends to `pending` calls `flush` before the event loop goes on.

    `overflow` is called when more than `max_bytes` or `max_messages` wait. With `conflating`, only
    the newest result of each key waits.
    """

    __slots__ = (
        "_closed",
        "_drainer",
        "_max_bytes",
        "_max_messages",
        "_overflow",
        "_queue",
        "_waits",
        "_wire",
        "dropped",
        "pending",
        "provisional",
        "sent",
    )

    def __init__(
        self,
        wire: Wire,
        overflow: Callable[[], None],
        *,
        max_bytes: int,
        max_messages: int,
        conflating: bool = False,
        provisional: bool = False,
    ) -> None:
        self.pending: list[Message | Item] = []
        self.provisional = provisional
        self.sent = 0
        self.dropped = 0
        self._wire = wire
        self._overflow = overflow
        self._max_bytes = max_bytes
        self._max_messages = max_messages
        self._queue: Queue = NewestOnly() if conflating else Fifo()
        self._drainer: asyncio.Task[None] | None = None
        self._closed = False
        self._waits = False

    @property
    def queued(self) -> int:
        """Messages that wait for the reader."""
        return len(self._queue)

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait for the reader, the transport's included."""
        return self._queue.size + self._wire.buffered()

    @property
    def is_slow(self) -> bool:
        """Whether the reader is behind: what is flushed now has to wait."""
        return self._waits or self._wire.is_full

    def send(self, item: Message | Item) -> None:
        """Hand over one message; nothing is pending."""
        if not self._waits and self._wire.offer(item.frame):
            self.sent += 1
        else:
            self._wait((item,))

    def flush(self) -> None:
        """Write all that is pending, or let it wait for the reader."""
        pending, self.pending = self.pending, []
        n = len(pending)
        data = pending[0].frame if n == 1 else b"".join([item.frame for item in pending])
        if self._waits or (n > 1 and len(data) > CHUNK) or not self._wire.offer(data):
            self._wait(pending)
        else:
            self.sent += n

    def drop(self, n: int = 1) -> None:
        """Count messages that the client doesn't get: it is behind, and newer ones follow."""
        self.dropped += n
        metrics.LIVE_CONFLATED.inc(n)

    async def empty(self) -> None:
        """Wait until nothing is queued, for senders that can wait."""
        if self._drainer is not None:
            await asyncio.wait([self._drainer])

    def close(self) -> None:
        """Write nothing more, and forget what waits."""
        self._closed = self._waits = True
        self._queue.clear()
        if self._drainer is not None:
            self._drainer.cancel()

    def _wait(self, items: Iterable[Message | Item]) -> None:
        if self._closed:
            return
        replaced = sum(map(self._queue.put, items))
        if replaced:
            self.drop(replaced)
        self._pump()
        if not self._queue:
            return
        if len(self._queue) > self._max_messages or self.queued_bytes > self._max_bytes:
            self._overflow()
        elif self._drainer is None:
            self._drainer = asyncio.create_task(self._drain())

    def _pump(self) -> bool:
        """Write as much as the transport wants now; whether that was anything."""
        before = self.sent
        while self._queue and not self._wire.is_full:
            frames = self._queue.take(CHUNK)
            self._wire.offer(b"".join(frames))
            self.sent += len(frames)
        self._waits = bool(self._queue)
        return self.sent > before

    async def _drain(self) -> None:
        with contextlib.suppress(ConnectionError):
            while self._queue:
                await self._wire.drained()
                if not self._pump():
                    await asyncio.sleep(STUCK_SECONDS)
        self._drainer = None
