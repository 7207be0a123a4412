"""Posts as they are made on a Mastodon server: server-sent events over HTTP.

What is posted while we aren't connected is lost: there is no cursor to go on from.
"""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from producers.hashtags import TaggedTweet, epoch_ms
from producers.recent import RecentIds
from producers.sources.live import AnsweredError, DroppedError, LivePosts
from streams.errors import BadInputError, SettingError
from streams.service_kinds import service_url
from streams.setting_kinds import Secret

TOKEN = "MASTODON_TOKEN"
#: The server sends at least a comment about every 15 s.
SILENT_S = 60.0
CONNECT_S = 20.0
MAX_EVENT_BYTES = 2**20
RECENT = 10_000
_WORTH_A_RETRY = {408, 420, 429}


class MastodonPosts(LivePosts):
    """A Source of the public posts that the server at `url` knows of, or of one `tag` only."""

    name = "Mastodon's stream"

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
        self._recent = RecentIds(RECENT)

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
            if answer.status >= 500 or answer.status in _WORTH_A_RETRY:
                raise AnsweredError(answer.status)
            try:
                found = (await answer.json())["configuration"]["urls"]["streaming"]
                parts = urlsplit(found)
                scheme = {"wss": "https", "ws": "http"}[parts.scheme]
                return service_url().parse(urlunsplit((scheme, parts.netloc, "", "", "")))
            except (aiohttp.ContentTypeError, ValueError, KeyError, TypeError, AttributeError):
                return self._url

    async def _event(self, name: str, data: str) -> None:
        self.alive()
        if name != "update":
            return
        try:
            status = json.loads(data)
            id_, post = str(status["id"]), tagged(status)
        except (ValueError, KeyError, TypeError, AttributeError):
            self._bad()
        else:
            if self._recent.add(id_):
                await self._take(post)


def tagged(status: Any) -> TaggedTweet:
    """A status's hashtags and time; raises ValueError, KeyError or TypeError for what isn't one."""
    hashtags = [str(tag["name"]).encode() for tag in status["tags"]]
    return TaggedTweet(hashtags, epoch_ms(status["created_at"]))


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
    if status in (401, 403):
        return SettingError(
            TOKEN,
            f"is needed or refused by the Mastodon server (HTTP {status})",
            "an access token with the scope read:statuses",
        )
    if 400 <= status < 500 and status not in _WORTH_A_RETRY:
        return BadInputError(f"The Mastodon server refuses the request (HTTP {status})")
    return AnsweredError(status)
