"""What the live streams of posts have in common: waiting, reconnecting, and a bounded queue."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from typing import ClassVar

import aiohttp

from producers.backoff import Backoff
from producers.hashtags import TaggedTweet

log = logging.getLogger(__name__)

WAITING_POSTS = 1000
CHUNK = 500
CLOSE_S = 5


class DroppedError(Exception):
    """The stream ended; it is worth trying again."""


class AnsweredError(DroppedError):
    """The server answered `status` instead of sending its stream."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class LivePosts(ABC):
    """A Source of what `_stream_once` brings, again and again. `delay_scale` shortens the waits."""

    name: ClassVar[str]

    def __init__(self, delay_scale: float = 1.0) -> None:
        self._waiting: asyncio.Queue[TaggedTweet] = asyncio.Queue(WAITING_POSTS)
        self._lost = Backoff(0.25 * delay_scale, 16 * delay_scale)
        self._refused = Backoff(5 * delay_scale, 320 * delay_scale)
        self._limited = Backoff(60 * delay_scale, 960 * delay_scale)
        self.reconnects = 0
        self.bad_messages = 0

    async def chunks(self) -> AsyncGenerator[list[TaggedTweet], None]:
        """What has arrived, as often as the one who asks has time for it."""
        stream = asyncio.create_task(self._stream_for_ever())
        try:
            while True:
                first = asyncio.create_task(self._waiting.get())
                await asyncio.wait({first, stream}, return_when=asyncio.FIRST_COMPLETED)
                if not first.done():
                    first.cancel()
                    stream.result()
                yield [first.result(), *self._arrived()]
        finally:
            stream.cancel()
            await asyncio.wait({stream}, timeout=CLOSE_S)

    def report(self) -> str:
        """How often the stream was lost, and what was skipped."""
        parts = []
        if self.reconnects:
            parts.append(f"reconnected {self.reconnects:,} times")
        if self.bad_messages:
            parts.append(f"{self.bad_messages:,} bad messages skipped")
        return ", ".join(parts)

    def alive(self) -> None:
        """Note that the stream works: the next wait will be a short one."""
        for backoff in (self._lost, self._refused, self._limited):
            backoff.reset()

    @abstractmethod
    async def _stream_once(self) -> None:
        """Connect, and `_take` what comes. Raises DroppedError, aiohttp.ClientError or TimeoutError
        when that ends, and TallyError when it isn't worth another try."""

    async def _take(self, post: TaggedTweet) -> None:
        """Queue a post, waiting while too many are waiting already."""
        if post.hashtags:
            await self._waiting.put(post)

    def _bad(self) -> None:
        self.bad_messages += 1
        log.debug("A message of %s isn't a post and was skipped", self.name)

    def _arrived(self) -> list[TaggedTweet]:
        count = min(self._waiting.qsize(), CHUNK)
        return [self._waiting.get_nowait() for _ in range(count)]

    async def _stream_for_ever(self) -> None:
        while True:
            try:
                await self._stream_once()
            except (DroppedError, aiohttp.ClientError, TimeoutError) as exc:
                delay_s = self._delay_s(exc)
                log.warning("%s: %s; again in %.1f s", self.name, _brief(exc), delay_s)
                await asyncio.sleep(delay_s)
                self.reconnects += 1

    def _delay_s(self, exc: Exception) -> float:
        match exc:
            case AnsweredError(status=420 | 429):
                return self._limited.next_s()
            case AnsweredError():
                return self._refused.next_s()
        return self._lost.next_s()


def _brief(exc: Exception) -> str:
    return str(exc) if isinstance(exc, DroppedError) else type(exc).__name__
