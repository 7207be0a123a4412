"""Posts as they are made on Bluesky, by a public Jetstream: JSON in a WebSocket, free of charge.

Jetstream sends at least once. After a lost connection we ask for what follows the last post, and
for some seconds before it, as its makers advise; what was taken before is known by its id. Where a
`place` is given, the next run goes on there, too.
"""

import json
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple
from urllib.parse import urlencode

import aiohttp

from producers.hashtags import TaggedTweet
from producers.place import Place
from producers.recent import RecentIds
from producers.sources.live import AnsweredError, DroppedError, LivePosts

URL = "wss://jetstream2.us-east.bsky.network/subscribe"
POSTS = "app.bsky.feed.post"
HASHTAG = "app.bsky.richtext.facet#tag"
#: How far before the last post to begin after a lost connection.
OVERLAP_US = 5_000_000
#: Ids that are remembered: far more than have hashtags within the overlap.
RECENT = 50_000
MAX_MESSAGE_BYTES = 2**20
CONNECT_S = 20.0
SILENT_S = 60.0


class Post(NamedTuple):
    """One new post; its cursor is the server's clock, in epoch µs."""

    id: str
    cursor: int
    hashtags: list[bytes]


class BlueskyPosts(LivePosts):
    """A Source of all new posts with hashtags, at the time when Jetstream saw them."""

    name = "Bluesky's stream"

    def __init__(
        self, url: str = URL, place: Place | None = None, delay_scale: float = 1.0
    ) -> None:
        super().__init__(delay_scale)
        self._url = url
        self._place = place
        self._cursor, recent = place.read() if place is not None else (None, [])
        self._recent = RecentIds(RECENT, recent)
        #: Cursor and id of what waits to be yielded, and of what was yielded lately.
        self._queued: deque[tuple[int, str]] = deque()
        self._yielded = deque((self._cursor, id_) for id_ in recent if self._cursor is not None)
        self.repeats = 0

    async def chunks(self) -> AsyncGenerator[list[TaggedTweet], None]:
        """See `LivePosts`; notes what is yielded."""
        async with aclosing(super().chunks()) as chunks:
            async for chunk in chunks:
                self._yielded.extend(self._queued.popleft() for _ in chunk)
                newest, _ = self._yielded[-1]
                while self._yielded[0][0] < newest - OVERLAP_US:
                    self._yielded.popleft()
                yield chunk

    def published(self) -> None:
        """See `Resumable`."""
        if self._place is not None and self._yielded:
            self._place.write(self._yielded[-1][0], [id_ for _, id_ in self._yielded])

    def report(self) -> str:
        """What `LivePosts` reports, and how many repeats were dropped."""
        dropped = [f"{self.repeats:,} repeats dropped"] if self.repeats else []
        return ", ".join([*filter(None, [super().report()]), *dropped])

    async def _stream_once(self) -> None:
        query = {"wantedCollections": POSTS}
        if self._cursor is not None:
            query["cursor"] = str(self._cursor - OVERLAP_US)
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            try:
                connecting = session.ws_connect(
                    f"{self._url}?{urlencode(query)}",
                    max_msg_size=MAX_MESSAGE_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_receive=SILENT_S, ws_close=1.0),
                )
                async with connecting as socket:
                    await self._read(socket)
            except aiohttp.WSServerHandshakeError as exc:
                raise AnsweredError(exc.status) from exc
        raise DroppedError("closed by the server")

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                await self._arrived_text(message.data)
            elif message.type is aiohttp.WSMsgType.ERROR:
                raise DroppedError(f"broke off ({type(message.data).__name__})")

    async def _arrived_text(self, text: str) -> None:
        self.alive()
        try:
            post = parse(json.loads(text))
        except ValueError:
            self._bad()
            return
        if post is None:
            return
        if post.hashtags:
            if self._recent.add(post.id):
                self._queued.append((post.cursor, post.id))
                await self._take(TaggedTweet(post.hashtags, post.cursor // 1000))
            else:
                self.repeats += 1
        # Only now: what is waited for above isn't taken yet.
        self._cursor = max(self._cursor or 0, post.cursor)


def parse(event: Any) -> Post | None:
    """The new post that an event tells of; None if it tells of something else.

    Raises ValueError for what is no event.
    """
    try:
        if event["kind"] != "commit":
            return None
        commit = event["commit"]
        if commit["operation"] != "create" or commit["collection"] != POSTS:
            return None
        cursor = int(event["time_us"])
        return Post(f"{event['did']}/{commit['rkey']}", cursor, _hashtags(commit["record"]))
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError("not an event of Jetstream") from exc


def _hashtags(record: Mapping[str, Any]) -> list[bytes]:
    features = [
        feature for facet in record.get("facets") or () for feature in facet.get("features") or ()
    ]
    tags = [feature["tag"] for feature in features if feature.get("$type") == HASHTAG]
    return [tag.encode() for tag in dict.fromkeys(tags) if tag]
