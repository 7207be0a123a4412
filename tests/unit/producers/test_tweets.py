"""The v2 stream, from a local server that misbehaves the way Twitter's does."""

import asyncio
import itertools
import json
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from producers.budget import Budget
from producers.sources.tweets import LiveTweets, bearer_token
from streams.errors import BadInputError, SettingError
from streams.setting_kinds import Secret
from tests.polling import until_true
from tests.unit.producers.peers import serving, taken

TOKEN = "very-secret-token"
AUTHORITY = trustme.CA()

Act = Callable[[web.StreamResponse], Awaitable[None]]


class ToLocalPort(AbstractResolver):
    """Every host is 127.0.0.1 at this port, so that tweepy's fixed URL leads to our server."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self, host: str, _: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=self._port, family=family, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        pass


class Twitter:
    """Answers each connection with the next of `answers`: a status, or what to send."""

    def __init__(self) -> None:
        self.answers: list[int | Act] = []
        self.requests: list[web.Request] = []
        self.connected_at: list[float] = []
        self.rules: list[dict[str, str]] = []
        self.bad_rules: set[str] = set()
        self.port = 0

    async def stream(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        self.requests.append(request)
        self.connected_at.append(time.monotonic())
        answer = self.answers.pop(0) if self.answers else idle
        if isinstance(answer, int):
            return web.Response(status=answer, text="no")
        response = web.StreamResponse()
        await response.prepare(request)
        await answer(response)
        return response

    async def get_rules(self, _: web.Request) -> web.Response:
        return web.json_response({"data": self.rules, "meta": {}})

    async def post_rules(self, request: web.Request) -> web.Response:
        wanted = (await request.json())["add"]
        errors = [
            {"value": rule["value"], "title": "Invalid Rule"}
            for rule in wanted
            if rule["value"] in self.bad_rules
        ]
        if errors:
            return web.json_response({"errors": errors, "meta": {}})
        self.rules += [{"id": str(len(self.rules)), "value": rule["value"]} for rule in wanted]
        return web.json_response({"data": self.rules, "meta": {}}, status=201)

    def session(self) -> aiohttp.ClientSession:
        trusting = ssl.create_default_context()
        AUTHORITY.configure_trust(trusting)
        connector = aiohttp.TCPConnector(resolver=ToLocalPort(self.port), ssl=trusting)
        return aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(sock_read=2)
        )

    def source(self, *rules: str, budget: Budget | None = None) -> LiveTweets:
        return LiveTweets(Secret(TOKEN), rules, self.session, delay_scale=0.01, budget=budget)


@asynccontextmanager
async def running(twitter: Twitter) -> AsyncIterator[Twitter]:
    app = web.Application()
    app.router.add_get("/2/tweets/sample/stream", twitter.stream)
    app.router.add_get("/2/tweets/search/stream", twitter.stream)
    app.router.add_get("/2/tweets/search/stream/rules", twitter.get_rules)
    app.router.add_post("/2/tweets/search/stream/rules", twitter.post_rules)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert("api.twitter.com").configure_cert(context)
    async with serving(app, context) as port:
        twitter.port = port
        yield twitter


@pytest.fixture
async def twitter() -> AsyncIterator[Twitter]:
    async with running(Twitter()) as server:
        yield server


_ids = itertools.count()


def tweet(*tags: str) -> bytes:
    data = {
        "id": str(next(_ids)),
        "text": "x",
        "created_at": "1970-01-01T00:00:01.000Z",
        "entities": {"hashtags": [{"tag": tag} for tag in tags]},
    }
    return json.dumps({"data": data}).encode() + b"\r\n"


def sends(*messages: bytes) -> Act:
    """Send `messages`, then hang up."""

    async def act(response: web.StreamResponse) -> None:
        for message in messages:
            await response.write(message)

    return act


async def idle(response: web.StreamResponse) -> None:
    while True:
        await response.write(b"\r\n")
        await asyncio.sleep(0.05)


async def silent(_: web.StreamResponse) -> None:
    await asyncio.Event().wait()


async def broken(response: web.StreamResponse) -> None:
    """Cut the connection in the middle of a tweet."""
    await response.write(tweet("cut")[:20])
    request: Any = response._req
    request.transport.abort()
    await asyncio.Event().wait()


async def tags(source: LiveTweets, count: int) -> list[str]:
    """The first hashtags."""
    return [tag for tag, _ in await taken(source, count)]


async def test_tweets_of_the_sample(twitter: Twitter) -> None:
    twitter.answers = [sends(tweet("a", "B"), b"\r\n", tweet(), tweet("c"))]
    assert await tags(twitter.source(), 3) == ["a", "B", "c"]
    [request, *_] = twitter.requests
    assert request.path == "/2/tweets/sample/stream"
    assert request.query["tweet.fields"] == "created_at,entities"


async def test_every_way_to_lose_the_stream(twitter: Twitter) -> None:
    twitter.answers = [
        503,
        sends(tweet("a")),
        429,
        broken,
        silent,
        sends(b"{oops\r\n", b'{"errors": []}\r\n', b"x" * 300_000 + b"\r\n"),
        sends(tweet("b")),
        idle,
    ]
    source = twitter.source()
    assert await tags(source, 2) == ["a", "b"]
    assert source.reconnects == 6
    assert source.bad_messages == 3
    assert source.report() == "6 reconnections, 3 bad messages skipped"


async def test_waits_grow_and_are_longest_when_limited(twitter: Twitter) -> None:
    twitter.answers = [503, 503, 429, 429, sends(tweet("a"))]
    await tags(twitter.source(), 1)
    at = twitter.connected_at
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    for gap, least in zip(gaps, [0.05, 0.1, 0.6, 1.2], strict=True):
        assert gap >= least


async def test_a_server_that_hangs_up_at_once_is_not_hammered(twitter: Twitter) -> None:
    twitter.answers = [*[sends()] * 6, sends(tweet("a"))]
    await tags(twitter.source(), 1)
    # 0.25 s doubled five times, scaled: without a pause it would take almost nothing.
    assert twitter.connected_at[-1] - twitter.connected_at[0] >= 0.0025 * 63


async def test_a_tweet_that_is_sent_again_is_taken_once(twitter: Twitter) -> None:
    repeated = tweet("a")
    twitter.answers = [sends(repeated), sends(repeated, tweet("b"))]
    source = twitter.source()
    assert await tags(source, 2) == ["a", "b"]
    assert source.report() == "1 reconnections, 1 repeats dropped"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_ends_it(twitter: Twitter, status: int) -> None:
    twitter.answers = [status]
    with pytest.raises(SettingError, match="BEARER_TOKEN") as caught:
        await tags(twitter.source(), 1)
    assert TOKEN not in str(caught.value)


async def test_a_request_that_can_not_work_ends_it(twitter: Twitter) -> None:
    twitter.answers = [400]
    with pytest.raises(BadInputError, match="HTTP 400"):
        await tags(twitter.source(), 1)


async def test_rules_are_added_once(twitter: Twitter) -> None:
    twitter.rules = [{"id": "7", "value": "cats"}]
    twitter.answers = [sends(tweet("a")), sends(tweet("b"))]
    assert await tags(twitter.source("cats", "dogs", "dogs"), 2) == ["a", "b"]
    assert [rule["value"] for rule in twitter.rules] == ["cats", "dogs"]
    assert twitter.requests[0].path == "/2/tweets/search/stream"


async def test_a_bad_rule_ends_it(twitter: Twitter) -> None:
    twitter.bad_rules = {"("}
    with pytest.raises(BadInputError, match="Invalid Rule"):
        await tags(twitter.source("("), 1)


async def test_no_more_than_the_budget_allows(twitter: Twitter, tmp_path: Path) -> None:
    """Each post is paid for, those without hashtags too; the stream is left when it is spent."""
    now = [datetime(2026, 1, 1, tzinfo=UTC)]

    class Calendar(Budget):
        async def wait(self) -> None:
            if self.left() == 0:
                now[0] += timedelta(days=1)
            await super().wait()

    def budget() -> Budget:
        return Calendar(tmp_path / "spent", 3, None, lambda: now[0])

    twitter.answers = [sends(tweet("a"), tweet(), tweet("b"), tweet("never")), sends(tweet("c"))]
    source = twitter.source(budget=budget())
    assert await tags(source, 3) == ["a", "b", "c"]
    assert now == [datetime(2026, 1, 2, tzinfo=UTC)]
    assert len(twitter.requests) == 2
    assert source.reconnects == 0
    assert budget().left() == 2


async def test_can_be_stopped_while_waiting(twitter: Twitter) -> None:
    twitter.answers = [idle]
    task = asyncio.create_task(tags(twitter.source(), 1))
    await until_true(lambda: bool(twitter.requests))
    task.cancel()
    await asyncio.wait({task}, timeout=60)
    assert task.cancelled()


async def test_the_token_is_never_logged(
    twitter: Twitter, caplog: pytest.LogCaptureFixture
) -> None:
    twitter.answers = [503, 429, sends(tweet("a"))]
    with caplog.at_level(logging.DEBUG):
        source = twitter.source("cats")
        await tags(source, 1)
    assert caplog.records
    assert TOKEN not in caplog.text


def test_without_a_token() -> None:
    with pytest.raises(SettingError, match=r"BEARER_TOKEN.*simulate"):
        bearer_token({"BEARER_TOKEN": " "})
    assert bearer_token({"BEARER_TOKEN": TOKEN}).reveal() == TOKEN
