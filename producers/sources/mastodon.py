"""Posts as they are made on a Mastodon server: server-sent events over HTTP.

What is posted while we aren't connected is lost: there is no cursor to go on from.
"""

from collections.abc import AsyncIterator
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from producers.hashtags import TaggedTweet, epoch_ms
from producers.json_text import parse_json
from producers.sources.bounded import json_answer
from producers.sources.live import LivePosts, Post
from producers.sources.refusal import DroppedError, refusal
from streams.service_kinds import service_url
from streams.setting_kinds import Secret

TOKEN = "MASTODON_TOKEN"
#: The server sends at least a comment about every 15 s.
SILENT_S = 60.0
CONNECT_S = 20.0
MAX_EVENT_BYTES = 2**20


class MastodonPosts(LivePosts):
    """A Source of the public posts that the server at `url` knows of, or of one `tag` only."""

    name: ClassVar[str] = "Mastodon's stream"

    def __init__(
        self,
        url: str,
        token: Secret | None = None,
        tag: str | None = None,
        delay_scale: float = 1.0,
    ) -> None:
        super().__init__(delay_scale)
        self._url = url.rstrip("/")
        self._token = token
        self._path = "/api/v1/streaming/" + ("public" if tag is None else "hashtag")
        self._query = {} if tag is None else {"tag": tag}

    async def _stream_once(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_read=SILENT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            url = await self._streaming_url(session) + self._path
            headers = {"Accept": "text/event-stream"}
            if self._token is not None:
                headers["Authorization"] = f"Bearer {self._token.reveal()}"
            # A redirect would take the token elsewhere.
            asking = session.get(url, params=self._query, headers=headers, allow_redirects=False)
            async with asking as answer:
                if answer.status != 200:
                    raise _refusal(answer.status)
                async for name, data in events(answer.content):
                    await self._event(name, data)
        raise DroppedError("closed by the server")

    async def _streaming_url(self, session: aiohttp.ClientSession) -> str:
        """Large servers stream from a host of its own, which only the server knows."""
        async with session.get(f"{self._url}/api/v2/instance") as answer:
            if answer.status != 200 and isinstance(no := _refusal(answer.status), DroppedError):
                raise no
            try:
                instance = await json_answer(answer, MAX_EVENT_BYTES)
                parts = urlsplit(instance["configuration"]["urls"]["streaming"])
                scheme = {"wss": "https", "ws": "http"}[parts.scheme]
                return service_url().parse(urlunsplit((scheme, parts.netloc, "", "", "")))
            except (ValueError, KeyError, TypeError, AttributeError):
                return self._url

    async def _event(self, name: str, data: str) -> None:
        self.alive()
        if name != "update":
            return
        try:
            post = parse(parse_json(data))
        except ValueError:
            self._bad()
        else:
            await self._take(post)


def parse(status: Any) -> Post:
    """The post that a status is; raises ValueError for what is none."""
    try:
        hashtags = [str(tag["name"]).encode() for tag in status["tags"]]
        return Post(str(status["id"]), TaggedTweet(hashtags, epoch_ms(status["created_at"])))
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError("not a status") from exc


async def events(content: aiohttp.StreamReader) -> AsyncIterator[tuple[str, str]]:
    """Names and data of server-sent events. Raises DroppedError for one that is too long."""
    rest = b""
    name, size = "", 0
    data: list[str] = []
    async for block in content.iter_any():
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            text = line.decode(errors="replace").rstrip("\r")
            if not text:
                if data:
                    yield name, "\n".join(data)
                name, data, size = "", [], 0
                continue
            # What begins with a colon is a comment: its field has no name.
            field, _, value = text.partition(":")
            if field == "event":
                name = value.strip()
            elif field == "data":
                data.append(value.removeprefix(" "))
                size += len(line)
        if len(rest) + size > MAX_EVENT_BYTES:
            raise DroppedError("sent an event that is too long")


def _refusal(status: int) -> Exception:
    wanted = "an access token with the scope read:statuses"
    return refusal(status, "the Mastodon server", TOKEN, wanted)
