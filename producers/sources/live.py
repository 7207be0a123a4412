"""What the live streams of posts have in common: reconnecting, a bounded queue, no repeats."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import ClassVar, NamedTuple

import aiohttp

from producers.backoff import Backoff
from producers.hashtags import TaggedTweet
from producers.recent import RecentIds
from producers.sources.refusal import AnsweredError, DroppedError

log = logging.getLogger(__name__)

WAITING_POSTS = 1000
#: Ids that are remembered: far more than a stream sends again after a lost connection.
RECENT = 50_000
CLOSE_S = 5


class Post(NamedTuple):
    """What arrives; the cursor is where its stream goes on behind it, if the stream has one."""

    id: str
    tagged: TaggedTweet
    cursor: int = 0


class LivePosts(ABC):
    """A Source of what `_stream_once` brings, again and again; each post once, by its id.

    `recent` are ids of posts that were published before. `delay_scale` shortens the waits.
    """

    name: ClassVar[str]

    def __init__(self, delay_scale: float = 1.0, recent: Iterable[str] = ()) -> None:
        self._waiting: asyncio.Queue[Post] = asyncio.Queue(WAITING_POSTS)
        self._recent = RecentIds(RECENT, recent)
        self._lost = Backoff(0.25 * delay_scale, 16 * delay_scale)
        self._refused = Backoff(5 * delay_scale, 320 * delay_scale)
        self._limited = Backoff(60 * delay_scale, 960 * delay_scale)
        self.reconnects = 0
        self.repeats = 0
        self.bad_messages = 0

    async def chunks(self) -> AsyncGenerator[list[TaggedTweet], None]:
        """What has arrived, as often as the one who asks has time for it."""
        stream = asyncio.create_task(self._stream_for_ever())
        try:
            while True:
                first = asyncio.create_task(self._waiting.get())
                await asyncio.wait({first, stream}, return_when=asyncio.FIRST_COMPLETED)
                if not first.done():
                    # Nothing is waiting any more, and nothing will come.
                    first.cancel()
                    stream.result()
                posts = [first.result(), *self._arrived()]
                self._yields(posts)
                yield [post.tagged for post in posts]
        finally:
            stream.cancel()
            await asyncio.wait({stream}, timeout=CLOSE_S)

    def report(self) -> str:
        """How often the stream was lost, and what was left out."""
        counts = {
            "reconnections": self.reconnects,
            "repeats dropped": self.repeats,
            "bad messages skipped": self.bad_messages,
        }
        return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)

    def alive(self) -> None:
        """Note that the stream works: the next wait will be a short one."""
        for backoff in (self._lost, self._refused, self._limited):
            backoff.reset()

    @abstractmethod
    async def _stream_once(self) -> None:
        """Connect, and `_take` what comes; to return is to be called again at once.

        Raises DroppedError, aiohttp.ClientError or TimeoutError where a wait comes first, and
        TallyError when it isn't worth another try.
        """

    def _yields(self, posts: Sequence[Post]) -> None:  # noqa: B027  (few have to note anything)
        """Note what is yielded next."""

    async def _take(self, post: Post) -> None:
        """Queue a post, waiting while too many are waiting already."""
        if not post.tagged.hashtags:
            return
        if self._recent.add(post.id):
            await self._waiting.put(post)
        else:
            self.repeats += 1

    def _bad(self) -> None:
        self.bad_messages += 1
        log.debug("A message of %s isn't a post and was skipped", self.name)

    def _arrived(self) -> list[Post]:
        return [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]

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
