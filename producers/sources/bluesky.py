"""Posts as they are made on Bluesky, by a public Jetstream: JSON in a WebSocket, free of charge.

Jetstream sends at least once. After a lost connection we ask for what follows the last post, and
for some seconds before it, as its makers advise; what was taken before is known by its id. Where a
`place` is given, the next run goes on there, too.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

import aiohttp

from producers.hashtags import TaggedTweet
from producers.json_text import parse_json
from producers.place import Place
from producers.sources.live import LivePosts, Post
from producers.sources.refusal import AnsweredError, DroppedError

URL = "wss://jetstream2.us-east.bsky.network/subscribe"
POSTS = "app.bsky.feed.post"
HASHTAG = "app.bsky.richtext.facet#tag"
#: The longest hashtag that Bluesky's schema allows; not every server keeps to it.
MAX_TAG_BYTES = 640
#: How far before the last post to begin after a lost connection.
OVERLAP_US = 5_000_000
MAX_MESSAGE_BYTES = 2**20
CONNECT_S = 20.0
SILENT_S = 60.0


class BlueskyPosts(LivePosts):
    """A Source of all new posts with hashtags, at the time when Jetstream saw them.

    Cursors are the server's clock, in epoch µs.
    """

    name: ClassVar[str] = "Bluesky's stream"

    def __init__(
        self, url: str = URL, place: Place | None = None, delay_scale: float = 1.0
    ) -> None:
        self._cursor, recent = place.read() if place is not None else (None, [])
        super().__init__(delay_scale, recent)
        self._url = url
        self._place = place
        #: Cursors and ids of what was yielded within the overlap.
        self._lately = deque((self._cursor or 0, id_) for id_ in recent)

    def published(self) -> None:
        """See `Resumable`."""
        if self._place is not None and self._lately:
            cursor, _ = self._lately[-1]
            self._place.write(cursor, [id_ for _, id_ in self._lately])

    def _yields(self, posts: Sequence[Post]) -> None:
        self._lately.extend((post.cursor, post.id) for post in posts)
        while self._lately and self._lately[0][0] < self._lately[-1][0] - OVERLAP_US:
            self._lately.popleft()

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
            post = parse(parse_json(text))
        except ValueError:
            self._bad()
            return
        if post is not None:
            await self._take(post)
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
        tagged = TaggedTweet(_hashtags(commit["record"]), cursor // 1000)
        return Post(f"{event['did']}/{commit['rkey']}", tagged, cursor)
    except (KeyError, TypeError, AttributeError, OverflowError) as exc:
        raise ValueError("not an event of Jetstream") from exc


def _hashtags(record: Mapping[str, Any]) -> list[bytes]:
    features = [
        feature for facet in record.get("facets") or () for feature in facet.get("features") or ()
    ]
    tags = [feature["tag"] for feature in features if feature.get("$type") == HASHTAG]
    encoded = (tag.encode() for tag in dict.fromkeys(tags))
    return [tag for tag in encoded if 0 < len(tag) <= MAX_TAG_BYTES]
