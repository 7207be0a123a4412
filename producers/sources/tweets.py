"""Tweets as they are posted, from the v2 API: its filtered stream, or a sample of all.

Tweepy does the talking; waiting and reconnecting are ours, since its own loop reconnects without
a pause when the server hangs up, and never gives up on a token that is refused.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

import aiohttp
from tweepy import StreamRule
from tweepy.asynchronous import AsyncStreamingClient
from tweepy.errors import HTTPException

from producers.backoff import Backoff
from producers.hashtags import TaggedTweet, tagged
from streams.errors import BadInputError, SettingError, TallyError
from streams.setting_kinds import Secret

log = logging.getLogger(__name__)

# At DEBUG tweepy logs its requests with their headers, and so the token.
logging.getLogger("tweepy").setLevel(logging.WARNING)

KEEP_ALIVE_S = 21  # the server sends a line, if an empty one, every 20 s
WAITING_TWEETS = 1000
CHUNK = 500
CLOSE_S = 5
_WORTH_A_RETRY = {408, 420, 429}


class _Dropped(Exception):
    """The stream ended; it is worth trying again."""


class _Answered(_Dropped):
    """The server answered `status` instead of 200."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


def bearer_token(environ: Mapping[str, str]) -> Secret:
    """The API's token; raises SettingError without one."""
    token = environ.get("BEARER_TOKEN", "").strip()
    if not token:
        raise SettingError(
            "BEARER_TOKEN",
            "isn't set, and Twitter sends nothing without it",
            "a bearer token of the v2 API (`tally-produce simulate` needs none)",
        )
    return Secret(token)


def new_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(sock_read=KEEP_ALIVE_S))


class LiveTweets:
    """A Source of tweets that match any of `rules`; without rules, of a sample of all tweets.

    Rules are added to those the token's project has already. `delay_scale` shortens the waits.
    """

    def __init__(
        self,
        token: Secret,
        rules: Sequence[str] = (),
        session: Callable[[], aiohttp.ClientSession] = new_session,
        delay_scale: float = 1.0,
    ) -> None:
        self._token = token
        self._rules = rules
        self._session = session
        self._waiting: asyncio.Queue[TaggedTweet] = asyncio.Queue(WAITING_TWEETS)
        self._lost = Backoff(0.25 * delay_scale, 16 * delay_scale)
        self._refused = Backoff(5 * delay_scale, 320 * delay_scale)
        self._limited = Backoff(60 * delay_scale, 960 * delay_scale)
        self.reconnects = 0
        self.bad_messages = 0

    async def chunks(self) -> AsyncGenerator[list[TaggedTweet], None]:
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
        parts = []
        if self.reconnects:
            parts.append(f"reconnected {self.reconnects:,} times")
        if self.bad_messages:
            parts.append(f"{self.bad_messages:,} bad messages skipped")
        return ", ".join(parts)

    async def arrived(self, message: bytes) -> None:
        """Take one message of the stream, waiting while too many are waiting already."""
        self.alive()
        try:
            tweet = tagged(json.loads(message)["data"])
        except (ValueError, KeyError, TypeError):
            self.bad_messages += 1
            log.debug("A message of the stream isn't a tweet and was skipped")
        else:
            if tweet.hashtags:
                await self._waiting.put(tweet)

    def alive(self) -> None:
        for backoff in (self._lost, self._refused, self._limited):
            backoff.reset()

    def _arrived(self) -> list[TaggedTweet]:
        count = min(self._waiting.qsize(), CHUNK)
        return [self._waiting.get_nowait() for _ in range(count)]

    async def _stream_for_ever(self) -> None:
        while True:
            try:
                await self._stream_once()
            except (_Dropped, aiohttp.ClientError, TimeoutError) as exc:
                delay_s = self._delay_s(exc)
                log.warning("Twitter's stream: %s; again in %.1f s", _brief(exc), delay_s)
                await asyncio.sleep(delay_s)
                self.reconnects += 1

    async def _stream_once(self) -> None:
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
        raise stream.failure or _Dropped("ended")

    def _delay_s(self, exc: Exception) -> float:
        match exc:
            case _Answered(status=420 | 429):
                return self._limited.next_s()
            case _Answered():
                return self._refused.next_s()
        return self._lost.next_s()


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
        raise _Dropped("closed by the server")

    async def on_connection_error(self) -> None:
        raise _Dropped("the connection was lost")

    async def on_request_error(self, status_code: int) -> None:
        raise _refusal(status_code)

    async def on_exception(self, exception: Exception) -> None:
        expected = isinstance(exception, _Dropped | TallyError)
        self.failure = exception if expected else _Dropped(type(exception).__name__)

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
    if status in (401, 403):
        return SettingError(
            "BEARER_TOKEN",
            f"is refused by Twitter (HTTP {status})",
            "a valid token whose access level includes this stream",
        )
    if 400 <= status < 500 and status not in _WORTH_A_RETRY:
        return BadInputError(f"Twitter refuses the request (HTTP {status})", "Check --rule")
    return _Answered(status)


def _brief(exc: Exception) -> str:
    return str(exc) if isinstance(exc, _Dropped) else type(exc).__name__
