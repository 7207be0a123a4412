"""Tweets as they are posted, from the v2 API: its filtered stream, or a sample of all.

Tweepy does the talking; waiting and reconnecting are ours, since its own loop reconnects without
a pause when the server hangs up, and never gives up on a token that is refused.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import aiohttp
from tweepy import StreamRule
from tweepy.asynchronous import AsyncStreamingClient
from tweepy.errors import HTTPException

from producers.budget import Budget
from producers.hashtags import tagged
from producers.json_text import parse_json
from producers.sources.live import CLOSE_S, LivePosts, Post
from producers.sources.refusal import DroppedError, refusal
from streams.errors import BadInputError, SettingError, TallyError
from streams.setting_kinds import Secret

log = logging.getLogger(__name__)

# At DEBUG tweepy logs its requests with their headers, and so the token.
logging.getLogger("tweepy").setLevel(logging.WARNING)

TOKEN = "BEARER_TOKEN"
KEEP_ALIVE_S = 21  # the server sends a line, if an empty one, every 20 s


def bearer_token(environ: Mapping[str, str]) -> Secret:
    """The API's token; raises SettingError without one."""
    token = environ.get(TOKEN, "").strip()
    if not token:
        raise SettingError(
            TOKEN,
            "isn't set, and Twitter sends nothing without it",
            "a bearer token of the v2 API (`tally-produce simulate` needs none)",
        )
    return Secret(token)


def new_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(sock_read=KEEP_ALIVE_S))


class SpentError(Exception):
    """No more posts may be bought now."""


class LiveTweets(LivePosts):
    """A Source of tweets that match any of `rules`; without rules, of a sample of all tweets.

    Rules are added to those the token's project has already. Each post is paid for, so no more are
    taken than the `budget` allows.
    """

    name: ClassVar[str] = "Twitter's stream"

    def __init__(
        self,
        token: Secret,
        rules: Sequence[str] = (),
        session: Callable[[], aiohttp.ClientSession] = new_session,
        delay_scale: float = 1.0,
        budget: Budget | None = None,
    ) -> None:
        super().__init__(delay_scale)
        self._token = token
        self._rules = rules
        self._session = session
        self._budget = budget

    async def arrived(self, message: bytes) -> None:
        """Take one message of the stream, waiting while too many are waiting already.

        Raises SpentError when it was the last one that the budget allows.
        """
        self.alive()
        try:
            tweet = parse_json(message)["data"]
            if self._budget is not None:
                # Paid for, whatever is in it; in a thread, since it may write to the disk.
                await asyncio.to_thread(self._budget.take)
            post = Post(str(tweet["id"]), tagged(tweet))
        except (ValueError, KeyError, TypeError):
            self._bad()
        else:
            await self._take(post)
        if self._budget is not None and self._budget.left() == 0:
            raise SpentError

    async def _stream_once(self) -> None:
        if self._budget is not None:
            await self._budget.wait()
        stream = _Stream(self._token, self)
        async with self._session() as session:
            stream.session = session
            if self._rules:
                await _add_rules(stream, self._rules)
            start = stream.filter if self._rules else stream.sample
            task = start(tweet_fields=["created_at", "entities"])
            try:
                # Not `await task`: tweepy's task swallows the cancellation meant for this one.
                await asyncio.wait({task})
            finally:
                stream.disconnect()
                await asyncio.wait({task}, timeout=CLOSE_S)
                if self._budget is not None:
                    await asyncio.to_thread(self._budget.settle)
        if not isinstance(stream.failure, SpentError):
            raise stream.failure or DroppedError("ended")


class _Stream(AsyncStreamingClient):
    """Tweepy's client; leaves its reconnecting by raising in its hooks."""

    def __init__(self, token: Secret, source: LiveTweets) -> None:
        super().__init__(token.reveal())
        self._source = source
        self.failure: Exception | None = None

    async def on_data(self, raw_data: bytes) -> None:
        await self._source.arrived(raw_data)

    async def on_connect(self) -> None:
        log.info("Connected to Twitter's stream")

    async def on_keep_alive(self) -> None:
        self._source.alive()

    async def on_closed(self, _resp: aiohttp.ClientResponse) -> None:
        raise DroppedError("closed by the server")

    async def on_connection_error(self) -> None:
        raise DroppedError("the connection was lost")

    async def on_request_error(self, status_code: int) -> None:
        raise _refusal(status_code)

    async def on_exception(self, exception: Exception) -> None:
        expected = isinstance(exception, DroppedError | SpentError | TallyError)
        self.failure = exception if expected else DroppedError(type(exception).__name__)

    async def on_disconnect(self) -> None:
        log.debug("Disconnected from Twitter's stream")


async def _add_rules(stream: _Stream, rules: Sequence[str]) -> None:
    try:
        present = {rule.value for rule in (await stream.get_rules()).data or ()}
        missing = [StreamRule(value) for value in dict.fromkeys(rules) if value not in present]
        if missing:
            answer = await stream.add_rules(missing)
            for error in answer.errors:
                detail = error.get("title") or "no reason given"
                raise BadInputError(f"Twitter refuses the rule {error.get('value')!r}: {detail}")
    except HTTPException as exc:
        raise _refusal(exc.response.status) from exc


def _refusal(status: int) -> Exception:
    wanted = "a valid token whose access level includes this stream"
    return refusal(status, "Twitter", TOKEN, wanted, "Check --rule")
